// NPZ, numpy's zip archive of .npy files, compressed or not. The zip is fflate's work, but for what
// it leaves out: the checksums, repeated names, and sizes that no compression could reach.

import { unzipSync, type Zippable, zipSync } from "fflate";
import { FormatError } from "./errors.ts";
import { decodeNpy, encodeNpy, type NpyArray } from "./npy.ts";
import type { NumericArray } from "./numbers.ts";
import { quote } from "./text.ts";

const MAX_DEFLATE_RATIO = 1032; // two bits stand for at most 258 bytes

/**
 * Reads the arrays of a .npz file by name; whatever else the archive holds is passed over.
 * @throws FormatError that says what was expected, what came and in which array.
 */
export function decodeNpz(bytes: Uint8Array): Map<string, NpyArray> {
  const arrays = new Map<string, NpyArray>();
  for (const [name, file] of unzip(bytes)) {
    try {
      arrays.set(name.slice(0, -".npy".length), decodeNpy(file));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new FormatError(`${quote(name)} in the archive: ${error.message}`);
    }
  }
  return arrays;
}

/** The bytes of a .npz file. The same arrays give the same bytes, whenever they are written. */
export function encodeNpz(
  arrays: Iterable<readonly [name: string, array: NumericArray]>,
  { compress = true } = {},
): Uint8Array<ArrayBuffer> {
  const files: Zippable = {};
  for (const [name, array] of arrays) files[`${name}.npy`] = encodeNpy(array);
  return zipSync(files, { level: compress ? 6 : 0, mtime: new Date(1980, 0, 1) });
}

/** The .npy files of an archive, with their checksums checked. */
function unzip(bytes: Uint8Array): Map<string, Uint8Array> {
  const wanted = new Map<string, number>(); // the place of each in the directory
  let place = 0;
  let files: Record<string, Uint8Array>;
  let checksums: number[];
  try {
    files = unzipSync(bytes, {
      filter: ({ name, size, originalSize }) => {
        const here = place++;
        if (place > bytes.length / 46) throw new Error("its directory ends too early");
        if (!name.endsWith(".npy")) return false;
        if (wanted.has(name)) throw new Error(`${quote(name)} is in it twice`);
        if (originalSize > size * MAX_DEFLATE_RATIO || size > bytes.length) {
          throw new Error(`${quote(name)} claims ${originalSize} bytes out of ${size}`);
        }
        wanted.set(name, here);
        return true;
      },
    });
    checksums = directoryChecksums(bytes);
  } catch (error) {
    throw new FormatError(`expected a zip archive: ${(error as Error).message}`);
  }
  const found = new Map<string, Uint8Array>();
  for (const [name, here] of wanted) {
    const file = files[name]!;
    if (crc32(file) !== checksums[here]) {
      throw new FormatError(
        `${quote(name)} in the archive is damaged: its checksum does not match`,
      );
    }
    found.set(name, file);
  }
  return found;
}

/** The checksum of every entry of a zip archive, in the order of its central directory. */
function directoryChecksums(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let end = bytes.length - 22;
  while (view.getUint32(end, true) !== 0x06054b50) end--;
  let count = view.getUint16(end + 8, true);
  let entry = view.getUint32(end + 16, true);
  if (end >= 20 && view.getUint32(end - 20, true) === 0x07064b50) {
    const wideEnd = view.getUint32(end - 12, true); // zip64
    if (view.getUint32(wideEnd, true) === 0x06064b50) {
      count = view.getUint32(wideEnd + 32, true);
      entry = view.getUint32(wideEnd + 48, true);
    }
  }
  return Array.from({ length: count }, () => {
    const checksum = view.getUint32(entry + 16, true);
    const [name, extra, comment] = [28, 30, 32].map((field) => view.getUint16(entry + field, true));
    entry += 46 + name! + extra! + comment!;
    return checksum;
  });
}

/** The CRC-32 of zip and gzip. */
function crc32(bytes: Uint8Array): number {
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let bits = byte;
    for (let i = 0; i < 8; i++) bits = bits & 1 ? (bits >>> 1) ^ 0xedb88320 : bits >>> 1;
    return bits;
  });
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
