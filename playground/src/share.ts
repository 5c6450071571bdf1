// Links: settings, changes, tie and step in the part of the address after #. A link may have been edited by hand, so every
// value is checked. Each value that cannot be used gives a sentence.

import { makeData } from "./data/sets.ts";
import { LESSONS } from "./lessons.ts";
import {
  ACTIVATIONS,
  BATCH_SIZES,
  type Change,
  CODE_SIZES,
  DATA_SETS,
  DEFAULTS,
  FAMILIES,
  HIDDEN_SIZES,
  OPTIMIZERS,
  type Settings,
} from "./settings.ts";

export interface Shared {
  readonly settings: Settings;
  readonly changes: readonly Change[];
  /** The step to replay to; null for a link to a beginning. */
  readonly step: number | null;
  readonly checksum: string | null;
  readonly tied: boolean;
  readonly lesson: string | null;
}

export interface ReadLink {
  readonly shared: Shared;
  /** A sentence for each part of the link that cannot be used. */
  readonly problems: readonly string[];
}

/** Replaying more steps would take minutes. */
const MOST_STEPS = 100_000;
const MOST_CHANGES = 200;

export function linkFor(shared: Shared): string {
  const { settings, changes, step, checksum, tied, lesson } = shared;
  const parts: [string, string | number][] = [
    ["data", settings.data],
    ["hidden", settings.hidden],
    ["code", settings.code],
    ["act", settings.activation],
    ["lr", settings.learningRate],
    ["noise", settings.noise],
    ["family", settings.family],
    ["opt", settings.optimizer],
    ["batch", settings.batchSize],
    ["seed", settings.seed],
  ];
  parts.push(["tied", tied ? 1 : 0]);
  if (lesson) parts.push(["lesson", lesson]);
  if (step !== null) parts.push(["step", step]);
  if (changes.length > 0) {
    const list = changes.map(
      ({ step: at, key, value }) => `${at}${key === "noise" ? "n" : "r"}${value}`,
    );
    parts.push(["changes", list.join("_")]);
  }
  if (checksum !== null) parts.push(["sum", checksum]);
  return `#${parts.map(([key, value]) => `${key}=${value}`).join("&")}`;
}

/** The parts of a link. */
const KEYS: readonly string[] = [
  ...["data", "hidden", "code", "act", "lr", "noise", "family", "opt", "batch", "seed"],
  ...["tied", "lesson", "step", "changes", "sum"],
];

/** Reads a link. Returns undefined if there is none. */
export function readLink(hash: string): ReadLink | undefined {
  const text = hash.replace(/^#/, "");
  if (!text.includes("=")) return undefined;
  const given = new Map<string, string>();
  for (const part of text.slice(0, 8000).split("&")) {
    const cut = part.indexOf("=");
    if (cut > 0) given.set(part.slice(0, cut), decode(part.slice(cut + 1)));
  }
  const problems: string[] = [];
  const shortened = (value: string) => (value.length > 24 ? `${value.slice(0, 24)}\u2026` : value);
  const wrong = (key: string, value: string, used: string | number) => {
    problems.push(
      `\u201c${key}=${shortened(value)}\u201d in the link is not possible here; ${used} is used instead.`,
    );
  };
  const unknown = [...given.keys()].filter((key) => !KEYS.includes(key));
  if (unknown.length > 0) {
    const names = unknown.slice(0, 3).map((key) => `\u201c${shortened(key)}\u201d`);
    problems.push(`The link has parts that this page does not know: ${names.join(", ")}.`);
  }
  const name = <Name extends string>(key: string, names: readonly Name[], fallback: Name): Name => {
    const value = given.get(key);
    if (value === undefined) return fallback;
    const found = names.find((each) => each === value);
    if (found === undefined) wrong(key, value, fallback);
    return found ?? fallback;
  };
  const number = (key: string, fallback: number, isFine: (value: number) => boolean): number => {
    const value = given.get(key);
    if (value === undefined) return fallback;
    const parsed = value === "" ? Number.NaN : Number(value);
    if (isFine(parsed)) return parsed;
    wrong(key, value, fallback);
    return fallback;
  };
  const among = (list: readonly number[]) => (value: number) => list.includes(value);
  const isRate = (value: number) => value > 0 && value <= 10;
  const isNoise = (value: number) => value >= 0 && value <= 10;

  const lesson = given.get("lesson") ?? null;
  const preset = LESSONS.find(({ id }) => id === lesson);
  if (lesson !== null && !preset) wrong("lesson", lesson, "no lesson");
  const base = preset?.settings ?? DEFAULTS;
  let data = name("data", DATA_SETS, base.data);
  if (data === "own" || data === "mnist") {
    problems.push(
      "This link was made with files that are not part of it; the digits are used instead.",
    );
    data = "digits";
  }
  const family = name("family", FAMILIES, base.family);
  const { columns } = makeData(data);
  // A dense code has at most as many units as the data have columns.
  const isCode = (value: number) =>
    among(CODE_SIZES)(value) && (family === "topK" || value <= columns);
  const settings: Settings = {
    data,
    hidden: number("hidden", base.hidden, among(HIDDEN_SIZES)),
    code: number("code", isCode(base.code) ? base.code : DEFAULTS.code, isCode),
    activation: name("act", ACTIVATIONS, base.activation),
    learningRate: number("lr", base.learningRate, isRate),
    noise: number("noise", base.noise, isNoise),
    family,
    optimizer: name("opt", OPTIMIZERS, base.optimizer),
    batchSize: number("batch", base.batchSize, among(BATCH_SIZES)),
    seed: number("seed", base.seed, (value) => Number.isSafeInteger(value) && value >= 0),
  };
  const isStep = (value: number) => Number.isInteger(value) && value >= 0 && value <= MOST_STEPS;
  const step = given.has("step") ? number("step", 0, isStep) : null;
  const sum = given.get("sum");
  const checksum = sum !== undefined && /^[0-9a-f]{8}$/.test(sum) ? sum : null;
  if (sum !== undefined && checksum === null) wrong("sum", sum, "no checksum");
  const changes: Change[] = [];
  for (const each of given.get("changes")?.split("_").slice(0, MOST_CHANGES) ?? []) {
    const match = /^(\d{1,7})([nr])([\d.e-]{1,24})$/.exec(each);
    const [at, value] = [Number(match?.[1]), Number(match?.[3])];
    const key = match?.[2] === "n" ? "noise" : "learningRate";
    if (match && (key === "noise" ? isNoise(value) : isRate(value)))
      changes.push({ step: at, key, value });
    else wrong("changes", each, "no change");
  }
  const tiedText = given.get("tied");
  const tied = tiedText === "0" || tiedText === "1" ? tiedText === "1" : (preset?.tied ?? true);
  if (tiedText !== undefined && tiedText !== "0" && tiedText !== "1") {
    wrong("tied", tiedText, tied ? 1 : 0);
  }
  return {
    shared: { settings, changes, step, checksum, tied, lesson: preset?.id ?? null },
    problems,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
