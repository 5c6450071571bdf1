// Share links of the playground. Any text gives valid settings and messages about its unusable parts. A link that the page
// made gives the same settings.

import fc from "fast-check";
import { expect, test } from "vitest";
import { makeData } from "../../playground/src/data/sets.ts";
import { LESSONS } from "../../playground/src/lessons.ts";
import {
  ACTIVATIONS,
  BATCH_SIZES,
  CODE_SIZES,
  DATA_SETS,
  FAMILIES,
  HIDDEN_SIZES,
  OPTIMIZERS,
  type Settings,
} from "../../playground/src/settings.ts";
import { linkFor, readLink, type Shared } from "../../playground/src/share.ts";
import { attack } from "./support.ts";

const rate = fc.double({ min: 1e-9, max: 10, noNaN: true });
const noise = fc.double({ min: 0, max: 10, noNaN: true });
const step = fc.integer({ min: 0, max: 100_000 });
/** The data sets of the page, with their numbers of columns. A dense code has at most as many units. */
const columns = new Map(
  DATA_SETS.filter((name) => name !== "own" && name !== "mnist").map((name) => [
    name,
    makeData(name).columns,
  ]),
);
const settings: fc.Arbitrary<Settings> = fc
  .record({
    data: fc.constantFrom(...columns.keys()),
    hidden: fc.constantFrom(...HIDDEN_SIZES),
    code: fc.constantFrom(...CODE_SIZES),
    activation: fc.constantFrom(...ACTIVATIONS),
    learningRate: rate,
    noise,
    family: fc.constantFrom(...FAMILIES),
    optimizer: fc.constantFrom(...OPTIMIZERS),
    batchSize: fc.constantFrom(...BATCH_SIZES),
    seed: fc.maxSafeNat(),
  })
  .filter(({ data, family, code }) => family === "topK" || code <= (columns.get(data) ?? 0));
const shared: fc.Arbitrary<Shared> = fc.record({
  settings,
  changes: fc.array(
    fc.oneof(
      fc.record({ step, key: fc.constant("noise" as const), value: noise }),
      fc.record({ step, key: fc.constant("learningRate" as const), value: rate }),
    ),
    { maxLength: 20 },
  ),
  step: fc.option(step),
  checksum: fc.option(fc.stringMatching(/^[0-9a-f]{8}$/)),
  tied: fc.boolean(),
  lesson: fc.option(fc.constantFrom(...LESSONS.map(({ id }) => id))),
});

test("a link that the page made gives the same settings", async () => {
  await attack(shared, (one) => {
    expect(readLink(linkFor(one))).toEqual({ shared: one, problems: [] });
  });
});

const part = fc
  .oneof(
    fc.tuple(
      fc.constantFrom("data", "hidden", "code", "lr", "noise", "seed", "step", "changes", "sum"),
      fc.oneof(
        fc.string(),
        fc.double().map(String),
        fc.constantFrom("", "%", "%zz", "%00", "<b>", "__proto__", "1e999", "0x10", " 3 ", "5n1_"),
      ),
    ),
    fc.tuple(fc.constantFrom("__proto__", "constructor", "lesson", "act", "tied"), fc.string()),
  )
  .map(([key, value]) => `${key}=${value}`);
const text = fc.oneof(
  fc.array(part, { maxLength: 12 }).map((parts) => `#${parts.join("&")}`),
  fc.string().map((any) => `#${any}`),
  fc.tuple(shared.map(linkFor), fc.nat(), fc.string()).map(([link, at, put]) => {
    const place = at % link.length;
    return link.slice(0, place) + put + link.slice(place + put.length);
  }),
);

test("any link gives valid settings", async () => {
  await attack(text, (link) => {
    const read = readLink(link);
    if (!read) return;
    const { settings, changes, step: at, checksum, tied } = read.shared;
    expect(DATA_SETS).toContain(settings.data);
    expect(ACTIVATIONS).toContain(settings.activation);
    expect(FAMILIES).toContain(settings.family);
    expect(OPTIMIZERS).toContain(settings.optimizer);
    expect(HIDDEN_SIZES).toContain(settings.hidden);
    expect(CODE_SIZES).toContain(settings.code);
    expect(BATCH_SIZES).toContain(settings.batchSize);
    expect(Number.isSafeInteger(settings.seed) && settings.seed >= 0).toBe(true);
    for (const { key, value } of [
      ...changes,
      { key: "learningRate", value: settings.learningRate },
      { key: "noise", value: settings.noise },
    ]) {
      expect(value <= 10 && (key === "noise" ? value >= 0 : value > 0)).toBe(true);
    }
    expect(at === null || (Number.isInteger(at) && at >= 0 && at <= 100_000)).toBe(true);
    expect(checksum === null || /^[0-9a-f]{8}$/.test(checksum)).toBe(true);
    expect(typeof tied).toBe("boolean");
  });
});
