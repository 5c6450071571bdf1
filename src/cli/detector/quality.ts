// How scores and flags agree with labels.

import { percent } from "../../detect/decision-text.ts";
import { auroc, averagePrecision, decisionQuality } from "../../detect.ts";
import { grouped } from "../numbers.ts";
import type { Judged } from "./alarms.ts";
import { readLabels } from "./table.ts";

export interface Quality {
  readonly odd: number;
  readonly auroc: number;
  readonly averagePrecision: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly falseAlarmRate: number;
}

/** The figures for the judged rows; undefined without a column of labels. */
export function qualityOf({ table, first, detection }: Judged): Quality | undefined {
  const labels = readLabels(table)?.slice(first);
  if (labels === undefined) return undefined;
  const { score, flagged } = detection;
  const odd = labels.reduce((sum, label) => sum + label, 0);
  const falseAlarms = flagged.filter((flag, i) => flag === 1 && labels[i] === 0).length;
  const known = score.map((value) => (Number.isNaN(value) ? -Infinity : value));
  return {
    odd,
    auroc: auroc(known, labels),
    averagePrecision: averagePrecision(known, labels),
    ...decisionQuality(flagged, labels),
    falseAlarmRate: falseAlarms / Math.max(1, labels.length - odd),
  };
}

/** The figures as a sentence. */
export function qualityText(quality: Quality): string {
  const { odd, falseAlarmRate, precision, recall, f1 } = quality;
  return `Beside the labels, which call ${grouped(odd)} rows odd: AUROC ${quality.auroc.toFixed(3)}, average precision ${quality.averagePrecision.toFixed(3)}; of the odd rows ${percent(recall)} are flagged, of the flagged ${percent(precision)} are odd (F1 ${f1.toFixed(3)}); false alarms on ${percent(falseAlarmRate)} of the normal rows.`;
}
