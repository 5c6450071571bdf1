import { describe, expect, test } from "vitest";
import { builds } from "../support/core.ts";

describe.each(builds)("vector kernels, $name build", (core) => {
  test.each([0, 1, 3, 4, 5, 17])("fill writes exactly %i elements", (count) => {
    core.reset();
    const p = core.put(new Float32Array(count + 4).fill(7));
    core.kernels.fill(count, p, 2.5);
    const expected = new Float32Array(count + 4).fill(7).fill(2.5, 0, count);
    expect(core.f32(p, count + 4)).toEqual(expected);
  });
});
