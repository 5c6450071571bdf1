// Reads zip archives: the directory, and one entry at a time. An entry is only decompressed when it is read. It supports
// stored and deflated entries and zip64, but not encrypted entries and archives in several volumes. Entries that share bytes
// are refused, because some hundred of them over the same 50 kB would decompress to gigabytes.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

import { inflateSync } from "fflate/browser";
import { FormatError } from "./errors.ts";
import { copyBytes } from "./numbers-read.ts";
import { quote } from "./text.ts";
import { decodeUtf8 } from "./text-read.ts";

export interface ZipEntry {
  readonly name: string;
  /** The decompressed size in bytes according to the directory. */
  readonly size: number;
  readonly compressedSize: number;
  readonly method: number;
  readonly checksum: number;
  readonly isEncrypted: boolean;
  /** The offset of the entry's data in the archive. */
  readonly start: number;
}

const END = 0x06054b50;
const END_64_LOCATOR = 0x07064b50;
const END_64 = 0x06064b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;

const END_BYTES = 22;
const MAX_COMMENT = 0xffff;
const DIRECTORY_ENTRY_BYTES = 46;
const LOCAL_HEADER_BYTES = 30;
const IN_EXTRA_FIELD = 0xffffffff;
const MAX_DEFLATE_RATIO = 1032; // two bits stand for at most 258 bytes
const STORED = 0;
const DEFLATED = 8;

/**
 * The entries of an archive, in the order of its directory.
 * @throws FormatError for a file that is not an archive, is damaged, or has overlapping entries.
 */
export function readZipDirectory(bytes: Uint8Array): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { count, start, end } = findDirectory(view);
  const entries: (ZipEntry & { readonly header: number })[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + DIRECTORY_ENTRY_BYTES > end || view.getUint32(at, true) !== DIRECTORY_ENTRY) {
      throw new FormatError(
        `expected a zip archive: its directory ends after ${i} of ${count} entries`,
        { byte: at },
      );
    }
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const commentBytes = view.getUint16(at + 32, true);
    const extra = at + DIRECTORY_ENTRY_BYTES + nameBytes;
    const next = extra + extraBytes + commentBytes;
    if (next > end) {
      throw new FormatError("expected a zip archive: an entry of its directory is cut off", {
        byte: at,
      });
    }
    const name = nameOf(copyBytes(bytes, at + DIRECTORY_ENTRY_BYTES, nameBytes));
    const fields = [24, 20, 42].map((field) => view.getUint32(at + field, true));
    const [size, compressedSize, header] = wideFields(view, fields, extra, extraBytes);
    if (size === undefined || compressedSize === undefined || header === undefined) {
      throw new FormatError(`${quote(name)} in the archive lacks its 64-bit sizes`, {
        entry: name,
      });
    }
    entries.push({
      name,
      size,
      compressedSize,
      header,
      method: view.getUint16(at + 10, true),
      checksum: view.getUint32(at + 16, true),
      isEncrypted: (view.getUint16(at + 8, true) & 1) !== 0,
      start: dataStart(view, header, name),
    });
    at = next;
  }
  requireApart(entries, start);
  return entries;
}

/** The offset of the directory, and the number of its entries. */
function findDirectory(view: DataView): { count: number; start: number; end: number } {
  const length = view.byteLength;
  let at = length - END_BYTES;
  const least = Math.max(0, at - MAX_COMMENT);
  while (at >= least && view.getUint32(at, true) !== END) at--;
  if (at < least) throw new FormatError("expected a zip archive: it has no directory at its end");
  let count = view.getUint16(at + 10, true);
  let start = view.getUint32(at + 16, true);
  let end = at;
  const locator = at - 20;
  if (locator >= 0 && view.getUint32(locator, true) === END_64_LOCATOR) {
    const wide = wideNumber(view, locator + 8);
    if (wide + 56 <= locator && view.getUint32(wide, true) === END_64) {
      count = wideNumber(view, wide + 32);
      start = wideNumber(view, wide + 48);
      end = wide;
    }
  }
  if (start > end) {
    throw new FormatError(`expected a zip archive: its directory would begin at byte ${start}`);
  }
  return { count, start, end };
}

