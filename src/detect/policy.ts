// The configuration of an ensemble: the number of models, their layers and their training. The defaults come from
// measurements (docs/decisions/100-detector.md). None was chosen by the loss, because the loss of a model says
// little about how well it detects odd rows.

import { finiteNumber, record, wholeNumber } from "../checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { CategoryBlock } from "../losses/mixed.ts";
import { log } from "../math/elementary.ts";
import { type ModelConfig, resolveConfig } from "../model/config.ts";
import type { Field } from "./table/encoder.ts";

/**
 * The models of a detector: any part of a model's configuration, and how they are trained. Without `layers`
 * the width of the input is that of the data.
 */
export interface DetectorModel extends Partial<Omit<ModelConfig, RuntimeKey | "seed" | "scaler">> {
  /**
   * The number of models. Each is trained without a different share of the rows. Default 3. Windows have 5 linear models of
   * principal components by default. Any other option of this object selects trained models, with the defaults below.
   */
  models?: number;
  /** Units of the layers after the input; the last is the code. Default [128, 64]. Instead of `layers`. */
  hidden?: readonly number[];
  /** Standard deviation of the noise on the input, in standard deviations of the columns; 0 for none. Default 0.2. */
  noise?: number;
  /** Optimizer steps of each model. Default 5,000. */
  steps?: number;
  /** Rows for each step. Default 32. */
  batchSize?: number;
}

type RuntimeKey = "simd" | "wasm" | "threads" | "createWorker" | "onWarning";

/** A policy with every default filled in; saved with a detector. */
export interface Policy {
  readonly models: number;
  readonly hidden: readonly number[];
  readonly noise: number;
  readonly steps: number;
  readonly batchSize: number;
  /** The rest of the models' configuration. */
  readonly config: Readonly<Partial<ModelConfig>>;
  /**
   * For linear models that consist of the principal components of the samples and are not trained: the share of the
   * variance that the components explain. `hidden`, `noise` and `steps` then have no effect.
   */
  readonly components?: number;
  /** Whether the nearest training samples count if these are few. Absent: they do, except for linear models. */
  readonly neighbours?: boolean;
  /** The weight of the distance of the code relative to the residual, for windows. Absent: 1. */
  readonly distanceWeight?: number;
}

/**
 * The weight of the distance in windows of several columns. A plant at another working point has another code, but its
 * columns still match each other. With a tenth, only codes that are far from all codes in training count.
 */
const WEIGHT_OF_SEVERAL = 0.1;

/** The policy for windows of the given number of columns with the score "auto". */
export function forColumns(policy: Policy, columns: number): Policy {
  return columns > 1 ? { ...policy, distanceWeight: WEIGHT_OF_SEVERAL } : policy;
}

/** The policy for rows that are mostly normal. */
export const STANDARD: Policy = {
  models: 3,
  hidden: [128, 64],
  noise: 0.2,
  steps: 5000,
  batchSize: 32,
  config: { activation: "tanh", optimizer: { type: "adam", learningRate: 4e-3 } },
};

/** The policy for windows of a time series: linear models, whose score is the T² + Q of process monitoring. */
export const LINEAR: Policy = {
  ...STANDARD,
  models: 5,
  hidden: [],
  noise: 0,
  steps: 0,
  config: { activation: "linear" },
  components: 0.9,
};

/** Share of the rows that are left out of the second training if some of the rows may be odd. */
export const TRIMMED_SHARE = 0.3;

/** The policy without neighbours, for rows of which some may be odd. Odd rows can be neighbours of each other. */
export function withoutNeighbours(policy: Policy): Policy {
  return { ...policy, neighbours: false };
}

/** The policy for the first pass over rows of which some may be odd. The code is too narrow to memorise odd rows. */
export function narrowPolicy(standard: Policy, width: number): Policy {
  if (standard.components !== undefined) return standard;
  return { ...standard, hidden: [Math.max(1, Math.floor(width / 2))], noise: 0 };
}

/** The least entropy of a category. Without this limit a category that rarely varies would outweigh all other columns. */
const LEAST_ENTROPY = 0.05;

/** Whether the option `model` leaves the loss and the output to the detector. */
export function choosesLoss(model: unknown): boolean {
  if (typeof model !== "object" || model === null) return true;
  return !["loss", "outputActivation", "decoderActivations"].some((key) => key in model);
}

