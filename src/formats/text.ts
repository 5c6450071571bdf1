// Text for the formats: writes UTF-8, and quotes foreign text in messages.

import type { OwnBytes } from "../arrays.ts";

// Every JavaScript runtime has it, but no ECMAScript type library declares it.
declare class TextEncoder {
  encode(text: string): OwnBytes;
}

export const encodeUtf8 = (text: string): OwnBytes => new TextEncoder().encode(text);

const MAX_QUOTED = 100;

// Characters that JSON does not escape and that may affect a terminal: C1 controls, marks that change the direction of text,
// invisible characters and line separators.
const UNPRINTABLE =
  /[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** `value` as JSON that is safe to print, shortened for a message. */
export function quote(value: unknown): string {
  const short = typeof value === "string" ? value.slice(0, MAX_QUOTED) : value;
  const text = JSON.stringify(short) ?? "nothing";
  const cut = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text;
  return cut.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Text from another source, such as a host's message that quotes a file, in a form that is safe to print. */
export const printable = (text: string): string => quote(text).slice(1, -1).replaceAll('\\"', '"');
