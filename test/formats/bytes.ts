// Helpers of the format tests: fixtures of numpy, and damaged copies.

import { readFileSync } from "node:fs";

export const fixture = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));

/** A copy of `bytes` with one of them replaced. */
export function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  copy[at] = value;
  return copy;
}
