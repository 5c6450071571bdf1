// The model's configuration: what users write, and what it resolves to. Every name, default and range
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

/** What NaN in data means: see `missing` in the configuration. */
export type MissingMode = "error" | "mean" | "mask";

/** How training finds the gradient; see `gradient` in the configuration. */
export type GradientMode = "auto" | "direct" | "gram";

/** What a model is made of. Only `layers` is required. */
export interface ModelConfig {
  /** Units from the input to the code: `[784, 128]`, `[784, 256, 64]`. Two to 10,001 whole numbers of at least 1. */
  layers: readonly number[];
  /** Activation of every hidden layer on both sides, the code included. Default `"relu"`. */
  activation?: ActivationSpec;
  /** Activation of the reconstruction. Default `"linear"`. */
  outputActivation?: ActivationSpec;
  /** One a layer from input to code; wins over `activation`. Default: `activation` for each. */
  encoderActivations?: readonly ActivationSpec[];
  /** One a layer from code to output; wins over `activation` and `outputActivation`. Default: these. */
  decoderActivations?: readonly ActivationSpec[];
  /** Biases in the encoder. Default true. */
  bias?: boolean;
  /** Biases in the decoder. Default true. */
  decoderBias?: boolean;
  /** The loss, a mean over all elements of a batch. Default `"mse"`. */
  loss?: LossSpec;
  /** The optimizer, by name or with its settings. Default `"adam"` at a learning rate of 1e-3. */
  optimizer?: OptimizerSpec;
  /** How weights start. Default `"torchLinear"`, uniform in ±1/√fan-in like PyTorch's nn.Linear. */
  initializer?: InitializerName;
  /** What the code is: `"dense"` (default), or a sparse or variational one with its options. */
  code?: CodeSpec;
  /** Terms of the training loss beside the reconstruction. Default: none. */
  penalties?: readonly PenaltySpec[];
  /** A condition on the tied weights that holds from the start and after every step. Default: none. */
  constraint?: ConstraintSpec;
  /** Share of every hidden layer's outputs dropped in training, in [0, 1). Default 0. */
  dropout?: number;
  /** Adds l1 · Σ|w| over the weights to the training loss, each tied weight once. Default 0. */
  l1?: number;
  /** Adds l2 · Σw² over the weights to the training loss, each tied weight once. Default 0. */
  l2?: number;
  /**
   * Scales every column, fitted on the training rows of the first `fit` (or by `fitScaler`) and kept
   * from then on: `"standard"` to mean 0 and deviation 1, `"minMax"` to [0, 1]; a column that does not
   * vary is only shifted; `{ type: "range", min, max }` to [0, 1] without looking at data. Rows go in and reconstructions come out in the data's units; losses and
   * `reconstructionErrors` are in scaled units, where every column weighs alike. Default: none.
   */
  scaler?: ScalerSpec;
  /**
   * What NaN in data means. `"error"` (default): training refuses it, inference passes it through.
   * `"mean"`: the column's mean takes its place, as input and as target. `"mask"`: the same as input, but
   * as a target it does not count: losses are means over the values that are there.
   */
  missing?: MissingMode;
  /** Seed of initialisation, shuffles, dropout and noise: a whole number. Default 42. */
  seed?: number;
  /**
   * How training finds the gradient. `"gram"` leaves out the reconstruction where the output is linear,
   * the loss is mse and the target is the input: less work at large batches, a little less precise.
   * `"auto"` (default) does so where it pays and is precise; `"direct"` never does.
   */
  gradient?: GradientMode;
  /** Which build of the core runs. Default `"auto"`; `"baseline"` gives the same bits everywhere. */
  simd?: Simd;
  /** The core's module, for hosts that must supply it themselves. Default: the package loads its own. */
  wasm?: NonNullable<ThreadedCoreOptions["wasm"]>;
  /**
   * Threads that share a call's work, the caller's included: 1 to 16, or `"auto"` for what the machine
   * has, up to 4. Results are bit-identical. Default 1. Needs `create` or `load`.
   */
  threads?: NonNullable<ThreadedCoreOptions["threads"]>;
  /**
   * Starts a worker on the module `tied-autoencoder/thread-worker`, where a page's policy forbids blobs. Default: the
   * package starts its own.
   */
  createWorker?: NonNullable<ThreadedCoreOptions["createWorker"]>;
  /** Called when threads are unavailable. Default: a warning on the console, once, and none for `"auto"`. */
  onWarning?: NonNullable<ThreadedCoreOptions["onWarning"]>;
}

/** A configuration with every default filled in: what `model.config` shows and files carry. */
export interface ResolvedConfig {
  /** Units from the input to the code. */
  readonly layers: readonly number[];
  /** One a layer, from input to code. */
  readonly encoderActivations: readonly ActivationConfig[];
  /** One a layer, from code to output. */
  readonly decoderActivations: readonly ActivationConfig[];
  /** Whether the encoder has biases. */
  readonly bias: boolean;
  /** Whether the decoder has biases. */
  readonly decoderBias: boolean;
  /** The loss with its options. */
  readonly loss: LossConfig;
  /** The optimizer with its options. */
  readonly optimizer: OptimizerConfig;
  /** How weights start. */
  readonly initializer: InitializerName;
  /** The code with its options. */
  readonly code: CodeConfig;
  /** The penalties with their options. */
  readonly penalties: readonly PenaltyConfig[];
  /** The constraint with its options. Default: absent, when weights are free. */
  readonly constraint?: ConstraintConfig;
  /** Share of the outputs of hidden layers that training drops. */
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
  /** How training finds the gradient. */
  readonly gradient: GradientMode;
}

/** The keys that say where a model runs; they are not saved with it. */
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

/** Layers from the input to the code. Every layer takes some kilobytes and microseconds, whatever its units. */
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

/** Throws for settings that are right by themselves and wrong together. */
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

/** The runtime half of a configuration: what is not part of the model and not saved with it. */
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
  return layers.map((units, i) => wholeNumber(`layers[${i}]`, units, 1));
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
  return list.map((spec, i) => resolveActivation(`${where}[${i}]`, spec));
}

function penaltyList(list: unknown): readonly PenaltyConfig[] {
  if (!Array.isArray(list)) {
    throw new InvalidTypeError(`penalties must be an array; got ${show(list)}.`);
  }
  return list.map((spec, i) => penalties.resolve(`penalties[${i}]`, spec));
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === "object" && inner) deepFreeze(inner);
  return Object.freeze(value);
}
