// A visitor's table as rows of numbers: CSV, JSON, JSON lines, NPY, NPZ, plain or gzipped. Of a large text only the first rows
// are read.

import {
  type DataTable,
  type NumberColumn,
  readBytes,
  readTable,
  streamTable,
} from "tied-autoencoder/formats";
import type { FilesRead } from "../protocol.ts";

const MOST_ROWS = 20_000;
const MOST_COLUMNS = 400;
const FEWEST_ROWS = 20;
/** A file of at most this many bytes is read as a whole. A gzipped file can contain many times as much. */
const SMALL = 8 << 20;
const SMALL_GZIP = 1 << 20;
/** The first bytes of a larger file, which decide the kinds of its columns. */
const HEAD = 1 << 18;
const MOST_LABELS = 12;
/** Squares of larger values are not safe in float32. */
const LARGEST = 1e15;

export async function readTableFile(file: File): Promise<FilesRead> {
  if (file.size === 0) throw new Error("it is empty.");
  const first = await file
    .slice(0, 2)
    .arrayBuffer()
    .catch(() => {
      throw new Error("it cannot be read. It may be a folder, or it has been moved.");
    });
  const start = new Uint8Array(first);
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  const isSmall = file.size <= (isGzip ? SMALL_GZIP : SMALL);
  const table = isSmall ? await readTable(piecesOf(file)) : await readFirstRows(file);
  return asRows(file.name, table);
}

/** The first rows of a large text. */
async function readFirstRows(file: File): Promise<DataTable> {
  const head = await readTable(await headOf(file));
  const kinds = Object.fromEntries(head.columns.map(({ name, kind }) => [name, kind]));
  for await (const table of streamTable(piecesOf(file), { kinds, batchRows: MOST_ROWS + 1 }))
    return table;
  throw new Error("it has no rows.");
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

/** Names in a sentence, the first six of them. */
const listed = (names: readonly string[]) =>
  `${names.slice(0, 6).join(", ")}${names.length > 6 ? ", \u2026" : ""}`;

const count = (value: number) => value.toLocaleString("en");

const areDifferent = (values: Float32Array) => values.some((value) => value !== values[0]);

/** The first rows of the columns that have numbers, and what the page says about the others. */
function asRows(title: string, table: DataTable): FilesRead {
  const said: string[] = [];
  const numeric = table.columns.filter(
    (column): column is NumberColumn =>
      column.kind === "number" && column.values.some(Number.isFinite),
  );
  if (numeric.length < 2) throw tooFew(numeric, "column of numbers");
  const rows = Math.min(table.rows, MOST_ROWS);
  if (rows < FEWEST_ROWS) {
    throw new Error(
      `it has ${rows} rows, which is too few to learn from: ${FEWEST_ROWS} are the least.`,
    );
  }
  let filled = 0;
  const all = numeric.slice(0, MOST_COLUMNS).map((column) => {
    const read = finiteValues(column, rows);
    filled += read.filled;
    return { name: column.name, values: read.values };
  });
  const chosen = all.filter(({ values }) => areDifferent(values));
  const constant = all.filter((column) => !chosen.includes(column)).map(({ name }) => name);
  if (chosen.length < 2) throw tooFew(chosen, "column whose values differ from row to row");
  const values = new Float32Array(rows * chosen.length);
  chosen.forEach((column, c) => {
    for (let r = 0; r < rows; r++) values[r * chosen.length + c] = column.values[r] ?? 0;
  });
  const texts = table.columns.filter((column) => column.kind === "text");
  const label = texts.find((column) => {
    const names = new Set(column.values.slice(0, rows) as readonly string[]);
    return names.size >= 2 && names.size <= MOST_LABELS;
  });
  const left = texts.filter((column) => column !== label).map(({ name }) => name);
  if (table.rows > rows) {
    said.push(`The file has more than ${count(rows)} rows; the first ${count(rows)} are used.`);
  }
  if (numeric.length > MOST_COLUMNS) {
    said.push(`The first ${MOST_COLUMNS} of ${count(numeric.length)} columns of numbers are used.`);
  }
  if (label) said.push(`The column \u201c${label.name}\u201d gives the points their colours.`);
  if (left.length > 0) said.push(`Left out, because they are text: ${listed(left)}.`);
  if (constant.length > 0) {
    said.push(`Left out, because all rows have the same value: ${listed(constant)}.`);
  }
  if (filled > 0) {
    said.push(`${count(filled)} missing values are replaced by the mean of their column.`);
  }
  const columns = chosen.length;
  return {
    data: {
      title,
      values,
      columns,
      width: columns,
      height: 1,
      labels: label ? (label.values.slice(0, rows) as readonly string[]) : [],
      names: chosen.map(({ name }) => name),
      kind: "table",
      faults: [],
    },
    name: "own",
    said,
  };
}

function tooFew(columns: readonly { readonly name: string }[], what: string): Error {
  const [only] = columns;
  const had = only ? `only one ${what}, \u201c${only.name}\u201d` : `no ${what}`;
  return new Error(
    `it has ${had}. An autoencoder compresses columns into fewer numbers, so it needs at least two.`,
  );
}

/** The first values of a column, with the mean in place of missing values. */
function finiteValues({ name, values }: NumberColumn, rows: number) {
  let [sum, finite] = [0, 0];
  for (let r = 0; r < rows; r++) {
    const value = values[r] ?? Number.NaN;
    if (Math.abs(value) > LARGEST) {
      throw new Error(
        `the column \u201c${name}\u201d has values as large as ${value.toPrecision(2)}. At most 1e15 is possible here.`,
      );
    }
    if (Number.isNaN(value)) continue;
    sum += value;
    finite++;
  }
  const mean = finite > 0 ? sum / finite : 0;
  const found = new Float32Array(rows).fill(mean);
  for (let r = 0; r < rows; r++) {
    const value = values[r] ?? Number.NaN;
    if (!Number.isNaN(value)) found[r] = value;
  }
  return { values: found, filled: rows - finite };
}
