// Rows on disk: every row once in an epoch, in an order that depends only on the seed and the epoch.

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DiskRows, type OrderOptions } from "../../src/cli/disk-rows.ts";
import { temporaryFolder } from "./program.ts";

const folder = temporaryFolder("disk");

/** A store of `count` rows of 4,096 numbers, so that a block has 64 rows. The first number of a row is its index. */
async function stored(count: number): Promise<DiskRows> {
  const columns = 4096;
  const data = new Float32Array(count * columns);
  for (let row = 0; row < count; row++) data.fill(row, row * columns, (row + 1) * columns);
  const rows = await DiskRows.create(join(folder, "model.safetensors"), columns, data);
  onTestFinished(() => rows.close());
  await rows.append(data.subarray(0, 10 * columns));
  await rows.append(data.subarray(10 * columns));
  return rows;
}

/** The indices of the rows of an epoch, by batch. */
async function epoch(rows: DiskRows, options: Partial<OrderOptions> & { batchSize?: number }) {
  const batches: number[][] = [];
  const settings = { end: rows.rows, batchSize: 50, memory: 2 ** 21, shuffle: undefined };
  for await (const { data, shape } of rows.epoch({ ...settings, ...options })) {
    expect(data).toHaveLength(shape[0] * shape[1]);
    const indices = Array.from({ length: shape[0] }, (_, i) => data[i * rows.columns]!);
    for (let i = 0; i < data.length; i++) {
      if (data[i] !== indices[Math.floor(i / rows.columns)]) throw new Error("a row is not whole");
    }
    batches.push(indices);
  }
  return batches;
}

const inOrder = (count: number) => Array.from({ length: count }, (_, i) => i);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

test("an epoch has every row once, in batches of equal size and perhaps a shorter last one", async () => {
  const rows = await stored(333);
  const batches = await epoch(rows, { shuffle: { seed: 1, epoch: 0 } });
  expect(batches.map((batch) => batch.length)).toEqual([50, 50, 50, 50, 50, 50, 33]);
  expect(sorted(batches.flat())).toEqual(inOrder(333));
});

test("the order depends on the seed and the epoch only", async () => {
  const rows = await stored(200);
  const order = async (seed: number, number: number, batchSize = 50) =>
    (await epoch(rows, { batchSize, shuffle: { seed, epoch: number } })).flat();
  const first = await order(1, 0);
  expect(await order(1, 0, 7)).toEqual(first);
  expect(await order(1, 1)).not.toEqual(first);
  expect(await order(2, 0)).not.toEqual(first);
});

test("rows of the blocks that fit into memory are shuffled together", async () => {
  const rows = await stored(64 * 6);
  const order = (await epoch(rows, { shuffle: { seed: 3, epoch: 0 } })).flat();
  for (const part of [order.slice(0, 128), order.slice(128, 256), order.slice(256)]) {
    const blocks = sorted([...new Set(part.map((row) => Math.floor(row / 64)))]);
    expect(blocks).toHaveLength(2);
    expect(sorted(part)).toEqual(blocks.flatMap((block) => inOrder(64).map((i) => block * 64 + i)));
    expect(part).not.toEqual(sorted(part));
  }
});

test("without shuffling the rows keep the order of the file", async () => {
  const rows = await stored(150);
  expect((await epoch(rows, {})).flat()).toEqual(inOrder(150));
});

test("rows from the end on are left out, for validation", async () => {
  const rows = await stored(150);
  const order = (await epoch(rows, { end: 100, shuffle: { seed: 1, epoch: 0 } })).flat();
  expect(sorted(order)).toEqual(inOrder(100));
  const { data, shape } = await rows.read(100, 50);
  expect([data[0], data.at(-1), shape]).toEqual([100, 149, [50, 4096]]);
});

test("a row that is longer than the memory is read alone", async () => {
  const rows = await stored(5);
  const batches = await epoch(rows, { memory: 1, batchSize: 2, shuffle: { seed: 1, epoch: 0 } });
  expect(batches.map((batch) => batch.length)).toEqual([2, 2, 1]);
});

test("a sample has random rows, as many as fit into memory", async () => {
  const rows = await stored(64 * 8);
  const options = { end: rows.rows, memory: 2 ** 21, shuffle: { seed: 4, epoch: 0 } };
  const { data, shape } = await rows.sample(options);
  expect(shape).toEqual([128, 4096]);
  const blocks = new Set(inOrder(128).map((i) => Math.floor(data[i * 4096]! / 64)));
  expect(blocks.size).toBe(2);
});

test("the store has no name in the folder, so nothing is left however the program ends", async () => {
  await stored(3);
  expect(readdirSync(folder)).toEqual([]);
});

test("a folder that is missing is named", async () => {
  const path = join(folder, "missing", "model.safetensors");
  await expect(DiskRows.create(path, 1, new Float32Array(1))).rejects.toThrow(
    /missing.*no such file or folder/,
  );
  mkdirSync(join(folder, "there"));
  writeFileSync(join(folder, "there", "model.safetensors"), "");
  const rows = await DiskRows.create(
    join(folder, "there", "model.safetensors"),
    1,
    new Float32Array(1),
  );
  await rows.close();
});
