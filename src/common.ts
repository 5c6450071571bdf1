// What both "tied-autoencoder" and "tied-autoencoder/slim" give, beside a model of their own.

export {
  DisposedError,
  DivergenceError,
  InvalidStateError,
  InvalidTypeError,
  InvalidValueError,
  MemoryLimitError,
  UnsupportedHostError,
} from "./errors.ts";
export { FormatError } from "./formats/errors.ts";
export type {
  ActivationName,
  ActivationSpec,
  LossName,
  LossSpec,
  MissingMode,
  ModelConfig,
  ResolvedConfig,
  ScalerName,
} from "./model/config.ts";
export type { MatrixInput } from "./model/data/input.ts";
export {
  MinMaxScaler,
  type MinMaxScalerOptions,
  StandardScaler,
  type StandardScalerOptions,
} from "./model/data/scalers.ts";
export { averageWeights } from "./model/exchange/averaging.ts";
export type { NamedWeight, NamedWeights } from "./model/exchange/named-weights.ts";
export type { OnnxOptions, OnnxPart } from "./model/exchange/onnx.ts";
export type { StateDictOptions } from "./model/exchange/state-dict.ts";
export type { InitializerName } from "./model/initial/initializers.ts";
export type { RuntimeOptions } from "./model/make.ts";
export type { OptimizerConfig, OptimizerName, OptimizerSpec } from "./model/optimizers.ts";
export type { BatchInput, BatchStream } from "./model/training/batches.ts";
export type { CorruptionSpec } from "./model/training/corruption.ts";
export type { EarlyStoppingOptions } from "./model/training/early-stopping.ts";
export type {
  AbortSignalLike,
  EpochRecord,
  FitOptions,
  StepRecord,
} from "./model/training/fit-options.ts";
export type { RateFunction, ScheduleSpec } from "./model/training/schedules.ts";
export type { History } from "./model/training/trainer.ts";
export { ThreadError, ThreadsUnavailableWarning } from "./threads/errors.ts";
