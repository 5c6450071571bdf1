// The report of a detector about rows, as one HTML page: a string without scripts and without network access. Names
// and values are untrusted and are escaped.

import { onlyKeys, optionalText, record, wholeNumber } from "../checks.ts";
import { ascendingOrder, at } from "../math/order.ts";
import {
  CHART,
  chart,
  escapeHtml,
  page,
  paragraph,
  section,
  TO_FILL_IN,
  table,
} from "../report/html.ts";
import { scoreLine } from "../report/scores.ts";
import { drawErrors } from "../view/errors.ts";
import type { Decision, Detection } from "./calibration.ts";
import { decisionText } from "./decision-text.ts";
import type { Drift } from "./drift.ts";
import type { Reason } from "./explain.ts";
import type { ExplainOptions } from "./parts.ts";
import { type ColumnSchema, describeSchema, OTHER_LEVEL } from "./table/schema.ts";
import type { DetectorInput } from "./table/source.ts";

/** Options of a detector's report. */
export interface DetectorReportOptions {
  /** Title of the page. Default "Odd rows". */
  title?: string;
  /** How rows are flagged. Default `{ alpha: 0.01 }`, or the smallest alpha that the calibration allows. */
  decision?: Decision;
  /** Odd rows to list. Default 10. */
  oddest?: number;
}

/** The part of a detector that a report needs. */
interface Reported {
  readonly schema: readonly ColumnSchema[];
  readonly notes: readonly string[];
  readonly config: {
    readonly models: number;
    readonly layers: readonly number[];
    readonly score: string;
    readonly window: { readonly length: number } | undefined;
    readonly calibrationRows: number;
    readonly seed: number;
  };
  detect(rows: DetectorInput, decision?: Decision): Detection;
  explain(rows: DetectorInput, options: ExplainOptions): Reason[][];
  drift(rows: DetectorInput): Drift;
}

const DEFAULT_ALPHA = 0.01;
/** The most reasons that are listed for each row. */
const MOST_REASONS = 3;
/** Columns that contribute less than this share to the score of a row are not listed, except the first. */
const WORTH_TELLING = 0.1;

/** The reasons that people should read: the first, and the next two if they matter. */
export function worthTelling(reasons: readonly Reason[]): Reason[] {
  return reasons
    .filter(({ contribution }, i) => i === 0 || contribution >= WORTH_TELLING)
    .slice(0, MOST_REASONS);
}

export function detectorReport(
  detector: Reported,
  rows: DetectorInput,
  options: DetectorReportOptions = {},
): string {
  onlyKeys("report", record("report's options", options), ["title", "decision", "oddest"]);
  const oddest = wholeNumber("oddest", options.oddest ?? 10, 0);
  const { calibrationRows } = detector.config;
  const decision = options.decision ?? {
    alpha: Math.max(DEFAULT_ALPHA, 1 / (calibrationRows + 1)),
  };
  const detection = detector.detect(rows, decision);
  const { flagged, score, threshold, notes } = detection;
  const count = flagged.reduce((sum, flag) => sum + flag, 0);
  const order = [...ascendingOrder(score.map((s) => (Number.isNaN(s) ? -Infinity : s)))];
  const first = order.reverse().slice(0, oddest);
  const reasons = detector.explain(rows, { rows: first, top: MOST_REASONS });
  const sound = Number.isFinite(threshold) ? { threshold } : {};
  const said = `${count.toLocaleString("en")} of ${score.length.toLocaleString("en")} rows are flagged (${decisionText(decision)}).`;
  const lead = `A detector learned normal rows and scored the rows of this page. A higher score means an odder row. ${said}`;
  return page(optionalText("title", options.title) ?? "Odd rows", lead, [
    section(
      "Scores of rows",
      `${score.length > 0 ? chart(drawErrors(score, { ...sound, unit: "score of a row", size: CHART })) : ""}
${paragraph(SCORE_TEXT)}
${list([...notes, driftText(detector.drift(rows))])}`,
    ),
    section(
      "Scores in the order of the rows",
      detector.config.window && score.length > 0 ? scoreLine(score, threshold) : "",
      true,
    ),
    section("The oddest rows", oddestRows(first, detection, reasons), true),
    section("Main reasons", blame(reasons.filter((_, i) => flagged[first[i] ?? 0] === 1))),
    section("The detector", about(detector)),
    section("Model card", TO_FILL_IN),
  ]);
}

/** What scores and p-values are, for a reader of a report. */
export const SCORE_TEXT =
  "The score of a row measures how badly the models reconstruct it, compared with the rows that they learned. The p-value of a row is the share of normal rows with a score at least as high.";

function list(lines: readonly string[]): string {
  return `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join("")}</ul>`;
}

function oddestRows(
  rows: readonly number[],
  { score, pValue, flagged }: Detection,
  reasons: readonly Reason[][],
): string {
  if (rows.length === 0) return "";
  return table(
    ["row", "score", "p-value", "flagged", "why"],
    rows.map((row, i) => [
      String(row),
      short(at(score, row)),
      short(at(pValue, row)),
      flagged[row] === 1 ? "yes" : "",
      worthTelling(reasons[i] ?? [])
        .map(reasonText)
        .join("; "),
    ]),
    "long",
  );
}

function reasonText({ column, value, expected, probability, when }: Reason): string {
  const at = when === undefined ? "" : ` at row ${when}`;
  const chance = probability === undefined ? "" : `, probability ${short(probability)}`;
  return `${column} is ${cell(value)}${at}, expected ${cell(expected)}${chance}`;
}

/** How often each column is the first reason of a flagged row. */
function blame(reasons: readonly Reason[][]): string {
  const counts = new Map<string, number>();
  for (const [first] of reasons) {
    if (first) counts.set(String(first.column), (counts.get(String(first.column)) ?? 0) + 1);
  }
  const rows = [...counts].sort(([, a], [, b]) => b - a);
  return rows.length === 0
    ? ""
    : table(
        ["column", "flagged rows above whose first reason it is"],
        rows.map(([column, count]) => [column, String(count)]),
      );
}

function about({ schema, notes, config }: Reported): string {
  const facts: [string, string][] = [
    ["Autoencoders", `${config.models} of ${config.layers.join(" → ")} units`],
    ["Score", config.score],
    [
      "Window",
      config.window ? `${config.window.length} rows` : "none: each row is scored by itself",
    ],
    ["Calibration rows", config.calibrationRows.toLocaleString("en")],
    ["Seed", String(config.seed)],
  ];
  const columns = `<h3>Columns</h3>${list(describeSchema(schema))}`;
  return `${table(["", ""], facts)}${columns}${notes.length > 0 ? `<h3>Notes</h3>${list(notes)}` : ""}`;
}

function driftText({ alarm, martingale, sinceRow }: Drift): string {
  return alarm
    ? `These rows have moved away from what was learned, since about row ${sinceRow}.`
    : `There is no sign that these rows have moved away from what was learned (the value of the test is ${short(martingale)}).`;
}

function cell(value: Reason["value"]): string {
  if (value === null) return "missing";
  if (value === OTHER_LEVEL) return "a rare value";
  return typeof value === "number" ? short(value) : String(value);
}

function short(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value);
}
