// The report of a detector and a table as one HTML page: what was learned, how the scores are spread, the oddest rows with
// the columns to blame, and how flags agree with labels where a column holds them.

import type { Decision, Reason } from "../../detect.ts";
import { escapeHtml, table as htmlTable, page } from "../../report/html.ts";
import { drawErrors } from "../../view/errors.ts";
import { grouped, short } from "../numbers.ts";
import { type Alarm, explainAlarms, findAlarms, type Judged, oddest } from "./alarms.ts";
import { decisionText, percent } from "./options.ts";
import { qualityOf, qualityText } from "./quality.ts";
import { detectorText, namesIn, namingOf, reasonText } from "./text.ts";

const SHOWN = 20;
const MOST_REASONS = 3;

/** The page. */
export function detectorReport(judged: Judged, decision: Decision, title: string): string {
  const { detector, table, detection } = judged;
  const { schema, notes } = detector;
  const quality = qualityOf(judged);
  const alarms = findAlarms(judged);
  const flagged = detection.flagged.reduce((sum, flag) => sum + flag, 0);
  const { threshold } = detection;
  const facts: [string, string][] = [
    ["Models", detectorText(detector)],
    ["Rows to compare with", grouped(detector.config.calibrationRows)],
    ["Flags", decisionText(decision)],
  ];
  return page(title, [
    section("The detector", [htmlTable(["", ""], facts), ...notes.map(paragraph)].join("\n")),
    section(
      "Scores of rows",
      `${drawErrors(detection.score, { unit: "score of a row", ...(Number.isFinite(threshold) ? { threshold } : {}) })}
${paragraph(`${grouped(flagged)} of ${grouped(table.rows)} rows of ${table.file} are flagged${Number.isFinite(threshold) ? `: their scores are above ${short(threshold)}` : ""}.`)}`,
    ),
    ...(quality ? [section("Labels", paragraph(qualityText(quality)))] : []),
    section("The oddest", oddestRows(judged, alarms)),
    section(
      "Columns",
      htmlTable(
        ["Column", "Kind", "Missing", "Why"],
        schema.map(({ name, kind, missing, reason, levels, value }) => [
          String(name),
          kind,
          missing > 0 ? percent(missing) : "",
          kind === "constant"
            ? `always ${value}`
            : levels
              ? levels.slice(0, 12).join(", ")
              : reason,
        ]),
      ),
    ),
  ]);
}

const section = (heading: string, content: string): string =>
  `<section><h2>${escapeHtml(heading)}</h2>\n${content}\n</section>`;

const paragraph = (text: string): string => `<p>${escapeHtml(text)}</p>`;

function oddestRows(judged: Judged, alarms: readonly Alarm[]): string {
  if (alarms.length === 0) return paragraph("No row is flagged.");
  const { table, detector } = judged;
  const naming = namingOf(detector);
  const explained = explainAlarms(judged, oddest(alarms, SHOWN));
  const at = (row: number) => String(table.lineOf(row) ?? row + 1);
  const unit = table.lineOf(0) === undefined ? "Row" : "Line";
  const rows = explained.map(({ row, start, end, score, pValue, reasons }) => {
    const names = Object.values(namesIn(naming, table, row));
    return [
      start === end ? at(row) : `${at(start)} to ${at(end)}`,
      names.join(", "),
      short(score),
      short(pValue),
      reasons
        .slice(0, MOST_REASONS)
        .map((reason) => told(reason))
        .join("; "),
    ];
  });
  const rest = alarms.length - explained.length;
  const more = rest > 0 ? paragraph(`${grouped(rest)} more are flagged.`) : "";
  return `${htmlTable([unit, "Name", "Score", "p-value", "Columns to blame"], rows)}\n${more}`;

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
