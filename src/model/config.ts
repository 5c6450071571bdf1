// The model's configuration: what users write, and what it resolves to. Every name, default and range
// is checked here, once, before anything is compiled or reserved.

import { Activation, Loss } from "../../assembly/ops.ts";
import {
  boolean,
  choice,
  finiteNumber,
  fraction,
  nameAndOptions,
  onlyKeys,
  positiveNumber,
  wholeNumber,
} from "../checks.ts";
import type { Simd } from "../core/load.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { ThreadedCoreOptions } from "../threads/options.ts";
import { type InitializerName, initializerNames } from "./initial/initializers.ts";
import { type OptimizerConfig, type OptimizerSpec, resolveOptimizer } from "./optimizers.ts";

export type ActivationName = keyof typeof Activation;
export type LossName = keyof typeof Loss;

/** An activation by name, or with its parameter: `slope` (default 0.01) or `alpha` (default 1). */
export type ActivationSpec =
  | ActivationName
  | { type: "leakyRelu"; slope?: number }
  | { type: "elu"; alpha?: number }
  | { type: Exclude<ActivationName, "leakyRelu" | "elu"> };

/** A loss by name, or with its parameter: `delta` or `beta` (default 1). */
export type LossSpec =
  | LossName
  | { type: "huber"; delta?: number }
  | { type: "smoothL1"; beta?: number }
  | { type: Exclude<LossName, "huber" | "smoothL1"> };

/** An op as the kernels take it, beside the form that `config` shows. */
export interface ResolvedOp<Name extends string> {
  readonly type: Name;
  readonly code: number;
  /** The kernel's one parameter: slope, alpha, delta or beta; 0 where the op has none. */
  readonly parameter: number;
}

/** Built-in scaling: `"standard"` to mean 0 and deviation 1, `"minMax"` to [0, 1], column by column. */
export type ScalerName = "standard" | "minMax";

/** What NaN in data means: see `missing` in the configuration. */
export type MissingMode = "error" | "mean" | "mask";

/** How training finds the gradient; see `gradient` in the configuration. */
export type GradientMode = "auto" | "direct" | "gram";

export interface ModelConfig {
  /** Units from the input to the code: `[784, 128]`, `[784, 256, 64]`. At least two whole numbers. */
  layers: readonly number[];
  /** Activation of every hidden layer on both sides, the code included. Default `"relu"`. */
  activation?: ActivationSpec;
  /** Activation of the reconstruction. Default `"linear"`. */
  outputActivation?: ActivationSpec;
  /** One a layer from input to code; wins over `activation`. */
  encoderActivations?: readonly ActivationSpec[];
  /** One a layer from code to output; wins over `activation` and `outputActivation`. */
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
  /** Share of every hidden layer's outputs dropped in training, in [0, 1). Default 0. */
  dropout?: number;
  /** Adds l1 · Σ|w| over the weights to the training loss, each tied weight once. Default 0. */
  l1?: number;
  /** Adds l2 · Σw² over the weights to the training loss, each tied weight once. Default 0. */
  l2?: number;
  /**
   * Scales every column, fitted on the training rows of the first `fit` (or by `fitScaler`) and kept
   * from then on: `"standard"` to mean 0 and deviation 1, `"minMax"` to [0, 1]; a column that does not
   * vary is only shifted. Rows go in and reconstructions come out in the data's units; losses and
   * `reconstructionErrors` are in scaled units, where every column weighs alike. Default: none.
   */
  scaler?: ScalerName;
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
  /** The core's module, for hosts that must supply it themselves. */
  wasm?: NonNullable<ThreadedCoreOptions["wasm"]>;
  /**
   * Threads that share a call's work, the caller's included: 1 to 16, or `"auto"` for what the machine
   * has, up to 4. Results are the same to the bit. Default 1. Needs `create` or `load`.
   */
  threads?: NonNullable<ThreadedCoreOptions["threads"]>;
  /** Starts a worker on the module `tied-autoencoder/thread-worker`, where a page's policy forbids blobs. */
  createWorker?: NonNullable<ThreadedCoreOptions["createWorker"]>;
  /** Hears that threads cannot be had. Default: the console, once, and not for `"auto"`. */
  onWarning?: NonNullable<ThreadedCoreOptions["onWarning"]>;
}

/** A configuration with every default filled in: what `model.config` shows and files carry. */
export interface ResolvedConfig {
  readonly layers: readonly number[];
  readonly encoderActivations: readonly ActivationSpec[];
  readonly decoderActivations: readonly ActivationSpec[];
  readonly bias: boolean;
  readonly decoderBias: boolean;
  readonly loss: LossSpec;
  readonly optimizer: OptimizerConfig;
  readonly initializer: InitializerName;
  readonly dropout: number;
  readonly l1: number;
  readonly l2: number;
  /** Absent when nothing is scaled. */
  readonly scaler?: ScalerName;
  readonly missing: MissingMode;
  readonly seed: number;
  readonly gradient: GradientMode;
}

const MODEL_KEYS = [
  "layers",
  "activation",
  "outputActivation",
  "encoderActivations",
  "decoderActivations",
  "bias",
  "decoderBias",
  "loss",
  "optimizer",
  "initializer",
  "dropout",
  "l1",
  "l2",
  "scaler",
  "missing",
  "seed",
  "gradient",
];
export const runtimeKeys = ["simd", "wasm", "threads", "createWorker", "onWarning"] as const;

