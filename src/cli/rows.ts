// Writes rows as they arrive: CSV, NPY, or one JSON object for each line.

import { type CsvWriteOptions, writeCsv } from "../formats/csv-write.ts";
import { encodeNpy } from "../formats/npy.ts";
import type { Arguments, Options } from "./arguments.ts";
import { UsageError } from "./errors.ts";
import { forceOption, type Output, replaceable, requireReplaceable, writing } from "./output.ts";
import { toJson as safeJson, visible } from "./text.ts";

export type RowFormat = "csv" | "npy" | "json";

export interface RowShape {
  /** The names of all columns; undefined if they have none. */
  readonly names: readonly string[] | undefined;
  readonly columns: number;
  /** The row as a JSON object, without its number. */
  toJson(row: Float32Array): Record<string, unknown>;
}

export interface RowWriter {
  write(rows: Float32Array): Promise<void>;
}

const FORMATS = ["csv", "npy", "json"] as const;

export const rowOptions: Options = {
  output: {
    short: "o",
    value: "FILE",
    help: "where to write",
    default: '"-", the standard output',
  },
  format: {
    short: "f",
    value: "FORMAT",
    choices: FORMATS,
    help: "how to write rows",
    default: "by the file's ending, else csv",
  },
  "no-names": { help: "write CSV without a header" },
  "escape-formulas": {
    help: "put an apostrophe before names that a spreadsheet would run as formulas",
  },
  json: { help: "one JSON object a line; short for --format json" },
  ...forceOption,
};

/** The format of the options, or of the file extension. */
export function rowFormat(args: Arguments): RowFormat {
  const named = args.choice("format", FORMATS);
  if (args.flag("json")) {
    if (named !== undefined && named !== "json") {
      throw new UsageError(`--json and --format ${named} contradict each other.`);
    }
    return "json";
  }
  if (named) return named;
  const ending = /\.([^./\\]+)$/.exec(args.text("output") ?? "")?.[1]?.toLowerCase();
  if (ending === "npy") return "npy";
  return ending === "jsonl" || ending === "ndjson" || ending === "json" ? "json" : "csv";
}

/** Throws if the output may not be replaced. `inputs` are the files that the command reads. */
export const requireRowOutput = (args: Arguments, inputs: readonly string[]): Promise<void> =>
  requireReplaceable(args.text("output") ?? "-", replaceable(args, inputs));

/** Opens the output, lets `work` write rows, and completes the file. */
export async function writingRows<T>(
  args: Arguments,
  shape: RowShape,
  work: (writer: RowWriter) => Promise<T>,
): Promise<T> {
  const format = rowFormat(args);
  return writing(args.text("output") ?? "-", async (output) => {
    // Names come from a file and may contain any characters. For a terminal, unsafe characters are escaped.
    const shown = output.isTerminal ? shape.names?.map((name) => visible(name)) : shape.names;
    const named = { ...shape, names: args.flag("no-names") ? undefined : shown };
    const escapeFormulas = args.flag("escape-formulas");
    const { writer, end } = {
      csv: () => csvRows(output, named, { escapeFormulas }),
      npy: () => npyRows(output, named),
      json: () => jsonRows(output, named),
    }[format]();
    const result = await work(writer);
    await end();
    return result;
  });
}

interface Rows {
  readonly writer: RowWriter;
  end(): Promise<void>;
}

function csvRows(output: Output, { names, columns }: RowShape, options: CsvWriteOptions): Rows {
  let header = names;
  const write = async (data: Float32Array) => {
    for (const bytes of writeCsv({ data, columns, names: header }, options))
      await output.write(bytes);
    header = undefined;
  };
  // A table without rows has a header too.
  return { writer: { write }, end: () => (header ? write(new Float32Array()) : Promise.resolve()) };
}

/**
 * The header contains the number of rows, which is known only at the end. In a file, the header is overwritten then.
 * For a stream, all rows are collected first.
 */
function npyRows(output: Output, { columns }: RowShape): Rows {
  const waiting: Float32Array[] = [];
  let rows = 0;
  const writeBytes = (data: Float32Array) =>
    output.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const write = async (data: Float32Array) => {
    if (rows === 0 && output.canRewrite) await output.write(npyHeader(0, columns));
    rows += data.length / columns;
    if (output.canRewrite) await writeBytes(data);
    else waiting.push(data);
  };
  const end = async () => {
    const header = npyHeader(rows, columns);
    if (output.canRewrite && rows > 0) return output.rewriteStart(header);
    await output.write(header);
    for (const data of waiting) await writeBytes(data);
  };
  return { writer: { write }, end };
}

/** The header of a float32 array. Padding makes its length independent of the number of rows. */
function npyHeader(rows: number, columns: number): Uint8Array {
  const empty = encodeNpy({ shape: [0, columns], data: new Float32Array() });
  const text = String.fromCharCode(...empty);
  const filled = text.replace(/\(0, (\d+)\), \} */, (whole) =>
    whole.replace("(0,", `(${rows},`).trimEnd().padEnd(whole.length),
  );
  return Uint8Array.from(filled, (character) => character.charCodeAt(0));
}

function jsonRows(output: Output, { columns, toJson }: RowShape): Rows {
  let row = 0;
  const write = async (data: Float32Array) => {
    let text = "";
    for (let at = 0; at < data.length; at += columns) {
      text += `${safeJson({ row: row++, ...toJson(data.subarray(at, at + columns)) })}\n`;
      if (text.length < 1 << 16) continue;
      await output.write(text);
      text = "";
    }
    if (text !== "") await output.write(text);
  };
  return { writer: { write }, end: async () => {} };
}
