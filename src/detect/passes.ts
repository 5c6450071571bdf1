// Passes over long lists, with a pause after every thousand values.

import type { Paused } from "../platform/turns.ts";

const PIECE = 1024;

/** Calls `visit` with 0, 1 … count - 1. */
export function* visiting(count: number, visit: (i: number) => void): Paused<void> {
  for (let first = 0; first < count; first += PIECE) {
    const end = Math.min(count, first + PIECE);
    for (let i = first; i < end; i++) visit(i);
    yield;
  }
}

/** The values that the test keeps. */
export function* filtering<Value>(
  values: readonly Value[],
  keep: (value: Value) => boolean,
): Paused<Value[]> {
  const kept: Value[] = [];
  for (let first = 0; first < values.length; first += PIECE) {
    for (const value of values.slice(first, first + PIECE)) if (keep(value)) kept.push(value);
    yield;
  }
  return kept;
}

/** The numbers at the places that the test keeps. */
export function* filteringNumbers(
  values: Float64Array,
  isKept: (place: number) => boolean,
): Paused<Float64Array> {
  const kept = new Float64Array(values.length);
  let count = 0;
  yield* visiting(values.length, (i) => {
    if (isKept(i)) kept[count++] = values[i] ?? Number.NaN;
  });
  return kept.slice(0, count);
}

/** Whether all values pass the test. */
export function* testing<Value>(
  values: readonly Value[],
  test: (value: Value) => boolean,
): Paused<boolean> {
  for (let first = 0; first < values.length; first += PIECE) {
    if (!values.slice(first, first + PIECE).every(test)) return false;
    yield;
  }
  return true;
}

/** A number for each of `count` places. */
export function* filling(count: number, valueAt: (i: number) => number): Paused<Float64Array> {
  const values = new Float64Array(count);
  yield* visiting(count, (i) => {
    values[i] = valueAt(i);
  });
  return values;
}
