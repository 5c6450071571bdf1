// The model in a worker: the calls of TiedAutoencoder, each of which returns a promise. Results are transferred. Arguments
// are copied, unless the data were sent before with `send`, or the call has { transfer: true }, which transfers their
// buffers and leaves the caller's arrays empty.

import type { OwnBytes, OwnFloats } from "../arrays.ts";
import { finiteNumber } from "../checks.ts";
import type { Build } from "../core/load.ts";
import type { MatrixInput } from "../data/rows.ts";
import { InvalidStateError, InvalidTypeError } from "../errors.ts";
import { bytesOfFile, type ModelBytes } from "../exchange/model-bytes.ts";
import type { NamedWeights } from "../exchange/named-weights.ts";
import type { OnnxOptions } from "../exchange/onnx.ts";
import type { RuntimeOptions } from "../make.ts";
import type { ModelConfig, ResolvedConfig } from "../model/config.ts";
import type { SparseCodes } from "../model/sparse-codes.ts";
import type { CodeDistribution } from "../model/variational.ts";
import { disposeKey } from "../platform/dispose.ts";
import type { FitOptions, StepRecord } from "../training/fit-options.ts";
import type { LayerwiseOptions, PcaOptions } from "../training/layerwise.ts";
import type { RateFunction } from "../training/schedules/function.ts";
import type { ScheduleSpec } from "../training/schedules/index.ts";
import type { History } from "../training/trainer.ts";
import {
  cloneable,
  split,
  type TransferOptions,
  WorkerCalls,
  type WorkerOptions,
  whileWatching,
} from "./calls.ts";
import type { ModelState } from "./messages.ts";
import type { SentData } from "./sent-data.ts";

/** The program of the worker. scripts/build-js.mjs defines it. */
declare const WORKER_PROGRAM: string;

/** A matrix for a call: any `MatrixInput`, or the result of `send`. */
export type WorkerMatrix = MatrixInput | SentData;

/** A model's configuration without the options that cannot be sent to a worker. */
export type WorkerModelConfig = Omit<ModelConfig, "createWorker" | "onWarning">;

/** The options that configure where a loaded model runs, without those that cannot be sent to a worker. */
export type WorkerRuntimeOptions = Omit<RuntimeOptions, "createWorker" | "onWarning">;

/** The options of `fit` in a worker. The only functions are callbacks. Data may have been sent before. */
export interface WorkerFitOptions
  extends Omit<FitOptions, "schedule" | "target" | "validationData"> {
  /** The schedule of the learning rate. For a function, set `learningRate` in `onStep` instead. Default: no schedule. */
  schedule?: Exclude<ScheduleSpec, RateFunction | { type: "function"; rate: RateFunction }>;
  /** The target instead of `x`, with a row for every row of `x`. Default: `x`. */
  target?: WorkerMatrix;
  /** Rows to evaluate on after every epoch, or `{ x, target }`. Default: none. */
  validationData?: WorkerMatrix | { readonly x: WorkerMatrix; readonly target?: WorkerMatrix };
}

/**
 * A TiedAutoencoder in its own worker. Every call is asynchronous, and calls run in order. While `fit` runs, calls that only
 * read are answered between its steps. Shapes, defaults and errors are those of `TiedAutoencoder` in `tied-autoencoder`.
 * Every promise also rejects with a DisposedError after `dispose`, with an InvalidTypeError for arguments that cannot be
 * sent or whose buffers are detached, and with an UnsupportedHostError if the worker dies.
 */
export class TiedAutoencoder {
  readonly #calls: WorkerCalls;
  #state: ModelState = { stepCount: 0, learningRate: 0, byteLength: 0, threads: 1 };
  #config: ResolvedConfig | undefined;
  #build: Build | undefined;

