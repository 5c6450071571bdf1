// Reads CSV as tables of named columns with numbers or text.

import { InvalidValueError } from "../errors.ts";
import {
  type CsvDialectOptions,
  type CsvFile,
  openCsv,
  type RowConsumer,
  wrongWidth,
} from "./csv.ts";
import { BlockTexts, cellEnd, isBlankLine, NEWLINE, QUOTE, SPACE } from "./csv-cells.ts";
import { CsvNumbers } from "./csv-numbers.ts";
import type { ByteSource } from "./streams.ts";
import {
  ColumnBuilder,
  type ColumnKind,
  type ColumnKinds,
  type DataTable,
  defaultName,
  kindGiven,
  requireKinds,
} from "./table.ts";

export interface CsvTableOptions extends CsvDialectOptions {
  /** The kinds of columns by name. Default: numbers if all values are numbers or missing, otherwise text. */
  readonly kinds?: ColumnKinds | undefined;
}

/** A whole CSV file as a table. See `readTable`. */
export async function readCsvTable(
  source: ByteSource,
  options: CsvTableOptions = {},
): Promise<DataTable> {
  requireKinds(options.kinds);
  const warnings: string[] = [];
  const onWarning = (message: string) => {
    warnings.push(message);
    options.onWarning?.(message);
  };
  const file = await openCsv(source, { ...options, onWarning });
  const rows = new TableRows(file, (name) => kindGiven(options.kinds, name), true);
  for await (const _ of file.read(rows, () => undefined));
  return rows.take(warnings);
}

/** A CSV file as consecutive tables of a number of rows. See `streamTable`. */
export async function* streamCsvTable(
  source: ByteSource,
  {
    kinds = {},
    batchRows = 4096,
    ...options
  }: CsvTableOptions & { readonly batchRows?: number } = {},
): AsyncGenerator<DataTable, void, undefined> {
  if (!(Number.isSafeInteger(batchRows) && batchRows > 0)) {
    throw new InvalidValueError(`batchRows must be a whole number from 1 up, got ${batchRows}`);
  }
  requireKinds(kinds);
  const file = await openCsv(source, options);
  const rows = new TableRows(file, (name) => kindGiven(kinds, name) ?? "text", false, batchRows);
  yield* file.read(rows, () => rows.take([]));
}

const STAGE_CELLS = 1 << 14;

/** Splits rows into cells and adds them to columns. */
class TableRows implements RowConsumer {
  count = 0;
  line: number;
  private readonly file: CsvFile;
  private readonly kindOf: (name: string) => ColumnKind | undefined;
  private readonly capacity: number;
  private readonly numbers: CsvNumbers;
  /** For each column of the file its index among the chosen columns, or -1. */
  private readonly targets: Int32Array;
  private columns: ColumnBuilder[];
  /** 1 for each chosen column of text. */
  private readonly isText: Uint8Array;
  /** The numbers of the latest rows, row-major. They are copied to their columns in blocks, which is faster. */
  private readonly stage: Float64Array;
  private stagedRows = 0;
  /** The number of rows before the first row of this table. */
  private before = 0;
  /** The bytes of the rows so far, in case that numbers turn out to be text. */
  private readonly kept: Uint8Array[] | undefined;

  constructor(
    file: CsvFile,
    kindOf: (name: string) => ColumnKind | undefined,
    keep: boolean,
    capacity = Infinity,
  ) {
    const { dialect, chosen } = file;
    this.file = file;
    this.kindOf = kindOf;
    this.capacity = capacity;
    this.line = dialect.line;
    this.numbers = new CsvNumbers(dialect.delimiter, file.cells.decimal);
    this.targets = new Int32Array(dialect.columns).fill(-1);
    for (const [target, column] of chosen.entries()) this.targets[column] = target;
    this.isText = new Uint8Array(chosen.length);
    const rows = Math.max(1, Math.floor(STAGE_CELLS / Math.max(1, chosen.length)));
    this.stage = new Float64Array(rows * chosen.length);
    this.columns = this.makeColumns();
    this.kept = keep ? [] : undefined;
  }

  get full(): boolean {
    return this.count >= this.capacity;
  }

  /** The table of the rows since the last call. */
  take(warnings: string[]): DataTable {
    this.unstage();
    this.readLateTexts();
    const { count: rows, before } = this;
    const { names, lines } = this.file;
    const columns = this.columns.map((column) => column.finish(rows, warnings));
    this.columns = this.makeColumns();
    this.before += rows;
    this.count = 0;
    return {
      format: "csv",
      decimal: this.file.dialect.decimal,
      rows,
      columns,
      named: names !== undefined,
      warnings,
      lineOf: (row) => (row < rows ? lines.of(before + row) : undefined),
    };
  }

