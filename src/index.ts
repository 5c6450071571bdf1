// The exports of `tied-autoencoder`. Importing it compiles, fetches and starts nothing.

export { TiedAutoencoder } from "./autoencoder.ts";
export type { ConstraintName, ConstraintSpec } from "./constraints/index.ts";
export type { MatrixInput, ShapedMatrix } from "./data/rows.ts";
export {
  MinMaxScaler,
  type MinMaxScalerOptions,
  StandardScaler,
  type StandardScalerOptions,
} from "./data/scalers.ts";
export {
  DisposedError,
  DivergenceError,
  InvalidStateError,
  InvalidTypeError,
  InvalidValueError,
  MemoryLimitError,
  UnsupportedHostError,
} from "./errors.ts";
export { averageWeights } from "./exchange/averaging.ts";
export type { ModelBytes } from "./exchange/model-bytes.ts";
export type { NamedWeight, NamedWeights } from "./exchange/named-weights.ts";
export type { OnnxOptions, OnnxPart } from "./exchange/onnx.ts";
export type { StateDictOptions } from "./exchange/state-dict.ts";
export { FormatError } from "./formats/errors.ts";
export { fromStateDict } from "./from-state-dict.ts";
export type { ActivationName, ActivationSpec } from "./layers/activations.ts";
export type { LossName, LossSpec } from "./losses/index.ts";
export type { RuntimeOptions } from "./make.ts";
export type { CodeName, CodeSpec } from "./model/codes.ts";
export type {
  MissingMode,
  ModelConfig,
  ResolvedConfig,
} from "./model/config.ts";
export type { InitializerName } from "./model/initial/initializers.ts";
export type { ScalerConfig, ScalerName, ScalerSpec } from "./model/scalers.ts";
export type { SparseCodes } from "./model/sparse-codes.ts";
export type { CodeDistribution } from "./model/variational.ts";
export type { OptimizerConfig, OptimizerName, OptimizerSpec } from "./optimizers/index.ts";
export type { PenaltyName, PenaltySpec } from "./penalties/index.ts";
export { ThreadError, ThreadsUnavailableWarning } from "./threads/errors.ts";
export type { BatchInput, BatchStream } from "./training/batches.ts";
export type { EarlyStoppingOptions } from "./training/early-stopping.ts";
export type {
  AbortSignalLike,
  EpochRecord,
  FitOptions,
  StepRecord,
} from "./training/fit-options.ts";
export type { LayerwiseOptions, PcaOptions } from "./training/layerwise.ts";
export type { CorruptionSpec } from "./training/noise/index.ts";
export type { RateFunction } from "./training/schedules/function.ts";
export type { ScheduleSpec } from "./training/schedules/index.ts";
export type { History } from "./training/trainer.ts";
