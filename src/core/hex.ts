// Small modules are written in the source as hexadecimal digits.

/** The bytes that a string of hexadecimal digits stands for. */
export function decodeHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );
}
