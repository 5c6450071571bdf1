// The bounds of the elementary functions over the whole range of float32: every STRIDE-th bit pattern, by
// default every seventh; all of them with STRIDE=1.

import { describe, expect, test } from "vitest";
import { ulp } from "../support/arrays.ts";
import { functionBuilds } from "../support/core.ts";
import { BOUNDS, functions } from "../support/reference/functions.ts";

const STRIDE = Number(process.env.STRIDE ?? 7);
const CHUNK = 1 << 20;
const NAMES = Object.keys(BOUNDS) as (keyof typeof BOUNDS)[];
const { fround } = Math;

describe.each(functionBuilds)("all of float32, $name build", (core) => {
  test.each(NAMES)("%s", (name) => {
    core.reset();
    const [x, y] = [core.alloc(4 * CHUNK), core.alloc(4 * CHUNK)];
    const reference = functions[name];
    let worst = 0;
    let where = 0;
    for (let first = 0; first < 2 ** 32; first += CHUNK * STRIDE) {
      const bits = core.u32(x, CHUNK);
      for (let i = 0; i < CHUNK; i++) bits[i] = first + i * STRIDE;
      core.kernels[name](CHUNK, x, y);
      const [xs, ys] = [core.f32(x, CHUNK), core.f32(y, CHUNK)];
      for (let i = 0; i < CHUNK; i++) {
        const exact = reference(xs[i]!);
        if (Object.is(ys[i], fround(exact))) continue;
        const error = Math.abs(ys[i]! - exact) / ulp(exact);
        if (!(error <= worst)) [worst, where] = [error, xs[i]!];
      }
    }
    console.log(`${core.name} ${name}: ${worst.toFixed(3)} units in the last place, at ${where}`);
    expect(worst, `at ${where}`).toBeLessThanOrEqual(BOUNDS[name]);
  });
});
