// A small plant for tests: six sensors that depend on two hidden variables, so that the columns are related.

import type { DetectorOptions } from "../../../src/detect/fit.ts";
import { type Generator, generator } from "./random.ts";

export const sensors = 6;

/** Rows of the plant in order: [count, 6], with values around 0. */
export function plantRows(count: number, random: Generator): number[][] {
  return Array.from({ length: count }, () => {
    const [a, b] = [random.normal(), random.normal()];
    const noise = () => 0.15 * random.normal();
    return [
      a + noise(),
      a - b + noise(),
      b + noise(),
      a * b + noise(),
      Math.tanh(a) + noise(),
      -b + noise(),
    ];
  });
}

/** `count` rows of a plant with seed `seed`. */
export const plant = (count: number, seed: number) => plantRows(count, generator(seed));

/** Rows in which one sensor differs from the others: alternately by 6 and -6. */
export function faultyRows(count: number, seed: number): { rows: number[][]; sensor: number[] } {
  const random = generator(seed);
  const rows = plantRows(count, random);
  const sensor = rows.map(() => random.below(sensors));
  rows.forEach((row, i) => {
    const j = sensor[i] ?? 0;
    row[j] = (row[j] ?? 0) + (i % 2 ? 6 : -6);
  });
  return { rows, sensor };
}

/** Models that train in milliseconds. */
export const quick: DetectorOptions = { model: { models: 3, hidden: [16, 8], steps: 150 } };