const wideNumber = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

/** The fields. Fields with the value for zip64 are 64-bit numbers in extra field 1, in order. */
function wideFields(
  view: DataView,
  fields: readonly number[],
  extra: number,
  length: number,
): (number | undefined)[] {
  if (!fields.includes(IN_EXTRA_FIELD)) return [...fields];
  let at = extra;
  const end = extra + length;
  while (at + 4 <= end && view.getUint16(at, true) !== 1) at += 4 + view.getUint16(at + 2, true);
  at += 4;
  return fields.map((field) => {
    if (field !== IN_EXTRA_FIELD) return field;
    at += 8;
    return at <= end ? wideNumber(view, at - 8) : undefined;
  });
}

/** The offset of an entry's data: after its local header, which has its own lengths of name and extra field. */
function dataStart(view: DataView, header: number, name: string): number {
  if (
    header + LOCAL_HEADER_BYTES > view.byteLength ||
    view.getUint32(header, true) !== LOCAL_HEADER
  ) {
    throw new FormatError(
      `${quote(name)} in the archive is not at byte ${header}, where it should be`,
      {
        entry: name,
        byte: header,
      },
    );
  }
  const nameBytes = view.getUint16(header + 26, true);
  const extraBytes = view.getUint16(header + 28, true);
  return header + LOCAL_HEADER_BYTES + nameBytes + extraBytes;
}

const nameOf = (bytes: Uint8Array): string => decodeUtf8(bytes) ?? String.fromCharCode(...bytes);

function requireApart(
  entries: readonly (ZipEntry & { readonly header: number })[],
  directory: number,
): void {
  const sorted = [...entries].sort((a, b) => a.header - b.header);
  for (const [i, { name, start, compressedSize }] of sorted.entries()) {
    const next = sorted[i + 1];
    if (start + compressedSize <= (next?.header ?? directory)) continue;
    const what = next ? quote(next.name) : "the directory";
    throw new FormatError(`${quote(name)} in the archive overlaps with ${what}`, { entry: name });
  }
}

/**
 * The bytes of an entry, with its checksum checked. It allocates no more than the entry's size, and that size is limited by
 * the largest compression ratio.
 * @throws FormatError with the name of the entry.
 */
export function extractZipEntry(bytes: Uint8Array, entry: ZipEntry): Uint8Array {
  const { name, size, compressedSize, method, start, isEncrypted } = entry;
  const fail = (problem: string) =>
    new FormatError(`${quote(name)} in the archive ${problem}`, { entry: name });
  const data = bytes.subarray(start, start + compressedSize);
  if (isEncrypted) throw fail("is encrypted");
  if (method !== STORED && method !== DEFLATED) {
    throw fail(`is compressed by method ${method}; stored and deflated entries can be read`);
  }
  const limit = method === STORED ? compressedSize : compressedSize * MAX_DEFLATE_RATIO;
  if (size > limit || (method === STORED && size < limit)) {
    throw fail(`claims ${size} bytes out of ${compressedSize}`);
  }
  let file = data;
  if (method === DEFLATED) {
    try {
      file = inflateSync(data, { out: new Uint8Array(size) });
    } catch (error) {
      throw fail(`is damaged: ${(error as Error).message}`);
    }
  }
  if (file.length !== size || crc32(file) !== entry.checksum) {
    throw fail("is damaged: its checksum does not match");
  }
  return file;
}

let table: Uint32Array | undefined;

/** The CRC-32 of zip and gzip. */
export function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => {
    let bits = byte;
    for (let i = 0; i < 8; i++) bits = bits & 1 ? (bits >>> 1) ^ 0xedb88320 : bits >>> 1;
    return bits;
  });
  const steps = table;
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (steps[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return ~crc >>> 0;
}
