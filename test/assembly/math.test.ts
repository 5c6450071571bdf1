import { describe, expect, test } from "vitest";
import { guarded, read, ulp, uniform } from "../support/arrays.ts";
import { functionBuilds } from "../support/core.ts";
import { BOUNDS, functions } from "../support/reference/functions.ts";

const NAMES = Object.keys(BOUNDS) as (keyof typeof BOUNDS)[];
const { fround } = Math;

/** 2^18 float32 numbers evenly distributed over all bit patterns, then numbers around [-20, 20]. */
function sample(): Float32Array {
  const bits = Uint32Array.from({ length: 1 << 18 }, (_, i) => (i << 14) + ((i * 7919) & 0x3fff));
  const close = [...uniform(1 << 16, -20, 20, 1), ...uniform(1 << 16, -1, 1, 2)];
  const floats = new Float32Array(bits.length + close.length);
  floats.set(new Float32Array(bits.buffer));
  floats.set(close, bits.length);
  return floats;
}

const SUBNORMALS = [1.401298464324817e-45, 1e-40, 1.1754942106924411e-38];
const EDGES = [0, -0, Infinity, -Infinity, NaN, 1, -1, 3.4028234663852886e38, ...SUBNORMALS]
  .concat(SUBNORMALS.map((x) => -x))
  .concat([88.72283, 88.72284, -87.33654, -87.33655, -103.27893, -103.97208, -103.97209, -104.1])
  .concat([-0.99999994, -1.0000001, 0.41421354, 0.41421357, 0.92, -0.92, 0.9199999])
  .map(fround);

describe.each(functionBuilds)("elementary functions, $name build", (core) => {
  const { kernels } = core;

  test.each(NAMES)("%s is within its bound for 400,000 numbers", (name) => {
    core.reset();
    const x = sample();
    const y = core.alloc(4 * x.length);
    kernels[name](x.length, core.put(x), y);
    const actual = core.f32(y, x.length);
    const reference = functions[name];
    let worst = 0;
    let where = 0;
    for (let i = 0; i < x.length; i++) {
      const exact = reference(x[i]!);
      if (Object.is(actual[i], fround(exact))) continue;
      const error = Math.abs(actual[i]! - exact) / ulp(exact);
      if (!(error <= worst)) [worst, where] = [error, x[i]!];
    }
    expect(worst, `at ${where}`).toBeLessThanOrEqual(BOUNDS[name]);
  });

  test.each(NAMES)("%s at 0, Inf, NaN, subnormals and its thresholds", (name) => {
    core.reset();
    const y = guarded(core, EDGES);
    kernels[name](EDGES.length, y, y);
    read(core, y, EDGES.length).forEach((actual, i) => {
      const exact = functions[name](EDGES[i]!);
      if (Object.is(actual, fround(exact))) return;
      const error = Math.abs(actual - exact) / ulp(exact);
      expect(error, `${EDGES[i]} gives ${actual}, not ${exact}`).toBeLessThanOrEqual(BOUNDS[name]);
    });
  });

  test.each(NAMES)("%s gives an element the same bits for every end of the range", (name) => {
    const x = uniform(19, -4, 4, 3);
    core.reset();
    const all = guarded(core, x);
    kernels[name](x.length, all, all);
    const expected = read(core, all, x.length);
    for (let count = 0; count < x.length; count++) {
      core.reset();
      const y = guarded(core, new Array<number>(count).fill(7));
      kernels[name](count, guarded(core, x.slice(0, count)), y);
      expect(read(core, y, count)).toEqual(expected.slice(0, count));
    }
  });
});