export const activationNames = enumNames<ActivationName>(Activation);
export const lossNames = enumNames<LossName>(Loss);

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
  const hidden = activationSpec("activation", config.activation ?? "relu");
  const output = activationSpec("outputActivation", config.outputActivation ?? "linear");
  const mirrored = Array.from({ length: depth }, (_, j) => (j === depth - 1 ? output : hidden));
  const resolved: ResolvedConfig = {
    layers,
    encoderActivations:
      activationList("encoderActivations", config.encoderActivations, depth) ??
      new Array(depth).fill(hidden),
    decoderActivations:
      activationList("decoderActivations", config.decoderActivations, depth) ?? mirrored,
    bias: boolean("bias", config.bias ?? true),
    decoderBias: boolean("decoderBias", config.decoderBias ?? true),
    loss: lossSpec(config.loss ?? "mse"),
    optimizer: resolveOptimizer(config.optimizer ?? "adam"),
    initializer: choice("initializer", config.initializer ?? "torchLinear", initializerNames),
    dropout: fraction("dropout", config.dropout ?? 0),
    l1: finiteNumber("l1", config.l1 ?? 0, 0),
    l2: finiteNumber("l2", config.l2 ?? 0, 0),
    ...(config.scaler === undefined
      ? {}
      : { scaler: choice("scaler", config.scaler, ["standard", "minMax"]) }),
    missing: choice("missing", config.missing ?? "error", ["error", "mean", "mask"]),
    seed: wholeNumber("seed", config.seed ?? 42, 0),
    gradient: choice("gradient", config.gradient ?? "auto", ["auto", "direct", "gram"]),
  };
  const outputName = opName(resolved.decoderActivations.at(-1) as ActivationSpec);
  if (opName(resolved.loss) === "bce" && outputName !== "sigmoid") {
    throw new InvalidValueError(
      `The loss "bce" needs outputActivation "sigmoid", whose logits it reads; got ${show(outputName)}.`,
    );
  }
  if (opName(resolved.loss) === "bce" && resolved.scaler === "standard") {
    throw new InvalidValueError(
      'The loss "bce" needs values in [0, 1], which the scaler "standard" leaves; take "minMax".',
    );
  }
  return deepFreeze(resolved);
}

/** The runtime half of a configuration: what is not part of the model and not saved with it. */
export function runtimeOptions(config: ModelConfig): ThreadedCoreOptions {
  const given = runtimeKeys.filter((key) => config[key] !== undefined);
  return Object.fromEntries(given.map((key) => [key, config[key]]));
}

/** The kernels' view of a resolved activation. */
export function activationOp(spec: ActivationSpec): ResolvedOp<ActivationName> {
  const type = opName(spec);
  const options = typeof spec === "string" ? {} : (spec as { slope?: number; alpha?: number });
  return { type, code: Activation[type], parameter: options.slope ?? options.alpha ?? 0 };
}

/** The kernels' view of a resolved loss. */
export function lossOp(spec: LossSpec): ResolvedOp<LossName> {
  const type = opName(spec);
  const options = typeof spec === "string" ? {} : (spec as { delta?: number; beta?: number });
  return { type, code: Loss[type], parameter: options.delta ?? options.beta ?? 0 };
}

function opName<Name extends string>(spec: Name | { type: Name }): Name {
  return typeof spec === "string" ? spec : spec.type;
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
  return layers.map((units, i) => wholeNumber(`layers[${i}]`, units, 1));
}

function activationList(where: string, list: unknown, depth: number): ActivationSpec[] | undefined {
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
  return list.map((spec, i) => activationSpec(`${where}[${i}]`, spec));
}

/** Checks an activation and fills in its parameter. */
export function activationSpec(where: string, spec: unknown): ActivationSpec {
  const { type, options } = nameAndOptions(where, spec, activationNames);
  if (type === "leakyRelu") {
    onlyKeys(where, options, ["type", "slope"]);
    return { type, slope: finiteNumber(`${where}.slope`, options.slope ?? 0.01) };
  }
  if (type === "elu") {
    onlyKeys(where, options, ["type", "alpha"]);
    return { type, alpha: finiteNumber(`${where}.alpha`, options.alpha ?? 1) };
  }
  onlyKeys(where, options, ["type"]);
  return type;
}

/** Checks a loss and fills in its parameter. */
export function lossSpec(spec: unknown): LossSpec {
  const { type, options } = nameAndOptions("loss", spec, lossNames);
  if (type === "huber") {
    onlyKeys("loss", options, ["type", "delta"]);
    return { type, delta: positiveNumber("loss.delta", options.delta ?? 1) };
  }
  if (type === "smoothL1") {
    onlyKeys("loss", options, ["type", "beta"]);
    return { type, beta: positiveNumber("loss.beta", options.beta ?? 1) };
  }
  onlyKeys("loss", options, ["type"]);
  return type;
}

function enumNames<Name extends string>(codes: object): readonly Name[] {
  return Object.keys(codes).filter((key) => Number.isNaN(Number(key))) as Name[];
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === "object" && inner) deepFreeze(inner);
  return Object.freeze(value);
}
