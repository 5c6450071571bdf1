// Reads a name with settings in one word, as in `adam:beta1=0.8,clipNorm=1`. It means { type: "adam", beta1: 0.8,
// clipNorm: 1 } in the library. The time is linear in the length of the text, which may come from an untrusted model file.

import { InvalidTypeError, InvalidValueError } from "../errors.ts";
import type { Check, Checks, Definition } from "../options.ts";
import { UsageError } from "./errors.ts";
import { didYouMean } from "./guess.ts";
import { quoted } from "./text.ts";

export type Settings = Record<string, string | number | boolean>;
export type Spec = { type: string } & Settings;

/** The names and settings that an option accepts. */
interface Accepted {
  readonly registry: { readonly all: readonly Definition<string, object>[] };
  readonly except?: readonly string[];
  readonly also?: readonly string[];
  readonly filled?: readonly string[];
}

/** Values of required settings, for examples in messages. */
const EXAMPLES: Readonly<Record<string, string>> = {
  k: "32",
  std: "0.2",
  rate: "0.2",
  weight: "0.001",
  rho: "0.05",
  max: "3",
  clipNorm: "1",
  monitor: "valLoss",
  totalSteps: "1000",
  stepSize: "100",
  gamma: "0.9",
};

type Settled = readonly (readonly [key: string, check: Check<unknown>])[];

/** Throws for a name or a setting that an option does not accept. */
export function checkSpec(option: string, accepted: Accepted, text: string): void {
  const { registry, except = [], also = [], filled = [] } = accepted;
  const [type = ""] = text.split(":", 1);
  const definitions = registry.all.filter((one) => !except.includes(one.type));
  const names = [...definitions.map((one) => one.type), ...also];
  if (!names.includes(type)) {
    throw new UsageError(
      `--${option} must be one of ${names.join(", ")}; got ${quoted(type)}${didYouMean(type, names)}.`,
    );
  }
  const { options = {} } = definitions.find((one) => one.type === type) ?? {};
  const own: Settled = Object.entries(options).filter(([key]) => !except.includes(key));
  const { type: _, ...settings } = parseSpec(option, text, exampleOf(own[0]));
  requireSettings(`--${option} ${type}`, ":", own, settings, filled);
}

/** Throws for settings that an option without a name does not accept. */
export function checkSettings(option: string, checks: Checks<object>, text: string): void {
  const own: Settled = Object.entries(checks);
  const settings = parseSettings(option, text, exampleOf(own[1]));
  requireSettings(`--${option}`, " ", own, settings, []);
}

/** `owner` and `mark` are the text before a setting, as in `--code topK` and `:`. */
function requireSettings(
  owner: string,
  mark: string,
  checks: Settled,
  given: Settings,
  filled: readonly string[],
): void {
  const keys = checks.map(([key]) => key);
  const unknown = Object.keys(given).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    const has = keys.length === 0 ? "; it has none" : `; it has ${keys.join(", ")}`;
    throw new UsageError(
      `${owner} has no setting ${quoted(unknown)}${didYouMean(unknown, keys)}${has}.`,
    );
  }
  const required = checks.filter(
    ([key, check]) => !filled.includes(key) && defaultOf(check) === REQUIRED,
  );
  const lacking = required.filter(([key]) => !Object.hasOwn(given, key)).map(([key]) => key);
  if (lacking.length > 0) {
    const example = required.map(exampleOf).join(",");
    throw new UsageError(
      `${owner} needs ${lacking.join(" and ")}, as in ${owner}${mark}${example}.`,
    );
  }
  for (const setting of checks) {
    const [key, check] = setting;
    if (!Object.hasOwn(given, key)) continue;
    try {
      check(`${owner}${mark}${key}`, given[key]);
    } catch (error) {
      if (!(error instanceof InvalidTypeError || error instanceof InvalidValueError)) throw error;
      throw new UsageError(
        given[key] === true
          ? `${owner}${mark}${key} needs a value, as in ${exampleOf(setting)}.`
          : error.message,
      );
    }
  }
}

const REQUIRED = Symbol("a setting without a default");

function defaultOf(check: Check<unknown>): unknown {
  try {
    return check("", undefined);
  } catch {
    return REQUIRED;
  }
}

/** `k=32`: a setting with its default, or with an example value. */
function exampleOf(setting: Settled[number] | undefined): string {
  if (setting === undefined) return "key=value";
  const [key, check] = setting;
  const value = defaultOf(check);
  return `${key}=${value === REQUIRED || value === undefined ? (EXAMPLES[key] ?? "…") : value}`;
}

/** Reads `name` or `name:key=value,key=value,flag`. */
export function parseSpec(option: string, text: string, example?: string): Spec {
  const colon = text.indexOf(":");
  if (colon < 0) return { type: text };
  return { type: text.slice(0, colon), ...parseSettings(option, text.slice(colon + 1), example) };
}

/** Reads `key=value,key=value,flag`. */
export function parseSettings(option: string, text: string, example = "key=value"): Settings {
  const settings: Settings = {};
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    const key = (equals < 0 ? part : part.slice(0, equals)).trim();
    if (!/^[a-z]\w*$/i.test(key) || key === "type") {
      throw new UsageError(`--${option} takes settings such as ${example}; got ${quoted(part)}.`);
    }
    if (Object.hasOwn(settings, key)) {
      throw new UsageError(`--${option} sets ${quoted(key)} twice.`);
    }
    settings[key] = equals < 0 ? true : parseValue(part.slice(equals + 1).trim());
  }
  return settings;
}

function parseValue(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return text !== "" && Number.isFinite(number) ? number : text;
}
