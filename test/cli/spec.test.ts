// Settings in one word, also from an untrusted model file.

import { expect, test } from "vitest";
import { parseSettings, parseSpec } from "../../src/cli/spec.ts";

test("a name with settings becomes an object of the library", () => {
  expect(parseSpec("optimizer", "adam")).toEqual({ type: "adam" });
  expect(parseSpec("optimizer", "sgd:momentum=.9, nesterov , x=true,y=a")).toEqual({
    type: "sgd",
    momentum: 0.9,
    nesterov: true,
    x: true,
    y: "a",
  });
});

test.each(["a:", "a:=1", "a:b c=1", "a:type=1", "a:__proto__=1", "a:b=1,b=2", "a:b=1,,c=2"])(
  "%s is refused",
  (text) => {
    expect(() => parseSpec("loss", text)).toThrow(/^--loss (takes settings|sets "b" twice)/);
  },
);

test("hostile text takes linear time", () => {
  // The pattern of an earlier version took minutes for any of these.
  for (const text of [
    " ".repeat(1e6),
    `a=${" ".repeat(1e6)}`,
    "a=1,".repeat(3e5),
    "_".repeat(1e6),
  ]) {
    const started = performance.now();
    try {
      parseSettings("schedule", text);
    } catch {
      // Most of these texts are not settings.
    }
    expect(performance.now() - started).toBeLessThan(2000);
  }
});
