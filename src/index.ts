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
export {
  type NamedWeight,
  type NamedWeights,
  type RuntimeOptions,
  TiedAutoencoder,
} from "./model/autoencoder.ts";
export type {
  ActivationName,
  ActivationSpec,
  LossName,
  LossSpec,
  ModelConfig,
  ResolvedConfig,
} from "./model/config.ts";
export type { InitializerName } from "./model/initializers.ts";
export type { MatrixInput } from "./model/input.ts";
export type { OptimizerConfig, OptimizerName, OptimizerSpec } from "./model/optimizers.ts";
export type {
  AbortSignalLike,
  EpochRecord,
  FitOptions,
  History,
  StepRecord,
} from "./model/trainer.ts";
