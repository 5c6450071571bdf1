// The scores of a time series as a line with the threshold, which shows where the series is odd.

import { drawLoss } from "../view/loss.ts";
import { CHART, chart } from "./html.ts";

/** The largest number of points of the line. */
const MOST_POINTS = 600;

/**
 * `score` [rows] in the order of the rows as a chart. With more than 600 rows, each point is the highest score of several
 * rows. A threshold that is not finite is not drawn.
 */
export function scoreLine(score: ArrayLike<number>, threshold: number): string {
  const each = Math.max(1, Math.ceil(score.length / MOST_POINTS));
  const [at, highest]: [number[], number[]] = [[], []];
  for (let first = 0; first < score.length; first += each) {
    const end = Math.min(score.length, first + each);
    let best = first;
    for (let row = first; row < end; row++) {
      if (!((score[row] ?? Number.NaN) <= (score[best] ?? Number.NaN))) best = row;
    }
    at.push(best + 1);
    highest.push(score[best] ?? Number.NaN);
  }
  return chart(
    drawLoss(
      { series: { score: highest }, at },
      {
        title: "Scores in the order of the rows",
        unit: "row",
        quantity: "score",
        legend: false,
        references: Number.isFinite(threshold) ? { threshold } : {},
        size: [2 * CHART[0], CHART[1]],
      },
    ),
    true,
  );
}
