// Detects the format of a file from its first bytes.

import { markedKind, SNIFF_BYTES } from "./contents.ts";
import { FormatError } from "./errors.ts";
import type { TableFormat } from "./table.ts";

/** The formats of tables. JSON and JSON lines are distinguished later. */
export type SniffedFormat = Exclude<TableFormat, "jsonl">;

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

  const kind = markedKind(head);
  if (kind !== undefined) {
    throw new FormatError(`it is ${kind}, and a table is CSV or JSON in UTF-8, NPY, NPZ or IDX`);
  }
  const start = String.fromCharCode(...head.subarray(0, SNIFF_BYTES));
  if (/^(?:\xef\xbb\xbf)?\s*(?:\{\s*["}]|\[\s*[[{\]"\d-])/.test(start)) return "json";
  if (head.subarray(0, SNIFF_BYTES).includes(0)) {
    throw new FormatError("it is neither CSV or JSON in UTF-8 nor an NPY, NPZ or IDX file");
  }
  return "csv";
}
