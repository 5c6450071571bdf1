import { afterEach, expect, test } from "vitest";
import { decodeHex } from "../../src/core/hex.ts";

const host = Uint8Array as { fromHex?: unknown };
const { fromHex } = host;
afterEach(() => {
  if (fromHex) host.fromHex = fromHex;
});

test("every byte is decoded, with the decoder of the host and without", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const hex = Buffer.from(bytes).toString("hex");
  expect(decodeHex(hex)).toEqual(bytes);
  delete host.fromHex;
  expect(decodeHex(hex)).toEqual(bytes);
  expect(decodeHex("")).toEqual(new Uint8Array());
});
