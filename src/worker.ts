// `tied-autoencoder/worker`: the model in a worker of its own, so that a page stays at 60 frames a second
// while it trains. Needs no shared memory. Importing it starts nothing.

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
export type { ModelConfig, ResolvedConfig } from "./model/config.ts";
export type { MatrixInput } from "./model/data/input.ts";
export type { NamedWeight, NamedWeights } from "./model/exchange/named-weights.ts";
export type { RuntimeOptions } from "./model/make.ts";
export type { EpochRecord, FitOptions, StepRecord } from "./model/training/fit-options.ts";
export type { History } from "./model/training/trainer.ts";
export { TiedAutoencoder, type TransferOptions, type WorkerOptions } from "./worker/model.ts";
export type { WorkerLike } from "./worker/start.ts";
