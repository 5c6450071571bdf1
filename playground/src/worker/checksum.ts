// A checksum of a model's weights: CRC-32 over their bytes in the order of their names. It shows that a replayed run has the
// same final bits. It is no protection against deliberate changes.

/** Eight hexadecimal digits. */
export function checksumOf(
  weights: Readonly<Record<string, { readonly data: Float32Array }>>,
): string {
  let crc = -1;
  for (const name of Object.keys(weights).sort()) {
    const { data } = weights[name] ?? { data: new Float32Array(0) };
    for (const byte of new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
  }
  return (~crc >>> 0).toString(16).padStart(8, "0");
}
