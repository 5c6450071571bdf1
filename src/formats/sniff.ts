// Detects the format of a file from its first bytes.

import { FormatError } from "./errors.ts";
import type { TableFormat } from "./table.ts";

/** The formats of tables. JSON and JSON lines are distinguished later. */
export type SniffedFormat = Exclude<TableFormat, "jsonl">;

/** The number of bytes that is enough to detect any format. */
export const SNIFF_BYTES = 64;

/** Other kinds of files that users may try, by their first bytes. */
const OTHERS: readonly (readonly [start: string, what: string])[] = [
  ["PAR1", "a Parquet file"],
  ["ARROW1", "an Arrow file"],
  ["\x89HDF", "an HDF5 file"],
  ["\x89PNG", "a PNG image"],
  ["\xff\xd8\xff", "a JPEG image"],
  ["GIF8", "a GIF image"],
  ["%PDF", "a PDF file"],
  ["\xd0\xcf\x11\xe0", "an old Excel workbook"],
  ["SQLite format 3", "an SQLite database"],
  ["BZh", "compressed with bzip2"],
  ["\xfd7zXZ", "compressed with xz"],
  ["\x28\xb5\x2f\xfd", "compressed with zstd"],
  ["\xff\xfe", "text in UTF-16"],
  ["\xfe\xff", "text in UTF-16"],
  ["<!DOCTYPE", "a web page"],
  ["<!doctype", "a web page"],
  ["<html", "a web page"],
  ["<?xml", "an XML file"],
];

/**
 * The format of a file that begins with these bytes, at least `SNIFF_BYTES` of them if the file has so many.
 * @throws FormatError for a file that is not a table. The message says what it is, if it is known.
 */
export function sniffTable(head: Uint8Array): SniffedFormat {
  const [a, b, c = 0, d = 16] = head;
  if (a === undefined) throw new FormatError("the file is empty");
  if (a === 0x93 && b === 0x4e) return "npy";
  if (a === 0x50 && b === 0x4b && (c === 3 || c === 5)) return "npz";
  if (a === 0 && b === 0 && c >= 8 && c <= 14 && d < 16) return "idx";

  const start = String.fromCharCode(...head.subarray(0, SNIFF_BYTES));
  const refuse = (what: string): never => {
    throw new FormatError(`it is ${what}, and a table is CSV or JSON in UTF-8, NPY, NPZ or IDX`);
  };
  for (const [magic, what] of OTHERS) if (start.startsWith(magic)) refuse(what);
  if (start[8] === "{" && start[6] === "\0" && start[7] === "\0") refuse("a model in safetensors");
  if (/^(?:\xef\xbb\xbf)?\s*(?:\{\s*["}]|\[\s*[[{\]"\d-])/.test(start)) return "json";
  if (head.subarray(0, SNIFF_BYTES).includes(0)) {
    throw new FormatError("it is neither CSV or JSON in UTF-8 nor an NPY, NPZ or IDX file");
  }
  return "csv";
}
