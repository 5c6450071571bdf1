// Writes judged rows and alarms for programs: CSV, or one JSON object for each line.

import { type WritableColumn, writeCsvTable } from "../../formats/csv-write.ts";
import type { Arguments } from "../arguments.ts";
import { UsageError } from "../errors.ts";
import { writing } from "../output.ts";
import { toJson } from "../text.ts";
import type { Alarm, Judged } from "./alarms.ts";
import { namesIn, namingOf } from "./text.ts";

const FORMATS = ["csv", "json"] as const;

/** The format of a file of judged rows: the requested one, or the one of the file extension. */
export function scoreFormat(args: Arguments): (typeof FORMATS)[number] {
  const asked = args.choice("format", FORMATS);
  if (asked) return asked;
  const path = args.text("output") ?? "";
  const ending = /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? "csv";
  if (/^(?:json|jsonl|ndjson)$/.test(ending)) return "json";
  if (ending === "npy" || ending === "npz") {
    throw new UsageError(
      `--output ${path}: scores with names and reasons are CSV or JSON lines; --format csv or json says which.`,
    );
  }
  return "csv";
}

/** Writes every judged row; `alarms` explain those that are flagged. */
export async function writeRows(
  args: Arguments,
  path: string,
  judged: Judged,
  alarms: readonly Alarm[],
): Promise<void> {
  const format = scoreFormat(args);
  const reasons = new Map(alarms.map((alarm) => [alarm.row, alarm.reasons]));
  await writing(path, async (output) => {
    if (format === "csv") {
      const escapeFormulas = args.flag("escape-formulas");
      for (const bytes of writeCsvTable(
        { columns: csvColumns(judged, reasons) },
        { escapeFormulas },
      )) {
        await output.write(bytes);
      }
      return;
    }
    const { first, table, detection } = judged;
    for (let row = first; row < table.rows; row++) {
      const own = reasons.get(row);
      const object = {
        ...rowJson(judged, row),
        flagged: detection.flagged[row - first] === 1,
        ...(own && own.length > 0 ? { reasons: own } : {}),
      };
      await output.write(`${toJson(object)}\n`);
    }
  });
}

type Reasons = ReadonlyMap<number, Alarm["reasons"]>;

/** Row number from 1, names, score, p-value, whether it is flagged, and the column of the first reason. */
function csvColumns(
  { detector, table, first, detection }: Judged,
  reasons: Reasons,
): WritableColumn[] {
  const { rows } = table;
  const numbers = Array.from({ length: rows - first }, (_, i) => first + i);
  const naming = namingOf(detector);
  const named = numbers.map((row) => namesIn(naming, table, row));
  const top = (row: number) => reasons.get(row)?.[0];
  const text = (value: unknown) => (value === null || value === undefined ? "" : String(value));
  return [
    { name: "row", values: Int32Array.from(numbers, (row) => row + 1) },
    ...Object.keys(named[0] ?? {}).map((name) => ({
      name,
      values: named.map((names) => names[name] ?? ""),
    })),
    { name: "score", values: detection.score },
    { name: "pValue", values: detection.pValue },
    { name: "flagged", values: detection.flagged },
    { name: "column", values: numbers.map((row) => text(top(row)?.column)) },
    { name: "value", values: numbers.map((row) => text(top(row)?.value)) },
    { name: "expected", values: numbers.map((row) => text(top(row)?.expected)) },
  ];
}

function rowJson({ detector, table, first, detection }: Judged, row: number): object {
  const names = namesIn(namingOf(detector), table, row);
  const line = table.lineOf(row);
  return {
    row,
    ...(line === undefined ? {} : { line }),
    ...(Object.keys(names).length > 0 ? { names } : {}),
    score: finite(detection.score[row - first]),
    pValue: finite(detection.pValue[row - first]),
  };
}

/** An alarm as a JSON object, with `start` and `end` if it has more than one row. */
export function alarmJson(judged: Judged, alarm: Alarm): Record<string, unknown> {
  const { start, end, rows, row, reasons } = alarm;
  return {
    ...rowJson(judged, row),
    ...(judged.detector.config.window === undefined ? {} : { start, end, rows }),
    reasons,
  };
}

const finite = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;
