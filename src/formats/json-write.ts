// Writes tables as JSON: an array of objects, or one object per line.

import type { OwnBytes } from "../arrays.ts";
import { isFloat32Array, isNumberArray } from "../platform/tags.ts";
import { rowsOf, type WritableTable } from "./csv-write.ts";
import { shortestFloat32 } from "./float32-text.ts";
import { encodeUtf8 } from "./text.ts";

const PIECE_CELLS = 8192;

/**
 * The bytes of a file of JSON lines, one object per row, in pieces of about 100 kB. Numbers of a Float32Array have the fewest
 * digits that read back as the same float32. NaN and infinities become null, because JSON cannot represent them.
 * @throws InvalidTypeError and InvalidValueError as `writeCsvTable`.
 */
export function* writeJsonLines(table: WritableTable): Generator<OwnBytes, void, undefined> {
  for (const rows of objects(table)) yield encodeUtf8(rows.map((row) => `${row}\n`).join(""));
}

/** The bytes of a JSON file with an array of one object per row, in pieces. Otherwise the same as `writeJsonLines`. */
export function* writeJson(table: WritableTable): Generator<OwnBytes, void, undefined> {
  let before = "[\n";
  for (const rows of objects(table)) {
    yield encodeUtf8(before + rows.join(",\n"));
    before = ",\n";
  }
  yield encodeUtf8(before === "[\n" ? "[]\n" : "\n]\n");
}

/** The rows as JSON objects, some at a time. */
function* objects({ columns }: WritableTable): Generator<string[], void, undefined> {
  const rows = rowsOf(columns);
  const printers = columns.map(({ name, values }) => {
    const key = `${JSON.stringify(name)}:`;
    if (!isNumberArray(values)) return (row: number) => key + JSON.stringify(values[row] ?? "");
    const print = isFloat32Array(values) ? shortestFloat32 : String;
    return (row: number) => {
      const value = values[row] ?? Number.NaN;
      return key + (Number.isFinite(value) ? print(value) : "null");
    };
  });
  const step = Math.max(1, Math.floor(PIECE_CELLS / columns.length));
  for (let start = 0; start < rows; start += step) {
    const count = Math.min(step, rows - start);
    yield Array.from(
      { length: count },
      (_, i) => `{${printers.map((print) => print(start + i)).join(",")}}`,
    );
  }
}
