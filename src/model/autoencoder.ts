// The model of the main entry: all that a model does, as methods.

import { carried } from "../core/builds/embedded.ts";
import { Autoencoder } from "./autoencoder-base.ts";
import type { ModelConfig } from "./config.ts";
import { type OnnxOptions, toOnnx } from "./exchange/onnx.ts";
import {
  type Entry,
  freshEngine,
  freshEngineSync,
  loadedEngine,
  type RuntimeOptions,
} from "./make.ts";
import { everyPart } from "./parts-at-once.ts";
import { summary } from "./summary.ts";

const entry: Entry = { carried, parts: () => everyPart };

/**
 * An autoencoder whose decoder multiplies by the transposes of the encoder's weights. Each weight
 * exists once; its gradient is the sum of both uses.
 *
 * Every call is synchronous but `create`, `load`, `fit`, `fitSteps` and `initializeFrom`. Matrices go in as `MatrixInput`
 * and come out as fresh row-major Float32Arrays.
 */
export class TiedAutoencoder extends Autoencoder {
  /**
   * Makes a model with fresh weights.
   * @throws InvalidTypeError, InvalidValueError for a configuration that cannot be; UnsupportedHostError
   * where WebAssembly SIMD is missing or refused; MemoryLimitError when the model does not fit.
   */
  static async create(config: ModelConfig): Promise<TiedAutoencoder> {
    return new TiedAutoencoder(await freshEngine(config, entry));
  }

  /** As `create`, for runtimes that may compile synchronously (Node, workers; not every page). */
  static createSync(config: ModelConfig): TiedAutoencoder {
    return new TiedAutoencoder(freshEngineSync(config, carried, everyPart));
  }

  /**
   * Makes a model from what `save` wrote.
   * @throws FormatError for a file that is truncated, hostile, newer or something else.
   */
  static async load(bytes: Uint8Array, runtime: RuntimeOptions = {}): Promise<TiedAutoencoder> {
    return new TiedAutoencoder(await loadedEngine(bytes, runtime, entry));
  }

  /**
   * The model as an ONNX file (opset 17, float32, any number of rows): `input` → `reconstruction`, or with
   * `part` one half of it, `input` → `code` or `code` → `reconstruction`. In the data's units; each tied
   * weight stands once in the file.
   * @throws InvalidStateError when a scaler is configured and has seen no data.
   */
  toOnnx(options?: OnnxOptions): Uint8Array {
    return toOnnx(this, options);
  }

  /** The model as a readable table. */
  summary(): string {
    return summary(this);
  }
}
