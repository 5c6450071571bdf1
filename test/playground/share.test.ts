import { describe, expect, test } from "vitest";
import { LESSONS } from "../../playground/src/lessons.ts";
import { DEFAULTS } from "../../playground/src/settings.ts";
import { linkFor, readLink, type Shared } from "../../playground/src/share.ts";

const shared: Shared = {
  settings: {
    ...DEFAULTS,
    code: 8,
    activation: "gelu",
    learningRate: 0.01,
    noise: 0.3,
    family: "dense",
  },
  changes: [
    { step: 20, key: "noise", value: 0 },
    { step: 90, key: "learningRate", value: 0.0003 },
  ],
  step: 1240,
  checksum: "0a1b2c3d",
  tied: false,
  lesson: null,
};

describe("links", () => {
  test("give the shared settings", () => {
    expect(readLink(linkFor(shared))).toEqual({ shared, problems: [] });
  });

  test("the name of a lesson gives its settings", () => {
    for (const { id, settings, tied } of LESSONS) {
      expect(readLink(`#lesson=${id}`)?.shared).toMatchObject({
        settings,
        tied,
        lesson: id,
        step: null,
      });
    }
  });

  test("other texts are not links", () => {
    expect(readLink("")).toBeUndefined();
    expect(readLink("#top")).toBeUndefined();
  });

  test.each([
    ["code=7", "code"],
    ["code=", "code"],
    ["act=<b>", "act"],
    ["lr=0", "lr"],
    ["lr=1e99", "lr"],
    ["noise=-1", "noise"],
    ["seed=1.5", "seed"],
    ["step=1e9", "step"],
    ["step=-1", "step"],
    ["sum=xyz", "sum"],
    ["changes=5q1", "changes"],
    ["changes=5r-1", "changes"],
    ["data=%zz", "data"],
    ["lesson=nothing", "lesson"],
    ["tied=maybe", "tied"],
    ["data=circles&code=8", "code"],
  ])("%s is refused with a message, and the rest is used", (part, key) => {
    const read = readLink(`#seed=3&${part}${part.startsWith("seed") ? "" : ""}`);
    expect(read?.problems.length).toBe(1);
    expect(read?.problems[0]).toContain(`${key}=`);
    if (key !== "seed") expect(read?.shared.settings.seed).toBe(3);
  });

  test("parts with unknown names are reported in one sentence", () => {
    const read = readLink("#colour=red&seed=3&x=1&<b>=2&y=3");
    expect(read?.problems).toEqual([
      "The link has parts that this page does not know: \u201ccolour\u201d, \u201cx\u201d, \u201c<b>\u201d.",
    ]);
    expect(read?.shared.settings.seed).toBe(3);
  });

  test("a link to data of a user opens the digits, with the reason", () => {
    const read = readLink("#data=own&code=2");
    expect(read?.shared.settings.data).toBe("digits");
    expect(read?.problems[0]).toMatch(/files that are not part of it/);
  });

  test("a very long link is read up to a limit", () => {
    const long = `#changes=${Array.from({ length: 100_000 }, (_, i) => `${i}n0`).join("_")}`;
    expect(readLink(long)?.shared.changes.length).toBeLessThanOrEqual(200);
  });
});
