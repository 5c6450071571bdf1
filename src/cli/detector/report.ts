// The report about a detector and a table as one HTML page: what was learned, the distribution of the scores, the oddest
// rows with their reasons, and how flags agree with labels if there is a column of labels.

import { decisionText, percent } from "../../detect/decision-text.ts";
import { SCORE_TEXT, worthTelling } from "../../detect/report.ts";
import type { ColumnSchema, Decision, Reason } from "../../detect.ts";
import {
  CHART,
  chart,
  table as htmlTable,
  page,
  paragraph,
  section,
  TO_FILL_IN,
} from "../../report/html.ts";
import { scoreLine } from "../../report/scores.ts";
import { drawErrors } from "../../view/errors.ts";
import { grouped, short, shortBelow } from "../numbers.ts";
import { type Alarm, findAlarms, type Judged, oddest } from "./alarms.ts";
import { qualityOf, qualityText } from "./quality.ts";
import { namesIn, namingOf, reasonText, whenText } from "./text.ts";

const SHOWN = 20;
/** The fewest rows that are listed, flagged or not. */
const LEAST_SHOWN = 5;

/** The page. */
export function detectorReport(judged: Judged, decision: Decision, title: string): string {
  const { detector, table, detection } = judged;
  const { schema, notes } = detector;
  const quality = qualityOf(judged);
  const alarms = findAlarms(judged, SHOWN);
  const flagged = detection.flagged.reduce((sum, flag) => sum + flag, 0);
  const { threshold } = detection;
  const facts: [string, string][] = [
    ["Models", modelsText(detector)],
    ["Calibration rows", grouped(detector.config.calibrationRows)],
    ["Flags", decisionText(decision)],
  ];
  const isSharp = Number.isFinite(threshold);
  const limit = isSharp
    ? `; a row is flagged when its score is above ${shortBelow(threshold)}`
    : "";
  const said = `${grouped(flagged)} of ${grouped(table.rows)} rows of ${table.file} are flagged${limit}.`;
  const isMost = flagged > 0.5 * table.rows;
  const lead = `A detector learned normal rows and scored the rows of this page. A higher score means an odder row. ${said}${isMost ? MOST_FLAGGED : ""}`;
  const { score } = detection;
  const isSeries = detector.config.window !== undefined;
  return page(title, lead, [
    section(
      "Scores of rows",
      `${score.length > 0 ? chart(drawErrors(score, { unit: "score of a row", size: CHART, ...(isSharp ? { threshold } : {}) })) : ""}\n${paragraph(SCORE_TEXT)}`,
    ),
    section("The detector", [htmlTable(["", ""], facts), ...notes.map(paragraph)].join("\n")),
    section(
      "Scores in the order of the rows",
      isSeries && score.length > 0 ? scoreLine(score, threshold) : "",
      true,
    ),
    ...(quality
      ? [section("Labels", [qualityText(quality), AUROC_TEXT].map(paragraph).join("\n"), true)]
      : []),
    section("The oddest", oddestRows(judged, alarms), true),
    section(
      "Columns",
      htmlTable(
        ["Column", "Kind", "Missing", "Values"],
        schema.map((column) => [
          String(column.name),
          column.kind,
          column.missing > 0 ? percent(column.missing) : "",
          describeValues(column, detector.config.window?.groupBy),
        ]),
      ),
      true,
    ),
    section("Model card", TO_FILL_IN, true),
  ]);
}

const AUROC_TEXT =
  "The AUROC is 1 if every odd row has a higher score than every normal row, and 0.5 for random scores. The average precision is 1 at best, and the share of odd rows for random scores.";

/** What a column has, where its kind does not say it. */
function describeValues(
  { name, kind, reason, levels, value }: ColumnSchema,
  groupBy: string | undefined,
): string {
  if (groupBy !== undefined && name === groupBy) return "names the series; not learned";
  if (kind === "constant") return `always ${value}`;
  if (kind === "number" || kind === "boolean") return "";
  return levels ? levels.slice(0, 12).join(", ") : reason;
}

/** What it may mean that more than half of the rows are flagged. */
const MOST_FLAGGED =
  " That is most of them: these rows as a whole differ from those that the detector learned. Perhaps they are from another time, place or machine. A detector that learns rows of the same kind can tell the odd ones among them.";

function modelsText({ config: { models, layers, window } }: Judged["detector"]): string {
  const what = models === 1 ? "1 autoencoder" : `${models} autoencoders`;
  return `${what} of ${layers.join(" → ")} units${window ? `, on windows of ${window.length} rows` : ""}`;
}

/** The unflagged rows with the highest scores, the oddest first. In a series they are at least a window apart. */
function nextOddest(judged: Judged, most: number): Alarm[] {
  const { detector, detection } = judged;
  const { score, flagged } = detection;
  if (most <= 0) return [];
  const apart = detector.config.window?.length ?? 1;
  const order = [...score.keys()].filter((row) => Number.isFinite(score[row]));
  order.sort((a, b) => (score[b] ?? 0) - (score[a] ?? 0) || a - b);
  const isNear = new Uint8Array(score.length);
  const take = (row: number) => isNear.fill(1, Math.max(0, row - apart + 1), row + apart);
  flagged.forEach((flag, row) => {
    if (flag === 1) take(row);
  });
  const next = new Uint8Array(score.length);
  let left = most;
  for (const row of order) {
    if (left === 0) break;
    if (isNear[row] === 1) continue;
    take(row);
    next[row] = 1;
    left -= 1;
  }
  if (left === most) return [];
  const alarms = findAlarms({ ...judged, detection: { ...detection, flagged: next } }, most, 0);
  return alarms.sort((a, b) => b.score - a.score);
}

function oddestRows(judged: Judged, alarms: readonly Alarm[]): string {
  const { table, detector } = judged;
  const naming = namingOf(detector);
  const shown = oddest(alarms, SHOWN);
  const explained = [...shown, ...nextOddest(judged, LEAST_SHOWN - shown.length)];
  const at = (row: number) => String(table.lineOf(row) ?? row + 1);
  const unit = table.lineOf(0) === undefined ? "Row" : "Line";
  const rows = explained.map(({ row, start, end, score, pValue, reasons }, i) => {
    const names = Object.values(namesIn({ ...naming, time: undefined }, table, row));
    return [
      start === end ? at(row) : `${at(start)} to ${at(end)}`,
      names.join(", "),
      whenText({ start, end }, table, naming),
      short(score),
      short(pValue),
      i < shown.length ? "yes" : "no",
      worthTelling(reasons)
        .map((reason) => told(reason))
        .join("; "),
    ];
  });
  const rest = alarms.length - shown.length;
  const more = rest > 0 ? paragraph(`${grouped(rest)} more are flagged.`) : "";
  const headings = [unit, "Name", "Time", "Score", "p-value", "Flagged", "Reasons"];
  return `${htmlTable(headings, rows, "long")}\n${more}`;

  function told(reason: Reason): string {
    const value =
      reason.value === null
        ? "missing"
        : typeof reason.value === "number"
          ? short(reason.value)
          : String(reason.value);
    return `${reason.column} ${value}, ${reasonText(reason, naming.kinds.get(reason.column))}`;
  }
}
