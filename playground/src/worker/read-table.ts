// A visitor's table as rows of numbers: CSV, JSON, JSON lines, NPY, NPZ, plain or gzipped. A large text is read
// up to a bound and no further.

import {
  type DataTable,
  type NumberColumn,
  readBytes,
  readTable,
  streamTable,
} from "tied-autoencoder/formats";
import type { TableRead } from "../protocol.ts";

const MOST_ROWS = 20_000;
const MOST_COLUMNS = 400;
const FEWEST_ROWS = 20;
/** Bytes up to which a file is read as a whole; a gzipped one may be many times as large inside. */
const SMALL = 8 << 20;
const SMALL_GZIP = 1 << 20;
/** Bytes by which the kinds of columns are judged in a larger file. */
const HEAD = 1 << 18;
const MOST_LABELS = 12;

export async function readTableFile(file: File): Promise<TableRead> {
  if (file.size === 0) throw new Error("it is empty.");
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  const isSmall = file.size <= (isGzip ? SMALL_GZIP : SMALL);
  const table = isSmall ? await readTable(piecesOf(file)) : await readFirstRows(file);
  return asRows(table);
}

/** The first rows of a large text. */
async function readFirstRows(file: File): Promise<DataTable> {
  const head = await readTable(await headOf(file));
  const kinds = Object.fromEntries(head.columns.map(({ name, kind }) => [name, kind]));
  for await (const table of streamTable(piecesOf(file), { kinds, batchRows: MOST_ROWS + 1 }))
    return table;
  throw new Error("it holds no rows.");
}

async function headOf(file: File): Promise<Uint8Array> {
  const bytes = new Uint8Array(HEAD);
  let length = 0;
  for await (const piece of readBytes(piecesOf(file))) {
    const part = piece.subarray(0, HEAD - length);
    bytes.set(part, length);
    length += part.length;
    if (length === HEAD) break;
  }
  return bytes.subarray(0, bytes.lastIndexOf(10, length - 1) + 1);
}

async function* piecesOf(file: File): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = file.stream().getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function asRows(table: DataTable): TableRead {
  const said: string[] = [];
  const numeric = table.columns.filter(
    (column): column is NumberColumn =>
      column.kind === "number" && column.values.some(Number.isFinite),
  );
  if (numeric.length < 2) {
    const had = numeric[0]
      ? `only one column of numbers, \u201c${numeric[0].name}\u201d`
      : "no column of numbers";
    throw new Error(
      `it has ${had}. An autoencoder compresses columns into fewer numbers, so it needs at least two.`,
    );
  }
  const rows = Math.min(table.rows, MOST_ROWS);
  if (rows < FEWEST_ROWS) {
    throw new Error(`it has ${rows} rows; ${FEWEST_ROWS} are the least that teach anything.`);
  }
  const chosen = numeric.slice(0, MOST_COLUMNS);
  const values = new Float32Array(rows * chosen.length);
  let filled = 0;
  chosen.forEach((column, c) => {
    const finite = column.values.subarray(0, rows).filter(Number.isFinite);
    const mean = finite.reduce((sum, value) => sum + value, 0) / (finite.length || 1);
    for (let r = 0; r < rows; r++) {
      const value = column.values[r] ?? Number.NaN;
      if (!Number.isFinite(value)) filled++;
      values[r * chosen.length + c] = Number.isFinite(value) ? value : mean;
    }
  });
  const texts = table.columns.filter((column) => column.kind === "text");
  const label = texts.find((column) => {
    const names = new Set(column.values.slice(0, rows) as readonly string[]);
    return names.size >= 2 && names.size <= MOST_LABELS;
  });
  const left = texts.filter((column) => column !== label).map(({ name }) => name);
  const count = (value: number) => value.toLocaleString("en");
  if (table.rows > rows) {
    said.push(`The file has more than ${count(rows)} rows; the first ${count(rows)} are used.`);
  }
  if (numeric.length > chosen.length) {
    said.push(`The first ${chosen.length} of ${numeric.length} columns of numbers are used.`);
  }
  if (label) said.push(`The column \u201c${label.name}\u201d gives the points their colours.`);
  if (left.length > 0) {
    const more = left.length > 6 ? ", \u2026" : "";
    said.push(`Left out, because they are text: ${left.slice(0, 6).join(", ")}${more}.`);
  }
  if (filled > 0) said.push(`${count(filled)} missing values are filled with their column's mean.`);
  return {
    values,
    names: chosen.map(({ name }) => name),
    labels: label ? (label.values.slice(0, rows) as readonly string[]) : [],
    said,
  };
}
