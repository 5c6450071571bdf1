// Settings in one word, also from an untrusted model file.

import { expect, test } from "vitest";
import type { Option } from "../../src/cli/arguments.ts";
import { checkSpec, parseSettings, parseSpec } from "../../src/cli/spec.ts";
import { modelOptions, runOptions } from "../../src/cli/training.ts";

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

test.each(Object.entries({ ...modelOptions, ...runOptions }))(
  "the example for a name of --%s without its required settings is accepted",
  (name, option: Option) => {
    for (const { type } of option.registry?.all ?? []) {
      if (option.except?.includes(type)) continue;
      const registry = option.registry ?? { all: [] };
      try {
        checkSpec(name, { ...option, registry }, type);
      } catch (error) {
        const [, example = ""] = /, as in --[\w-]+ (.*)\.$/.exec((error as Error).message) ?? [];
        expect(example).toMatch(new RegExp(`^${type}:\\w+=[\\d.]+`));
        checkSpec(name, { ...option, registry }, example);
      }
    }
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