  // The loop over rows and cells is the same as in NumberBatch of csv.ts, except for what is done with a cell. One loop for
  // both, with a call for every cell, takes 6 to 25 % longer.
  parse(bytes: Uint8Array, at: number): number {
    const { targets, columns, numbers, capacity, isText, stage } = this;
    const { lines, dialect } = this.file;
    const width = columns.length;
    const missing = this.file.cells.missingNumbers;
    const { delimiter } = dialect;
    const texts = new BlockTexts(bytes);
    const start = at;
    while (at < bytes.length && this.count < capacity) {
      if (isBlankLine(bytes, at)) {
        at = bytes.indexOf(NEWLINE, at) + 1;
        this.line++;
        continue;
      }
      if ((this.stagedRows + 1) * width > stage.length) this.unstage();
      const base = this.stagedRows * width;
      const rowStart = at;
      let breaks = 1;
      let field = 0;
      for (; ; at++) {
        const target = field < targets.length ? (targets[field] ?? -1) : -1;
        let stop = -1;
        if (target >= 0 && isText[target] === 0) {
          stop = numbers.float64(bytes, at);
          if (stop >= 0) {
            const value = numbers.value[0] ?? 0;
            stage[base + target] = missing?.has(value) ? Number.NaN : value;
          }
        }
        if (stop < 0) {
          if (bytes[at] !== QUOTE && bytes[at] !== SPACE) {
            for (stop = at; bytes[stop] !== delimiter && bytes[stop] !== NEWLINE; ) stop++;
          } else {
            stop = cellEnd(bytes, at, bytes.length, delimiter);
            if (stop < 0) return this.keep(bytes, start, rowStart);
            for (let i = at; i < stop; i++) if (bytes[i] === NEWLINE) breaks++;
          }
          const column = columns[target];
          if (column) {
            const text = texts.cell(at, stop).trim();
            const value = column.takeText(this.count, text, this.line, field);
            if (value === undefined) isText[target] = 1;
            else stage[base + target] = value;
          }
        }
        at = stop;
        field++;
        if (bytes[at] === NEWLINE) break;
      }
      at++;
      if (field !== targets.length) throw wrongWidth(this.line, field, dialect);
      lines.add(this.line);
      this.line += breaks;
      this.count++;
      this.stagedRows++;
    }
    return this.keep(bytes, start, at);
  }

  /** Copies the staged numbers to their columns. */
  private unstage(): void {
    const { columns, stagedRows } = this;
    const values = this.stage.subarray(0, stagedRows * columns.length);
    for (const [i, column] of columns.entries()) {
      if (column.kind !== "number") continue;
      column.setNumbers(this.count - stagedRows, values, i, columns.length);
    }
    this.stagedRows = 0;
  }

  private keep(bytes: Uint8Array, start: number, end: number): number {
    if (end > start) this.kept?.push(bytes.subarray(start, end));
    return end;
  }

  private makeColumns(): ColumnBuilder[] {
    const { chosen, names, cells } = this.file;
    return chosen.map((place, i) => {
      const name = names?.[i] ?? defaultName(place);
      const column = new ColumnBuilder(name, cells, this.kindOf(name));
      this.isText[i] = column.kind === "text" ? 1 : 0;
      return column;
    });
  }

  /** Reads the bytes again for the texts of columns that began with numbers. */
  private readLateTexts(): void {
    const byPlace = new Map<number, { column: ColumnBuilder; found: string[] }>();
    let rows = 0;
    for (const [i, place] of this.file.chosen.entries()) {
      const column = this.columns[i];
      if (column?.kind !== "text" || column.textFrom === 0) continue;
      byPlace.set(place, { column, found: [] });
      rows = Math.max(rows, column.textFrom);
    }
    if (byPlace.size === 0 || this.kept === undefined) return;
    let row = 0;
    for (const bytes of this.kept) {
      if (row >= rows) break;
      row = this.readTexts(bytes, row, rows, byPlace);
    }
    for (const { column, found } of byPlace.values()) column.prependTexts(found);
  }

  private readTexts(
    bytes: Uint8Array,
    row: number,
    rows: number,
    columns: ReadonlyMap<number, { readonly column: ColumnBuilder; readonly found: string[] }>,
  ): number {
    const { delimiter } = this.file.dialect;
    const texts = new BlockTexts(bytes);
    for (let at = 0; at < bytes.length && row < rows; at++) {
      if (isBlankLine(bytes, at)) {
        at = bytes.indexOf(NEWLINE, at);
        continue;
      }
      for (let field = 0; ; field++, at++) {
        const stop = cellEnd(bytes, at, bytes.length, delimiter);
        const wanted = columns.get(field);
        if (wanted && row < wanted.column.textFrom) {
          wanted.found.push(wanted.column.sharedText(texts.cell(at, stop).trim()));
        }
        at = stop;
        if (bytes[at] === NEWLINE) break;
      }
      row++;
    }
    return row;
  }
}