/**
 * The policy with numbers and categories in one loss. All columns have the same weight. The error of a number is 1 for a model
 * that has learned nothing. The error of a category, its entropy, is scaled to 1.
 */
export function withChoices(policy: Policy, fields: readonly Field[]): Policy {
  const categories = fields.flatMap((field): CategoryBlock[] =>
    field.kind === "category" && field.isChoice ? [[field.start, field.width]] : [],
  );
  if (categories.length === 0) return policy;
  const weights = fields.map((field) => {
    if (field.kind === "number") return 1;
    const entropy = field.shares.reduce((sum, p) => sum - (p > 0 ? p * log(p) : 0), 0);
    return 1 / Math.max(entropy, LEAST_ENTROPY);
  });
  return { ...policy, config: { ...policy.config, loss: { type: "mixed", categories, weights } } };
}

const REFUSED = [
  "seed",
  "scaler",
  "missing",
  "simd",
  "wasm",
  "threads",
  "createWorker",
  "onWarning",
];

/**
 * Checks the option `model`: the number of models, or their configuration.
 * @param width features of an encoded row
 * @param columns columns of a row of the caller. `layers` may begin with this number too
 * @param defaults the policy for values that `model` does not contain
 */
export function resolvePolicy(
  model: unknown,
  width: number,
  columns: number,
  defaults: Policy,
): Policy {
  if (model === undefined) return defaults;
  if (typeof model === "number") return { ...defaults, models: wholeNumber("model", model, 1) };
  if (typeof model !== "object" || model === null || Array.isArray(model)) {
    throw new InvalidTypeError(
      `model must be a number of models or an object such as { hidden: [128, 64] }; got ${show(model)}.`,
    );
  }
  const given = record("model", model) as DetectorModel;
  for (const key of REFUSED) {
    if (key in given) {
      throw new InvalidValueError(
        `model.${key} is not the models' own: ${key === "scaler" || key === "missing" ? "the detector scales and fills in itself" : `give ${key} to fit`}.`,
      );
    }
  }
  const { models, hidden, noise, steps, batchSize, layers, ...config } = given;
  const isCountAlone = Object.keys(given).every((key) => key === "models");
  if (isCountAlone)
    return { ...defaults, models: wholeNumber("model.models", models ?? defaults.models, 1) };
  const policy: Policy = {
    models: wholeNumber("model.models", models ?? STANDARD.models, 1),
    hidden: hiddenLayers(hidden, layers, width, columns),
    noise: finiteNumber("model.noise", noise ?? STANDARD.noise, 0),
    steps: wholeNumber("model.steps", steps ?? STANDARD.steps, 1),
    batchSize: wholeNumber("model.batchSize", batchSize ?? STANDARD.batchSize, 1),
    config: { ...STANDARD.config, ...config },
  };
  resolveConfig(modelConfig(policy, width, 0)); // throws for a configuration that a model would refuse
  return policy;
}

function hiddenLayers(
  hidden: readonly number[] | undefined,
  layers: readonly number[] | undefined,
  width: number,
  columns: number,
): readonly number[] {
  if (hidden !== undefined && layers !== undefined) {
    throw new InvalidValueError("Give model.hidden or model.layers, not both.");
  }
  if (hidden !== undefined) {
    if (!Array.isArray(hidden) || hidden.length === 0) {
      throw new InvalidTypeError(
        `model.hidden must be units after the input, such as [128, 64]; got ${show(hidden)}.`,
      );
    }
    return hidden.map((units, i) => wholeNumber(`model.hidden[${i}]`, units, 1));
  }
  if (layers === undefined) return STANDARD.hidden;
  const [input, ...rest] = Array.isArray(layers) ? layers : [];
  if ((input !== width && input !== columns) || rest.length === 0) {
    throw new InvalidValueError(
      `model.layers must begin with the ${width} features of a row and have at least one more layer; got ${show(layers)}. model.hidden takes the layers after the input.`,
    );
  }
  return rest.map((units, i) => wholeNumber(`model.layers[${i + 1}]`, units, 1));
}

/** The configuration of one model. */
export function modelConfig(policy: Policy, width: number, seed: number): ModelConfig {
  return { ...policy.config, layers: [width, ...policy.hidden], seed };
}
