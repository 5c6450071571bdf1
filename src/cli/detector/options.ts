// The options of commands that make or use detectors, and their meaning.

import { LINEAR, STANDARD } from "../../detect/policy.ts";
import type { Decision, DetectorModel, DetectorOptions } from "../../detect.ts";
import type { Arguments, Options } from "../arguments.ts";
import { UsageError } from "../errors.ts";
import { seedOption } from "../model-file.ts";
import { grouped } from "../numbers.ts";
import { quoted } from "../text.ts";

const SCORES = ["auto", "residual", "distance", "combined"] as const;

/** Options for making a detector. They are given once, when the detector is made. */
export const detectorOptions = {
  window: {
    value: "N",
    kind: "whole",
    least: 2,
    choices: ["auto", "none"],
    help: "rows are a time series: judge windows of N rows; auto: as long as its period; none: each row by itself",
    default: "10 rows where a column of times goes up evenly",
  },
  stride: {
    value: "N",
    kind: "whole",
    least: 1,
    help: "rows from a window to the next",
    default: "1",
  },
  "group-by": {
    value: "COLUMN",
    help: "the column that says to which series a row belongs, as with many machines in one file",
  },
  score: {
    value: "KIND",
    choices: SCORES,
    help: "what is scored: the errors of the reconstruction (residual), how unusual the code is (distance), or both",
    default: "both; of time series of several columns a tenth of the distance",
  },
  contamination: {
    value: "SHARE",
    kind: "number",
    choices: ["auto", "none"],
    help: "the rows to learn from are not all normal: the share of odd ones. They are left out, and as many are flagged",
    default: "none",
  },
  calibration: {
    value: "SHARE",
    kind: "number",
    choices: ["cross"],
    help: "compare with this share of the rows, which is not learned; cross: with all, each judged by models that have not seen it",
    default: "cross",
  },
  models: {
    value: "N",
    kind: "whole",
    least: 1,
    help: "models that judge together",
    default: `${STANDARD.models}; ${LINEAR.models} for a time series`,
  },
  hidden: {
    value: "LIST",
    help: "units of each model after its input, the code last",
    default: `${STANDARD.hidden}; of a time series principal components`,
  },
  steps: {
    value: "N",
    kind: "whole",
    least: 1,
    help: "training steps of each model",
    default: grouped(STANDARD.steps),
  },
  noise: {
    value: "X",
    kind: "number",
    least: 0,
    help: "deviation of the noise that models learn to remove",
    default: `${STANDARD.noise}`,
  },
  seed: seedOption,
} as const satisfies Options;

/** How scores become alarms. */
export const decisionOptions = {
  alpha: {
    short: "a",
    value: "P",
    kind: "number",
    help: "flag rows so odd that only the share P of normal rows is as odd: p-values of at most P",
    default: "0.01 for tables",
  },
  fdr: {
    value: "Q",
    kind: "number",
    help: "flag as many rows as possible at a false discovery rate of at most Q: the expected share of normal rows among the flagged",
  },
  pot: {
    value: "P",
    kind: "number",
    help: "flag scores that a normal row exceeds with chance P, by a curve fitted to the highest scores",
    default: "0.0001 for time series",
  },
  quantile: {
    value: "Q",
    kind: "number",
    help: "flag scores above this quantile of the scores of the rows learned from",
  },
} as const satisfies Options;

const RULES = ["alpha", "fdr", "pot", "quantile"] as const;

/** The decision that the user requested; undefined if there is none. @throws UsageError for two decisions. */
export function readDecision(args: Arguments): Decision | undefined {
  const given = RULES.filter((name) => args.number(name) !== undefined);
  const [name, second] = given;
  if (name === undefined) {
    const contamination = args.number("contamination");
    if (contamination === undefined) return undefined;
    requireShare(contamination);
    return { contamination };
  }
  if (second !== undefined) {
    throw new UsageError(`--${name} and --${second} are two ways to flag rows; take one.`);
  }
  const value = args.number(name) ?? Number.NaN;
  const isInside = value > 0 && value < 1;
  if (!isInside) {
    throw new UsageError(`--${name} must be greater than 0 and less than 1; got ${value}.`);
  }
  if (name === "alpha") return { alpha: value };
  if (name === "fdr") return { fdr: value };
  return name === "pot" ? { pot: value } : { quantile: value };
}

/** The default alphas. The first that the number of rows allows is used. */
const ALPHAS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
/** The fewest scores for fitting a tail. */
const FEWEST_FOR_TAIL = 300;

/**
 * The default decision for the number of calibration rows. A fitted tail needs normal rows, so rows that are also the
 * training rows are ranked instead.
 */
export function defaultDecision(
  isSeries: boolean,
  isAmongThemselves: boolean,
  calibrationRows: number,
): Decision {
  if (isSeries && !isAmongThemselves && calibrationRows >= FEWEST_FOR_TAIL) return { pot: 1e-4 };
  return { alpha: ALPHAS.find((alpha) => 1 / (calibrationRows + 1) <= alpha) ?? 0.5 };
}

/** The options of `fit` that do not depend on the data. */
export function readDetectorOptions(args: Arguments): DetectorOptions {
  const { model } = { model: readModelOptions(args) };
  const contamination = args.choice("contamination", ["auto"]) ?? args.number("contamination");
  const calibration = args.number("calibration");
  const score = args.choice("score", SCORES);
  const seed = args.number("seed");
  if (contamination !== undefined && contamination !== "auto") requireShare(contamination);
  if (calibration !== undefined && !(calibration > 0 && calibration < 1)) {
    throw new UsageError(
      `--calibration must be greater than 0 and less than 1, or cross; got ${calibration}.`,
    );
  }
  return {
    ...(model === undefined ? {} : { model }),
    ...(contamination === undefined ? {} : { contamination }),
    ...(calibration === undefined ? {} : { calibration }),
    ...(score === undefined ? {} : { score }),
    ...(seed === undefined ? {} : { seed }),
  };
}

function requireShare(share: number): void {
  if (share > 0 && share <= 0.5) return;
  throw new UsageError(
    `--contamination is the share of odd rows, greater than 0 and at most 0.5; got ${share}.${share > 0.5 ? " Where most rows are odd, the others are the odd ones." : ""}`,
  );
}

function readModelOptions(args: Arguments): DetectorModel | undefined {
  const hidden = args.text("hidden");
  const model: DetectorModel = {};
  const models = args.number("models");
  const steps = args.number("steps");
  const noise = args.number("noise");
  if (models !== undefined) model.models = models;
  if (steps !== undefined) model.steps = steps;
  if (noise !== undefined) model.noise = noise;
  if (hidden !== undefined) {
    const units = hidden.split(",").map(Number);
    if (!units.every((one) => Number.isSafeInteger(one) && one > 0)) {
      throw new UsageError(`--hidden takes whole numbers such as 128,64; got ${quoted(hidden)}.`);
    }
    model.hidden = units;
  }
  return Object.keys(model).length > 0 ? model : undefined;
}
