import { expect, test } from "vitest";
import current from "./current.json" with { type: "json" };
import first from "./v0.1.0.json" with { type: "json" };

test("the runs that must never change are bit-identical to those of version 0.1.0", () => {
  for (const name of ["gram/1", "gram/2", "huber/1", "huber/2"] as const) {
    expect([name, current[name]]).toEqual([name, first[name]]);
  }
});
