// Modules of the core are written in the source as hexadecimal digits, which compress better than base64:
// each byte of a module stays at a whole number of characters.

/** Newer hosts decode by themselves. */
const host = Uint8Array as { fromHex?(hex: string): Uint8Array };

/** The bytes that a string of hexadecimal digits in lower case stands for. */
export function decodeHex(hex: string): Uint8Array {
  if (host.fromHex) return host.fromHex(hex);
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (digit(hex.charCodeAt(2 * i)) << 4) | digit(hex.charCodeAt(2 * i + 1));
  }
  return bytes;
}

/** "0" to "9" are 48 to 57, "a" to "f" 97 to 102. */
function digit(code: number): number {
  return code < 97 ? code - 48 : code - 87;
}
