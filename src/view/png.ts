// Writes a PNG without compression as a data: URI, so that an SVG can contain pixels. The deflate stream
// consists of stored blocks. Compression is left to the gzip of a page or a server.

declare function btoa(text: string): string;

/** An image in the layout of a canvas: four bytes for each pixel, red, green, blue and alpha. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray;
}

const MAX_STORED = 65535;

export function pngUri({ width, height, rgba }: Pixels): string {
  // Colour type 2: the pictures here have no transparent pixels.
  const stride = width * 3 + 1;
  const lines = new Uint8Array(stride * height); // each line begins with filter 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 4;
      lines.set(rgba.subarray(from, from + 3), y * stride + 1 + x * 3);
    }
  }
  const header = [...be32(width), ...be32(height), 8, 2, 0, 0, 0];
  const bytes = [
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...chunk("IHDR", header),
    ...chunk("IDAT", stored(lines)),
    ...chunk("IEND", []),
  ];
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return `data:image/png;base64,${btoa(text)}`;
}

/** A zlib stream of stored blocks. */
function stored(data: Uint8Array): number[] {
  const bytes = [0x78, 0x01];
  for (let at = 0; at < data.length; at += MAX_STORED) {
    const block = data.subarray(at, at + MAX_STORED);
    const isLast = at + MAX_STORED >= data.length ? 1 : 0;
    const { length } = block;
    bytes.push(isLast, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255);
    for (const byte of block) bytes.push(byte);
  }
  return [...bytes, ...be32(adler32(data))];
}

function chunk(type: string, data: readonly number[]): number[] {
  const body = [...type].map((letter) => letter.charCodeAt(0));
  for (const byte of data) body.push(byte);
  return [...be32(data.length), ...body, ...be32(crc32(body))];
}

function be32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function adler32(data: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of data) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

function crc32(data: readonly number[]): number {
  let crc = -1;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
