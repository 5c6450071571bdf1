// The text chunks of the core hold its bytes as hexadecimal digits. They compress better than base64, because
// each byte of a module is a whole number of characters.

/** Newer hosts have a decoder. */
const host = Uint8Array as { fromHex?(hex: string): Uint8Array };

/** Decodes a string of hexadecimal digits in lower case. */
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
