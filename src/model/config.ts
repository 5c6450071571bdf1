// The model's configuration as users write it, and with every default filled in. Every name, default and range
// is checked here, once, before anything is compiled or reserved.

import { boolean, choice, finiteNumber, fraction, onlyKeys, wholeNumber } from "../checks.ts";
import {
  type ConstraintConfig,
  type ConstraintSpec,
  resolveConstraint,
} from "../constraints/index.ts";
import type { Simd } from "../core/load.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import {
  type ActivationConfig,
  type ActivationSpec,
  activationOp,
  resolveActivation,
} from "../layers/activations.ts";
import { type LossConfig, type LossSpec, lossFunction, resolveLoss } from "../losses/index.ts";
import { type OptimizerConfig, type OptimizerSpec, resolveOptimizer } from "../optimizers/index.ts";
import { longForm } from "../options.ts";
import { type PenaltyConfig, type PenaltySpec, penalties } from "../penalties/index.ts";
import type { ThreadedCoreOptions } from "../threads/options.ts";
import { type CodeConfig, type CodeSpec, codes, resolveCode } from "./codes.ts";
import { type InitializerName, initializers } from "./initial/initializers.ts";
import { resolveScaler, type ScalerConfig, type ScalerSpec, scalers } from "./scalers.ts";

/** What NaN in data means. See `missing` in the configuration. */
export type MissingMode = "error" | "mean" | "mask";

/** How training computes the gradient. See `gradient` in the configuration. */
export type GradientMode = "auto" | "direct" | "gram";

/** The configuration of a model. Only `layers` is required. */
export interface ModelConfig {
  /** Units from the input to the code: `[784, 128]`, `[784, 256, 64]`. Two to 10,001 whole numbers of at least 1. */
  layers: readonly number[];
  /** Activation of every hidden layer of encoder and decoder, including the code. Default `"relu"`. */
  activation?: ActivationSpec;
  /** Activation of the reconstruction. Default `"linear"`. */
  outputActivation?: ActivationSpec;
  /** One activation per layer from input to code. Overrides `activation`. Default: `activation` for each. */
  encoderActivations?: readonly ActivationSpec[];
  /** One activation per layer from code to output. Overrides `activation` and `outputActivation`. Default: these. */
  decoderActivations?: readonly ActivationSpec[];
  /** Whether the encoder has biases. Default true. */
  bias?: boolean;
  /** Whether the decoder has biases. Default true. */
  decoderBias?: boolean;
  /** The loss, a mean over all elements of a batch. Default `"mse"`. */
  loss?: LossSpec;
  /** The optimizer, by name or with its options. Default `"adam"` with a learning rate of 1e-3. */
  optimizer?: OptimizerSpec;
  /** The initial weights. Default `"torchLinear"`: uniform in ±1/√fan-in, as in PyTorch's nn.Linear. */
  initializer?: InitializerName;
  /** The code: `"dense"` (default), or a sparse or variational code with its options. */
  code?: CodeSpec;
  /** Terms of the training loss besides the reconstruction error. Default: none. */
  penalties?: readonly PenaltySpec[];
  /** A condition on the tied weights that holds for the initial weights and after every step. Default: none. */
  constraint?: ConstraintSpec;
  /** Probability that training drops an output of a hidden layer, in [0, 1). Default 0. */
  dropout?: number;
  /** Adds l1 · Σ|w| over the tied weights to the training loss. Each tied weight counts once. Default 0. */
  l1?: number;
  /** Adds l2 · Σw² over the tied weights to the training loss. Each tied weight counts once. Default 0. */
  l2?: number;
  /**
   * Scales every column. The scaler is fitted on the training rows of the first `fit`, or by `fitScaler`, and then
   * does not change. `"standard"` scales to mean 0 and standard deviation 1, and `"minMax"` to [0, 1]; a constant
   * column is only shifted. `{ type: "range", min, max }` maps [min, max] to [0, 1] and is not fitted. Inputs and
   * reconstructions are in the units of the data. Losses and `reconstructionErrors` are in scaled units, where all
   * columns have the same weight. Default: none.
   */
  scaler?: ScalerSpec;
  /**
   * What NaN in data means. `"error"` (default): training throws, and in inference the results are NaN. `"mean"`: the
   * column's mean replaces it in the input and in the target. `"mask"`: the column's mean replaces it in the input, and
   * in the target it does not count. Losses are then means over the known values.
   */
  missing?: MissingMode;
  /** Seed of initialization, shuffling, dropout and noise: a whole number of at least 0. Default 42. */
  seed?: number;
  /**
   * How training computes the gradient. `"gram"` avoids the reconstruction, where the output is linear, the loss is mse
   * and the target is the input. That is less work for large batches, and slightly less precise. `"auto"` (default) does
   * this only where it is faster and precise enough. `"direct"` never does it.
   */
  gradient?: GradientMode;
  /** Which build of the core to run. Default `"auto"`. `"baseline"` gives the same bits everywhere. */
  simd?: Simd;
  /** The core's module, for hosts that must supply it themselves. Default: the package loads its own. */
  wasm?: NonNullable<ThreadedCoreOptions["wasm"]>;
  /**
   * The number of threads that share the work of a call, including the caller's thread: 1 to 16, or `"auto"` for the
   * number of processors, up to 4. Results are bit-identical. Default 1. More than one needs `create` or `load`.
   */
  threads?: NonNullable<ThreadedCoreOptions["threads"]>;
  /**
   * Starts a worker on the module `tied-autoencoder/thread-worker`, for pages whose policy forbids blobs. Default: the
   * package starts its own workers.
   */
  createWorker?: NonNullable<ThreadedCoreOptions["createWorker"]>;
  /** Called when threads are unavailable. Default: one warning on the console, and no warning for `"auto"`. */
  onWarning?: NonNullable<ThreadedCoreOptions["onWarning"]>;
}

