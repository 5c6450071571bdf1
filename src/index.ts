// What `import … from "tied-autoencoder"` gives. Importing it compiles, fetches and spawns nothing.

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
export { type RuntimeOptions, TiedAutoencoder } from "./model/autoencoder.ts";
export { averageWeights } from "./model/averaging.ts";
export type { BatchInput, BatchStream } from "./model/batches.ts";
export type {
  ActivationName,
  ActivationSpec,
  LossName,
  LossSpec,
  ModelConfig,
  ResolvedConfig,
} from "./model/config.ts";
export type { CorruptionSpec } from "./model/corruption.ts";
export type { EarlyStoppingOptions } from "./model/early-stopping.ts";
export type {
  AbortSignalLike,
  EpochRecord,
  FitOptions,
  StepRecord,
} from "./model/fit-options.ts";
export type { InitializerName } from "./model/initializers.ts";
export type { MatrixInput } from "./model/input.ts";
export type { NamedWeight, NamedWeights } from "./model/named-weights.ts";
export type { OnnxOptions, OnnxPart } from "./model/onnx.ts";
export type { OptimizerConfig, OptimizerName, OptimizerSpec } from "./model/optimizers.ts";
export type { MissingMode, ScalerName } from "./model/preparation.ts";
export {
  MinMaxScaler,
  type MinMaxScalerOptions,
  StandardScaler,
  type StandardScalerOptions,
} from "./model/scalers.ts";
export type { RateFunction, ScheduleSpec } from "./model/schedules.ts";
export { fromStateDict, type StateDictOptions } from "./model/state-dict.ts";
export type { History } from "./model/trainer.ts";
