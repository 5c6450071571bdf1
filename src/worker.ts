// `tied-autoencoder/worker`: the model and the detector, each in its own worker, so that a page keeps 60 frames per second
// while it trains. It needs no shared memory. Importing it starts nothing.

export type { MatrixInput } from "./data/rows.ts";
export {
  DisposedError,
  DivergenceError,
  InvalidStateError,
  InvalidTypeError,
  InvalidValueError,
  MemoryLimitError,
  UnsupportedHostError,
} from "./errors.ts";
export type { NamedWeight, NamedWeights } from "./exchange/named-weights.ts";
export { FormatError } from "./formats/errors.ts";
export type { ResolvedConfig } from "./model/config.ts";
export { ThreadError } from "./threads/errors.ts";
export type { EpochRecord, StepRecord } from "./training/fit-options.ts";
export type { History } from "./training/trainer.ts";
export type { TransferOptions, WorkerOptions } from "./worker/calls.ts";
export {
  AnomalyDetector,
  type WorkerDetectorOptions,
  type WorkerRows,
  type WorkerStream,
  type WorkerUpdateOptions,
} from "./worker/detector.ts";
export {
  TiedAutoencoder,
  type WorkerFitOptions,
  type WorkerMatrix,
  type WorkerModelConfig,
  type WorkerRuntimeOptions,
} from "./worker/model.ts";
export { SentData } from "./worker/sent-data.ts";
export type { WorkerLike } from "./worker/start.ts";
