// What an ensemble is made of: how many models, how wide, trained how. The defaults come from measurements
// (docs/decisions/100-detector.md); none of them looks at a loss, because the loss of a model says little
// about how well it tells odd rows.

import { finiteNumber, record, wholeNumber } from "../checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { CategoryBlock } from "../losses/mixed.ts";
import { log } from "../math/elementary.ts";
import { type ModelConfig, resolveConfig } from "../model/config.ts";
import type { Field } from "./table/encoder.ts";

/**
 * The models of a detector: any part of a model's configuration, and how they are trained. Without `layers`
 * the input's width is the data's.
 */
export interface DetectorModel extends Partial<Omit<ModelConfig, RuntimeKey | "seed" | "scaler">> {
  /**
   * How many models, each trained without another share of the rows. Default 3. Windows have 5 linear models of principal
   * components by default; any other option here takes trained models instead, with the defaults below.
   */
  models?: number;
  /** Units of the layers after the input; the last is the code. Default [128, 64]. Instead of `layers`. */
  hidden?: readonly number[];
  /** Deviation of the noise on the input, in standard deviations of the columns; 0 for none. Default 0.2. */
  noise?: number;
  /** Optimizer steps of each model. Default 5,000. */
  steps?: number;
  /** Rows a step. Default 32. */
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
   * For linear models that are not trained but are the principal components of the samples: as many of them
   * as hold this share of the variance. `hidden`, `noise` and `steps` do not count then.
   */
  readonly components?: number;
  /** Whether the nearest training samples count, where these are few. Absent: they do, except for linear models. */
  readonly neighbours?: boolean;
  /** What the distance of the code counts beside the residual, for windows. Absent: as much. */
  readonly distanceWeight?: number;
}

/**
 * What the distance counts in windows of several columns. A plant that goes to another working point moves within what its
 * models know, and its columns still go together; a tenth leaves what is far beyond all that was seen.
 */
const WEIGHT_OF_SEVERAL = 0.1;

/** The policy for windows of so many columns, where the caller leaves the score to the detector. */
export function forColumns(policy: Policy, columns: number): Policy {
  return columns > 1 ? { ...policy, distanceWeight: WEIGHT_OF_SEVERAL } : policy;
}

/** For rows that are mostly normal. */
export const STANDARD: Policy = {
  models: 3,
  hidden: [128, 64],
  noise: 0.2,
  steps: 5000,
  batchSize: 32,
  config: { activation: "tanh", optimizer: { type: "adam", learningRate: 4e-3 } },
};

/** For windows of a time series: linear models, whose score is the T² + Q of process monitoring. */
export const LINEAR: Policy = {
  ...STANDARD,
  models: 5,
  hidden: [],
  noise: 0,
  steps: 0,
  config: { activation: "linear" },
  components: 0.9,
};

/** Share of the rows that are set aside before the second fit, where some of the rows may be odd. */
export const TRIMMED_SHARE = 0.3;

/** For rows of which some may be odd: these are neighbours of each other, also where most were set aside. */
export function withoutNeighbours(policy: Policy): Policy {
  return { ...policy, neighbours: false };
}

/** For the first pass over rows of which some may be odd: too narrow a code to learn them by heart. */
export function narrowPolicy(standard: Policy, width: number): Policy {
  if (standard.components !== undefined) return standard;
  return { ...standard, hidden: [Math.max(1, Math.floor(width / 2))], noise: 0 };
}

/** Entropies below this count as this: a category that hardly varies would outweigh all other columns. */
const LEAST_ENTROPY = 0.05;

/** Whether the option `model` leaves the loss and the output to the detector. */
export function choosesLoss(model: unknown): boolean {
  if (typeof model !== "object" || model === null) return true;
  return !["loss", "outputActivation", "decoderActivations"].some((key) => key in model);
}

/**
 * The policy with numbers and categories in one loss. Every column weighs alike: a number's error is 1 where models know
 * nothing, and a category's, its entropy, is made so.
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
 * Checks the option `model`: how many models, or what they are.
 * @param width features of an encoded row
 * @param columns columns of a row as it came: `layers` may begin with this too
 * @param defaults what to take where `model` says nothing of the models' shape
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
  resolveConfig(modelConfig(policy, width, 0)); // throws for what a model would refuse
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