  private constructor(program: string, options: WorkerOptions) {
    if (program !== WORKER_PROGRAM) {
      throw new InvalidTypeError(
        "A model is not made with new. Use await TiedAutoencoder.create({ layers: [784, 128] }), or load.",
      );
    }
    const gone = "This model was disposed; its worker is gone.";
    this.#calls = new WorkerCalls(this, program, options, gone, (state) => {
      this.#state = { ...this.#state, ...state };
    });
  }

  /**
   * Starts a worker and makes a model with new initial weights in it.
   * @param config as in TiedAutoencoder.create. If `wasm` is a promise or a function, it is resolved in this thread.
   * @throws (rejects) the errors of TiedAutoencoder.create. UnsupportedHostError if the worker cannot start, does not
   * report, or runs another program.
   */
  static async create(
    config: WorkerModelConfig,
    options: WorkerOptions = {},
  ): Promise<TiedAutoencoder> {
    const sent = await cloneable(config);
    return new TiedAutoencoder(WORKER_PROGRAM, options).#open("create", [sent]);
  }

  /**
   * Starts a worker and loads a model in it from a file that `save` wrote: bytes, a Blob, a File, a Response, or a promise
   * of one of these. The bytes are copied.
   * @throws (rejects) as `create`. FormatError for a file that is not a model. InvalidValueError for a response that is not
   * ok.
   */
  static async load(
    file: ModelBytes | PromiseLike<ModelBytes>,
    runtime: WorkerRuntimeOptions = {},
    options: WorkerOptions = {},
  ): Promise<TiedAutoencoder> {
    const [bytes, sent] = await Promise.all([bytesOfFile(await file), cloneable(runtime)]);
    return new TiedAutoencoder(WORKER_PROGRAM, options).#open("load", [bytes, sent]);
  }

  async #open(call: string, args: unknown[]): Promise<TiedAutoencoder> {
    try {
      const made = (await this.#calls.call(call, args)) as { config: ResolvedConfig; build: Build };
      this.#config = made.config;
      this.#build = made.build;
      return this;
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** The configuration with every default filled in. Read-only. */
  get config(): ResolvedConfig {
    return this.#config as ResolvedConfig;
  }

  /** The build of the core. `"baseline"` gives the same bits on every host. */
  get build(): Build {
    return this.#build as Build;
  }

  /** The number of optimizer steps taken, as of the last answer. */
  get stepCount(): number {
    return this.#state.stepCount;
  }

  /** The WebAssembly memory of the model in bytes, as of the last answer. */
  get byteLength(): number {
    return this.#state.byteLength;
  }

  /** The number of threads that share the work of a call in the worker, as of the last answer. */
  get threads(): number {
    return this.#state.threads;
  }

  /**
   * The losses of the finished epochs of the last `fit` or `fitSteps`, also if it was aborted or failed. Undefined before
   * the first one.
   */
  get lastHistory(): History | undefined {
    return this.#state.lastHistory;
  }

  /** The learning rate, as of the last answer. Setting it takes effect after the current step. */
  get learningRate(): number {
    return this.#state.learningRate;
  }

  set learningRate(value: number) {
    finiteNumber("learningRate", value, 0);
    this.#state = { ...this.#state, learningRate: value };
    this.#calls.call("setLearningRate", [value]).catch(() => {}); // the next call reports a dead worker
  }

  /**
   * Sends a matrix to the worker, which keeps it until `data.release()` or `dispose`. Every call takes the result in place
   * of the matrix, any number of times, without another copy: `const data = await model.send(x); await model.fit(data)`.
   * @param x [rows, columns], in any form that calls take. The call that uses it checks its width.
   */
  async send(x: MatrixInput, options?: TransferOptions): Promise<SentData> {
    return this.#calls.keep(rows("send", x), options);
  }

  /** The codes of the rows of `x`: [rows, layers[0]] → [rows, code units]. NaN in a row gives NaN in its code. */
  encode(x: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats>;
  /** The same codes as lists of the kept units. Only for sparse codes. */
  encode(x: WorkerMatrix, options: TransferOptions & { sparse: true }): Promise<SparseCodes>;
  encode(x: WorkerMatrix, options: TransferOptions & { sparse?: boolean } = {}) {
    const { transfer = false, ...settings } = options;
    return this.#calls.send<never>("encode", [x, settings], { transfer });
  }

  /** Reconstructions from codes [rows, code units] → [rows, layers[0]]. */
  decode(code: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats> {
    return this.#calls.send("decode", [code], options);
  }

  /** `decode(encode(x))` in one pass: [rows, layers[0]] → the same shape. */
  reconstruct(x: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats> {
    return this.#calls.send("reconstruct", [x], options);
  }

  /**
   * The mean squared error of each row's reconstruction → [rows]. It is in scaled units if the model has a scaler. This is
   * the usual anomaly score.
   */
  reconstructionErrors(x: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats> {
    return this.#calls.send("reconstructionErrors", [x], options);
  }

  /** The squared error of each element's reconstruction → [rows, layers[0]]. Units as in `reconstructionErrors`. */
  featureErrors(x: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats> {
    return this.#calls.send("featureErrors", [x], options);
  }

  /** The mean of the configured loss over all elements, without penalties. `target` defaults to `x`. */
  evaluate(x: WorkerMatrix, target?: WorkerMatrix, options?: TransferOptions): Promise<number> {
    return this.#calls.send("evaluate", [x, target], options);
  }

  /**
   * The distributions of the codes of `x`: means and logarithms of variances, each [rows, code units].
   * @throws (rejects) InvalidStateError unless the code is gaussian.
   */
  encodeDistribution(x: WorkerMatrix, options?: TransferOptions): Promise<CodeDistribution> {
    return this.#calls.send("encodeDistribution", [x], options);
  }

  /**
   * Reconstructions of `count` codes drawn from the prior → [count, layers[0]]. The codes depend on `seed` (default: the
   * model's seed).
   * @throws (rejects) InvalidStateError unless the code is gaussian.
   */
  sample(count: number, options?: { seed?: number }): Promise<OwnFloats> {
    return this.#calls.send("sample", [count, options]);
  }

  /**
   * The negative evidence lower bound of each row in nats → [rows], with `samples` (default 1) codes per row drawn with
   * `seed` (default: the model's seed).
   * @throws (rejects) InvalidStateError unless the code is gaussian.
   */
  negativeElbo(
    x: WorkerMatrix,
    options: { samples?: number; seed?: number } & TransferOptions = {},
  ): Promise<Float64Array> {
    const { transfer = false, ...settings } = options;
    return this.#calls.send("negativeElbo", [x, settings], { transfer });
  }

  /**
   * The units that were not active for `auxiliary.deadAfter` rows of training (default 10,000,000).
   * @throws (rejects) InvalidStateError unless the code is sparse.
   */
  deadUnits(): Promise<number[]> {
    return this.#calls.send("deadUnits", []);
  }

  /**
   * The threshold of the code, as of the last answer: inference keeps values above it. 0 before training.
   * @throws InvalidStateError unless the code is "batchTopK".
   */
  get codeThreshold(): number {
    const { codeThreshold } = this.#state;
    if (codeThreshold !== undefined) return codeThreshold;
    throw new InvalidStateError('codeThreshold belongs to a code of type "batchTopK".');
  }

  /**
   * Learns the statistics for `scaler` and `missing` from the rows of `x`. `fit` does this with its training rows, if it was
   * not done before.
   */
  fitScaler(x: WorkerMatrix, options?: TransferOptions): Promise<void> {
    return this.#calls.send("fitScaler", [x], options);
  }

  /** Computes initial weights and biases from the rows of `x`: by principal components, or by layer-wise pretraining. */
  async initializeFrom(
    x: WorkerMatrix,
    method: PcaOptions | LayerwiseOptions,
    options?: TransferOptions,
  ): Promise<void> {
    const { signal, transfer, sent } = split({ ...method, ...options }, []);
    if (signal?.aborted) throw signal.reason;
    const id = this.#calls.next;
    await whileWatching(
      signal,
      () => this.#calls.abort(id),
      () => this.#calls.call("initializeFrom", [x, sent], transfer),
    );
  }

  /**
   * Trains on the rows of `x`. Callbacks run in this thread, and the worker waits for each. An abort takes effect after the
   * current step. A stream cannot be sent: send its batches with trainOnBatch.
   * @throws (rejects) DivergenceError when the loss is not finite. `signal.reason` after an abort. `lastHistory` has the
   * finished epochs.
   */
  async fit(x: WorkerMatrix, options: WorkerFitOptions & TransferOptions = {}): Promise<History> {
    const { signal, transfer, sent, callbacks } = split(options, ["onStep", "onEpoch"]);
    if (signal?.aborted) throw signal.reason;
    const id = this.#calls.next;
    return whileWatching(
      signal,
      () => this.#calls.abort(id),
      async () => {
        return (await this.#calls.call(
          "fit",
          [rows("fit", x), sent],
          transfer,
          callbacks,
        )) as History;
      },
    );
  }

  /**
   * `fit` as an async iterator of step records. Each record is one message. Leaving the loop ends training. Options and rows
   * are checked when the first record is requested.
   */
  async *fitSteps(
    x: WorkerMatrix,
    options: WorkerFitOptions & TransferOptions = {},
  ): AsyncGenerator<StepRecord, History> {
    const { signal, transfer, sent, callbacks } = split(options, ["onStep", "onEpoch"]);
    const run = this.#calls.next;
    await this.#calls.call("startSteps", [rows("fit", x), sent], transfer, callbacks);
    this.#calls.running.set(run, callbacks);
    try {
      for (;;) {
        if (signal?.aborted) throw signal.reason;
        const next = (await whileWatching(
          signal,
          () => this.#calls.abort(run),
          () => this.#calls.call("nextStep", [run], false, callbacks),
        )) as IteratorResult<StepRecord, History>;
        if (next.done) return next.value;
        yield next.value;
      }
    } finally {
      this.#calls.running.delete(run);
      if (this.#calls.isOpen) await this.#calls.call("endSteps", [run]);
    }
  }

  /**
   * Takes one optimizer step on a batch. Resolves with the loss before the update, including penalties. `target` defaults to
   * `x`. Accumulated gradients are discarded.
   * @throws (rejects) DivergenceError when the loss is not finite. The weights are then unchanged.
   */
  trainOnBatch(x: WorkerMatrix, target?: WorkerMatrix, options?: TransferOptions): Promise<number> {
    return this.#calls.send("trainOnBatch", [x, target], options);
  }

  /**
   * Runs a forward and a backward pass over a batch. Adds `scale` (default 1) times the gradient of its mean loss and of the
   * penalties to the accumulated gradients. Resolves with that loss, including penalties.
   */
  accumulateGradients(
    x: WorkerMatrix,
    target?: WorkerMatrix,
    options: { scale?: number } & TransferOptions = {},
  ): Promise<number> {
    const { transfer = false, ...settings } = options;
    return this.#calls.send("accumulateGradients", [x, target, settings], { transfer });
  }

  /** Adds `scale` (default 1) times the given gradients to the accumulated gradients. All names must be present. */
  addGradients(
    gradients: NamedWeights,
    options: { scale?: number } & TransferOptions = {},
  ): Promise<void> {
    const { transfer = false, ...settings } = options;
    return this.#calls.send("addGradients", [gradients, settings], { transfer });
  }

  /** The accumulated gradients by parameter name, before clipping and weight decay. */
  gradients(): Promise<NamedWeights> {
    return this.#calls.send("gradients", []);
  }

  /** Takes one optimizer step with the accumulated gradients, and discards them. */
  applyGradients(): Promise<void> {
    return this.#calls.send("applyGradients", []);
  }

  /** Discards the accumulated gradients. */
  zeroGradients(): Promise<void> {
    return this.#calls.send("zeroGradients", []);
  }

  /** All parameters by name. Each tied weight appears once. */
  weights(): Promise<NamedWeights> {
    return this.#calls.send("weights", []);
  }

  /** Replaces every parameter. All names must be present, and no others. The optimizer's state does not change. */
  setWeights(weights: NamedWeights, options?: TransferOptions): Promise<void> {
    return this.#calls.send("setWeights", [weights], options);
  }

  /** The model as a safetensors file. With `optimizer`, training can resume with bit-identical results. */
  save(options?: { optimizer?: boolean }): Promise<OwnBytes> {
    return this.#calls.send("save", [options]);
  }

  /** The model as an ONNX file, or with `part` one half of it. */
  toOnnx(options?: OnnxOptions): Promise<OwnBytes> {
    return this.#calls.send("toOnnx", [options]);
  }

  /** The model as a readable table. */
  summary(): Promise<string> {
    return this.#calls.send("summary", []);
  }

  /** Ends the worker. Running and later calls reject. */
  dispose(): void {
    this.#calls.end();
  }

  /** The same as `dispose`, for `using`. */
  [disposeKey](): void {
    this.dispose();
  }
}

function rows(call: string, x: WorkerMatrix): WorkerMatrix {
  if (typeof x !== "function" && !(Symbol.asyncIterator in Object(x))) return x;
  throw new InvalidTypeError(
    `${call} in a worker takes a matrix, not a stream: send batches with trainOnBatch, or give the stream to a model in this thread.`,
  );
}
