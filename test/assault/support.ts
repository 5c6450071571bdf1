// Functions of all attacks: their duration, repeatable seeds, and damage to bytes.

import fc from "fast-check";

/** Seconds for each attack with a fixed duration. */
export const SECONDS = Number(process.env.ASSAULT_SECONDS ?? 6);

const given = process.env.ASSAULT_SEED;

/** A different seed in every run, unless ASSAULT_SEED gives one. Failures name it. */
export const SEED = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);

/** The least inputs of an attack, also on a machine that is too slow for them in the given seconds. */
const LEAST_INPUTS = 50;

/** Runs a property on new inputs for the given seconds. A failure names its seed and its smallest input. */
export async function attack<Input>(
  inputs: fc.Arbitrary<Input>,
  holds: (input: Input) => Promise<void> | void,
  seconds = SECONDS,
): Promise<void> {
  let runs = 0;
  const property = fc.asyncProperty(inputs, async (input) => {
    runs++;
    await holds(input);
  });
  const options = { seed: SEED, endOnFailure: false };
  await fc.assert(property, { ...options, numRuns: 1e9, interruptAfterTimeLimit: seconds * 1000 });
  if (runs < LEAST_INPUTS) await fc.assert(property, { ...options, numRuns: LEAST_INPUTS });
}

/** Numbers that often cause errors in readers: sizes, offsets and lengths at their limits. */
const EDGES = [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xfffffffe, 0xffffffff];

type Edit =
  | { readonly kind: "byte"; readonly at: number; readonly value: number }
  | {
      readonly kind: "number";
      readonly at: number;
      readonly value: number;
      readonly little: boolean;
    }
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "remove" | "repeat"; readonly at: number; readonly length: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array };

/** Damage: a few edits, more often near the start and the end, where headers and directories are. */
const edit: fc.Arbitrary<Edit> = (() => {
  const at = fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 0.1, noNaN: true }),
    fc.double({ min: 0.9, max: 1, noNaN: true }),
  );
  const value = fc.oneof(fc.constantFrom(...EDGES), fc.integer({ min: 0, max: 0xffffffff }));
  const length = fc.integer({ min: 1, max: 64 });
  return fc.oneof(
    fc.record({ kind: fc.constant("byte" as const), at, value: fc.integer({ min: 0, max: 255 }) }),
    fc.record({ kind: fc.constant("number" as const), at, value, little: fc.boolean() }),
    fc.record({ kind: fc.constant("cut" as const), at }),
    fc.record({ kind: fc.constantFrom("remove" as const, "repeat" as const), at, length }),
    fc.record({
      kind: fc.constant("insert" as const),
      at,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }),
    }),
  );
})();

function applied(file: Uint8Array, one: Edit): Uint8Array {
  const at = Math.min(file.length, Math.floor(one.at * file.length));
  const joined = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
  switch (one.kind) {
    case "byte": {
      const copy = file.slice();
      if (at < copy.length) copy[at] = one.value;
      return copy;
    }
    case "number": {
      const copy = file.slice();
      if (at + 4 <= copy.length) new DataView(copy.buffer).setUint32(at, one.value, one.little);
      return copy;
    }
    case "cut":
      return file.slice(0, at);
    case "remove":
      return joined(file.subarray(0, at), file.subarray(at + one.length));
    case "repeat":
      return joined(file.subarray(0, at + one.length), file.subarray(at));
    case "insert":
      return joined(file.subarray(0, at), one.bytes, file.subarray(at));
  }
}

/** Files that are made from valid ones by up to six edits. Some have no edit. */
export const damaged = (files: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(files, fc.array(edit, { maxLength: 6 }))
    .map(([file, edits]) => edits.reduce(applied, file));

/** Bytes in pieces. `cuts` has the ends of the pieces as shares of the whole. */
export async function* inPieces(
  bytes: Uint8Array,
  cuts: readonly number[],
): AsyncGenerator<Uint8Array, void, undefined> {
  const ends = cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b);
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    if (end > start) yield bytes.subarray(start, end);
    start = end;
  }
}

export const cuts: fc.Arbitrary<number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  maxLength: 6,
});
