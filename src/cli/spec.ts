// Settings with settings of their own in one word, as in `adam:beta1=0.8,clipNorm=1`: the command
// line's form of the library's { type: "adam", beta1: 0.8, clipNorm: 1 }.

import { UsageError } from "./errors.ts";

export type Spec = { type: string } & Record<string, string | number | boolean>;

/** Reads `name` or `name:key=value,key=value,flag`. The names and keys are the library's to check. */
export function parseSpec(option: string, text: string): Spec {
  const [, type, settings] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  return { type: type ?? "", ...(settings === undefined ? {} : parseSettings(option, settings)) };
}

/** Reads `key=value,key=value,flag`. */
export function parseSettings(
  option: string,
  text: string,
): Record<string, string | number | boolean> {
  const entries = text.split(",").map((part) => {
    const [, key, value] = /^\s*(\w+)\s*(?:=\s*(.*?)\s*)?$/.exec(part) ?? [];
    if (key === undefined || key === "type" || key === "__proto__") {
      throw new UsageError(`--${option} takes settings such as key=value; got "${part}".`);
    }
    return [key, value === undefined ? true : parseValue(value)] as const;
  });
  return Object.fromEntries(entries);
}

function parseValue(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return text !== "" && Number.isFinite(number) ? number : text;
}