/** A configuration with every default filled in, as in `model.config` and in files. */
export interface ResolvedConfig {
  /** Units from the input to the code. */
  readonly layers: readonly number[];
  /** One activation per layer, from input to code. */
  readonly encoderActivations: readonly ActivationConfig[];
  /** One activation per layer, from code to output. */
  readonly decoderActivations: readonly ActivationConfig[];
  /** Whether the encoder has biases. */
  readonly bias: boolean;
  /** Whether the decoder has biases. */
  readonly decoderBias: boolean;
  /** The loss with its options. */
  readonly loss: LossConfig;
  /** The optimizer with its options. */
  readonly optimizer: OptimizerConfig;
  /** The initializer of the weights. */
  readonly initializer: InitializerName;
  /** The code with its options. */
  readonly code: CodeConfig;
  /** The penalties with their options. */
  readonly penalties: readonly PenaltyConfig[];
  /** The constraint with its options. Default: absent, when there is no constraint. */
  readonly constraint?: ConstraintConfig;
  /** Probability that training drops an output of a hidden layer. */
  readonly dropout: number;
  /** Factor on the sum of absolute weights. */
  readonly l1: number;
  /** Factor on the sum of squared weights. */
  readonly l2: number;
  /** The scaler with its options. Default: absent, when nothing is scaled. */
  readonly scaler?: ScalerConfig;
  /** What NaN in data means. */
  readonly missing: MissingMode;
  /** Seed of all randomness. */
  readonly seed: number;
  /** How training computes the gradient. */
  readonly gradient: GradientMode;
}

/** The keys that configure where a model runs. They are not saved with the model. */
export const runtimeKeys = [
  "simd",
  "wasm",
  "threads",
  "createWorker",
  "onWarning",
] as const satisfies readonly (keyof ThreadedCoreOptions)[];

type ModelKey = Exclude<keyof ModelConfig, (typeof runtimeKeys)[number]>;

const MODEL_KEYS = Object.keys({
  layers: true,
  activation: true,
  outputActivation: true,
  encoderActivations: true,
  decoderActivations: true,
  bias: true,
  decoderBias: true,
  loss: true,
  optimizer: true,
  initializer: true,
  code: true,
  penalties: true,
  constraint: true,
  dropout: true,
  l1: true,
  l2: true,
  scaler: true,
  missing: true,
  seed: true,
  gradient: true,
} satisfies Record<ModelKey, true>);

/** The largest number of layers from the input to the code. Every layer needs some kilobytes, regardless of its units. */
const MOST_LAYERS = 10_000;

/** Checks a configuration and fills in its defaults. The result is frozen. */
export function resolveConfig(config: ModelConfig): ResolvedConfig {
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new InvalidTypeError(
      `The configuration must be an object such as { layers: [784, 128] }; got ${show(config)}.`,
    );
  }
  onlyKeys("The configuration", config, [...MODEL_KEYS, ...runtimeKeys]);
  const layers = resolveLayers(config.layers);
  const depth = layers.length - 1;
  const hidden = resolveActivation("activation", config.activation ?? "relu");
  const output = resolveActivation("outputActivation", config.outputActivation ?? "linear");
  const code = resolveCode(config.code ?? "dense");
  const { isLinear = false } = codes.of(longForm(code));
  const encoders = Array.from({ length: depth }, (_, i) =>
    isLinear && i === depth - 1 ? ("linear" as const) : hidden,
  );
  const mirrored = Array.from({ length: depth }, (_, j) => (j === depth - 1 ? output : hidden));
  const resolved: ResolvedConfig = {
    layers,
    encoderActivations:
      activationList("encoderActivations", config.encoderActivations, depth) ?? encoders,
    decoderActivations:
      activationList("decoderActivations", config.decoderActivations, depth) ?? mirrored,
    bias: boolean("bias", config.bias ?? true),
    decoderBias: boolean("decoderBias", config.decoderBias ?? true),
    loss: resolveLoss(config.loss ?? "mse"),
    optimizer: resolveOptimizer(config.optimizer ?? "adam"),
    initializer: choice("initializer", config.initializer ?? "torchLinear", initializers.names),
    code,
    penalties: penaltyList(config.penalties ?? []),
    ...(config.constraint === undefined
      ? {}
      : { constraint: resolveConstraint(config.constraint) }),
    dropout: fraction("dropout", config.dropout ?? 0),
    l1: finiteNumber("l1", config.l1 ?? 0, 0),
    l2: finiteNumber("l2", config.l2 ?? 0, 0),
    ...(config.scaler === undefined ? {} : { scaler: resolveScaler(config.scaler) }),
    missing: choice("missing", config.missing ?? "error", ["error", "mean", "mask"]),
    seed: wholeNumber("seed", config.seed ?? 42, 0),
    gradient: choice("gradient", config.gradient ?? "auto", ["auto", "direct", "gram"]),
  };
  checkTogether(resolved);
  return deepFreeze(resolved);
}

