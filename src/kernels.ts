// `tied-autoencoder/kernels`: the numerics core without a model. Importing it compiles nothing.

import { onlyKeys, record } from "./checks.ts";
import { Kernels } from "./kernels/kernels.ts";
import { loadThreadedCore } from "./threads/load.ts";
import type { ThreadedCoreOptions } from "./threads/options.ts";

export type { KernelExports } from "./core/generated/exports.ts";
export type { Build, Simd, WasmSource } from "./core/load.ts";
export {
  DisposedError,
  InvalidTypeError,
  InvalidValueError,
  MemoryLimitError,
  UnsupportedHostError,
} from "./errors.ts";
export type { GemmOptions, Kernels, LossOptions, MatrixOptimizer } from "./kernels/kernels.ts";
export type { Matrix } from "./kernels/matrix.ts";
export type { ActivationSpec } from "./layers/activations.ts";
export type { LossSpec } from "./losses/index.ts";
export type { OptimizerConfig, OptimizerSpec } from "./optimizers/index.ts";
export type { ThreadedCoreOptions as CoreOptions } from "./threads/options.ts";

/**
 * Creates the kernels over their own linear memory.
 * @throws (rejects) UnsupportedHostError where WebAssembly SIMD is missing or refused.
 */
export async function createKernels(options: ThreadedCoreOptions = {}): Promise<Kernels> {
  const keys = ["simd", "wasm", "threads", "createWorker", "onWarning"];
  onlyKeys("createKernels", record("createKernels' options", options), keys);
  return new Kernels(await loadThreadedCore(options));
}
