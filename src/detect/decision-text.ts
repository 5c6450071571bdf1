// A decision in words, for reports and the command line.

import type { Decision } from "./calibration.ts";

/** A decision as text. */
export function decisionText(decision: Decision): string {
  if ("fdr" in decision) {
    return `false discovery rate of at most ${percent(decision.fdr)}: the expected share of normal rows among the flagged`;
  }
  if ("pot" in decision) return `scores that one normal row in ${count(1 / decision.pot)} exceeds`;
  if ("quantile" in decision) return `scores above the quantile ${decision.quantile}`;
  if ("contamination" in decision) {
    return `the oddest ${percent(decision.contamination)} of the rows learned from, and what is as odd`;
  }
  return `p-values of at most ${decision.alpha}: ${percent(decision.alpha ?? 0)} of normal rows`;
}

/** `0.5 %` for .005. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

const count = (value: number) => Math.round(value).toLocaleString("en");
