// Checks the kernel table against the kernels: compares the arrays of a row with the effects of the kernel on
// random memory. So a kernel that updates an array in place cannot be listed as one that does not.

import { describe, expect, test } from "vitest";
import { signatures } from "../../src/core/generated/exports.ts";
import { type Kernel, kernelNames, kernelTable, type Use } from "../../src/core/kernel-table.ts";
import { builds, type TestCore } from "../support/core.ts";
import {
  FIRST,
  fillArray,
  fillCall,
  type KernelCall,
  makeCall,
  type PlacedArray,
  randomCall,
  roomOn,
} from "../support/kernel-calls.ts";
import { randomNumbers } from "../support/random.ts";

const TRIALS = 24;

/** The memory before and after a call, and the result of the call. */
interface Run {
  readonly before: Uint32Array;
  readonly after: Uint32Array;
  readonly result: number | undefined;
}

/** Runs a call on given memory. */
function runOn({ kernels, memory }: TestCore, call: KernelCall, content: Uint32Array): Run {
  const heap = new Uint32Array(memory.buffer, 0, content.length);
  heap.set(content);
  const result = makeCall(kernels, call);
  return { before: content, after: heap.slice(), result };
}

/** The words of an array that a run changed. */
const changed = ({ before, after }: Run, { address, words }: PlacedArray): number[] =>
  words.map((word) => address / 4 + word).filter((at) => before[at] !== after[at]);

/** Whether two runs that started with different content in one array wrote different results. */
function differ(a: Run, b: Run, arrays: readonly PlacedArray[]): boolean {
  if (!Object.is(a.result, b.result)) return true;
  return arrays.some((each) =>
    each.words.some((word) => {
      const at = each.address / 4 + word;
      const untouched = a.before[at] === a.after[at] && b.before[at] === b.after[at];
      return !untouched && a.after[at] !== b.after[at];
    }),
  );
}

/** The memory of a run with different content in one place. */
function vary(content: Uint32Array, change: (copy: Uint32Array<ArrayBuffer>) => void): Uint32Array {
  const copy = new Uint32Array(content);
  change(copy);
  return copy;
}

/** The effects of a kernel on its arrays, observed in many calls. Throws for effects that are never allowed. */
function observe(core: TestCore, name: (typeof kernelNames)[number]): Record<string, Use> {
  const random = randomNumbers(name.length);
  const written = new Set<string>();
  const matters = new Set<string>();
  const room = roomOn(core.kernels);
  for (let trial = 0; trial < TRIALS; trial++) {
    const call = randomCall(name, random, room);
    const { arrays } = call;
    const content = new Uint32Array(call.end / 4);
    fillCall(content.buffer, call, random);
    const run = runOn(core, call, content);

    const inArrays = new Set(arrays.flatMap((each) => each.words.map((w) => each.address / 4 + w)));
    const inWorkspace = ranges(core, call);
    const isGuard = (at: number) =>
      !inArrays.has(at) && !inWorkspace.some(([from, to]) => at >= from && at < to);
    for (let at = 0; at < content.length; at++) {
      if (isGuard(at) && run.after[at] !== content[at]) {
        throw new Error(`${name} wrote to word ${at}, which is in none of its arrays.`);
      }
    }
    const others = vary(content, (copy) => {
      const floats = new Float32Array(copy.buffer);
      for (let at = FIRST / 4; at < copy.length; at++) if (!inArrays.has(at)) floats[at] = random();
    });
    if (differ(run, runOn(core, call, others), arrays)) {
      throw new Error(`${name} read outside of its arrays, or what its workspace held before.`);
    }
    if (call.idle && arrays.some((each) => changed(run, each).length > 0)) {
      throw new Error(`${name} did something in a call that the table calls idle.`);
    }
    for (const each of arrays) {
      if (changed(run, each).length > 0) written.add(each.name);
      const varied = vary(content, (copy) => fillArray(copy.buffer, each, random));
      if (differ(run, runOn(core, call, varied), arrays)) matters.add(each.name);
    }
  }
  const uses: Record<string, Use> = {};
  for (const [array, details] of Object.entries((kernelTable[name] as Kernel).arrays)) {
    const use = details?.use;
    if (use === "workspace") uses[array] = use;
    else if (!written.has(array)) uses[array] = "reads";
    else uses[array] = matters.has(array) ? "updates" : "writes";
  }
  return uses;
}

/** The first word and the end of each workspace of a call. */
function ranges({ kernels }: TestCore, { arrays, name, values }: KernelCall): [number, number][] {
  const parameters = Object.keys(signatures[name]);
  return arrays.flatMap(({ address, array: { bytes, shape, factor = 1 } }) => {
    if (!bytes) return [];
    const sizes = shape.map((size, i) => {
      return values[parameters.indexOf(`${size}`)]! * (i === 0 ? factor : 1);
    });
    return [[address / 4, (address + roomOn(kernels)(bytes, ...sizes)) / 4] as [number, number]];
  });
}

describe.each(builds)(
  "$name: the effects of a kernel on its arrays are those in the table",
  (core) => {
    test.each(kernelNames)("%s", (name) => {
      const row: Kernel = kernelTable[name];
      const uses = Object.fromEntries(
        Object.entries(row.arrays).map(([array, details]) => [array, details?.use]),
      );
      expect(observe(core, name)).toEqual(uses);
    });
  },
);

test("the table describes every address and size of a kernel", () => {
  for (const name of kernelNames) {
    const row: Kernel = kernelTable[name];
    const arrays = Object.entries(row.arrays).flatMap(([array, details]) => [
      array,
      ...(details?.shape.map((size) => `${size}`.replace(" + 1", "")) ?? []),
      ...(details?.below ?? []),
      ...(details?.stride ? [details.stride] : []),
    ]);
    const sizes = Object.entries(signatures[name]).filter(([, type]) => type === "usize");
    const known = new Set([...arrays, ...(row.numbers ?? []), row.start]);
    expect([name, ...sizes.map(([size]) => size).filter((size) => !known.has(size))]).toEqual([
      name,
    ]);
  }
});

test("the compiled module exports the kernels of the table and no others", () => {
  for (const { kernels } of builds) {
    expect(Object.keys(kernels).sort()).toEqual([...kernelNames].sort());
  }
});
