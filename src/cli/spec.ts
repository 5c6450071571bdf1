// Reads a name with settings in one word, as in `adam:beta1=0.8,clipNorm=1`. It means { type: "adam", beta1: 0.8,
// clipNorm: 1 } in the library. The time is linear in the length of the text, which may come from an untrusted model file.

import { UsageError } from "./errors.ts";
import { quoted } from "./text.ts";

export type Settings = Record<string, string | number | boolean>;
export type Spec = { type: string } & Settings;

/** Reads `name` or `name:key=value,key=value,flag`. The library checks the names and keys. */
export function parseSpec(option: string, text: string): Spec {
  const colon = text.indexOf(":");
  if (colon < 0) return { type: text };
  return { type: text.slice(0, colon), ...parseSettings(option, text.slice(colon + 1)) };
}

/** Reads `key=value,key=value,flag`. */
export function parseSettings(option: string, text: string): Settings {
  const settings: Settings = {};
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    const key = (equals < 0 ? part : part.slice(0, equals)).trim();
    if (!/^\w+$/.test(key) || key === "type" || key === "__proto__") {
      throw new UsageError(`--${option} takes settings such as key=value; got ${quoted(part)}.`);
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
