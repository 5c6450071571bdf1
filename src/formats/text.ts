// Text for the formats: writing UTF-8, and quoting of foreign text in messages.

// In every JavaScript runtime, but in no ECMAScript type library.
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

export const encodeUtf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** `value` as JSON, cut to a length that fits in a message. */
export function quote(value: unknown): string {
  const text = JSON.stringify(typeof value === "string" ? value.slice(0, 100) : value) ?? "nothing";
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