/** Throws for settings that are valid separately but not together. */
function checkTogether(config: ResolvedConfig): void {
  const names = (list: readonly ActivationConfig[]) => list.map((spec) => activationOp(spec).type);
  const output = names(config.decoderActivations).at(-1);
  const own = lossFunction(config.loss);
  const loss = typeof config.loss === "string" ? config.loss : config.loss.type;
  if (own.output !== undefined && output !== own.output) {
    throw new InvalidValueError(
      `The loss ${show(loss)} needs outputActivation ${show(own.output)}, whose logits it reads; got ${show(output)}.`,
    );
  }
  own.checkWidth?.(config.layers[0] ?? 0);
  const { scaler } = config;
  if (own.categories && scaler !== undefined) {
    throw new InvalidValueError(
      `The loss ${show(loss)} takes the levels of categories as 0 and 1, which a scaler changes. Scale the numbers beforehand.`,
    );
  }
  if (
    own.targetsAreProbabilities &&
    scaler !== undefined &&
    scalers.of(longForm(scaler)).leavesUnitRange
  ) {
    throw new InvalidValueError(
      `The loss ${show(loss)} needs values in [0, 1], which the scaler ${show(longForm(scaler).type)} leaves; take "minMax".`,
    );
  }
  const encoderActivations = names(config.encoderActivations);
  const code = longForm(config.code);
  const shape = {
    encoderActivations,
    code: code.type,
    codeActivation: encoderActivations.at(-1) ?? "linear",
  };
  codes
    .of(code)
    .check?.({ ...shape, layers: config.layers, hasDecoderBias: config.decoderBias }, code);
  for (const penalty of config.penalties) penalties.of(penalty).check?.(shape);
}

/** The options of a configuration that configure where a model runs. They are not saved with the model. */
export function runtimeOptions(config: ModelConfig): ThreadedCoreOptions {
  const given = runtimeKeys.filter((key) => config[key] !== undefined);
  return Object.fromEntries(given.map((key) => [key, config[key]]));
}

function resolveLayers(layers: unknown): readonly number[] {
  if (!Array.isArray(layers)) {
    throw new InvalidTypeError(
      `layers must be an array of units from the input to the code, such as [784, 128]; got ${show(layers)}.`,
    );
  }
  if (layers.length < 2) {
    throw new InvalidValueError(
      `layers needs at least the input's units and the code's, such as [784, 128]; got ${show(layers)}.`,
    );
  }
  if (layers.length - 1 > MOST_LAYERS) {
    throw new InvalidValueError(
      `layers may describe up to ${MOST_LAYERS} layers, each with its weight; got ${layers.length - 1}.`,
    );
  }
  return Array.from(layers, (units, i) => wholeNumber(`layers[${i}]`, units, 1));
}

function activationList(
  where: string,
  list: unknown,
  depth: number,
): ActivationConfig[] | undefined {
  if (list === undefined) return undefined;
  if (!Array.isArray(list)) {
    throw new InvalidTypeError(
      `${where} must be an array with one activation a layer; got ${show(list)}.`,
    );
  }
  if (list.length !== depth) {
    throw new InvalidValueError(
      `${where} must hold ${depth} activations, one a layer; got ${list.length}.`,
    );
  }
  return Array.from(list, (spec, i) => resolveActivation(`${where}[${i}]`, spec));
}

/** `Array.from` makes an ordinary array, whatever the class of the given one. */
function penaltyList(list: unknown): readonly PenaltyConfig[] {
  if (!Array.isArray(list)) {
    throw new InvalidTypeError(`penalties must be an array; got ${show(list)}.`);
  }
  return Array.from(list, (spec, i) => penalties.resolve(`penalties[${i}]`, spec));
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === "object" && inner) deepFreeze(inner);
  return Object.freeze(value);
}
