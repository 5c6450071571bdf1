// The model behind a worker: the calls of TiedAutoencoder, each answered by a promise. Arrays come back
// by transfer. Arguments are copied, unless the call is given { transfer: true }, which hands their
// buffers over and leaves the caller's arrays empty, or the data were sent before with `send`.

import type { OwnBytes, OwnFloats } from "../arrays.ts";
import { finiteNumber } from "../checks.ts";
import { type Build, loadBuild } from "../core/load.ts";
import type { MatrixInput } from "../data/rows.ts";
import { DisposedError, InvalidStateError, InvalidTypeError } from "../errors.ts";
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
import { prepareArguments } from "./arguments.ts";
import { CALLBACK, type ModelState, type Reply, receivedError } from "./messages.ts";
import { SentData } from "./sent-data.ts";
import { type Channel, openChannel, type WorkerLike } from "./start.ts";

/** How the worker itself is had. */
export interface WorkerOptions {
  /** Makes the worker, of tied-autoencoder/worker-script; for pages whose policy forbids blob: workers. Default: the package makes it. */
  createWorker?: () => WorkerLike;
  /** Milliseconds that the worker may take to say that it runs. Default 10,000. */
  startTimeout?: number;
}

/** How a call's arguments reach the worker. */
export interface TransferOptions {
  /**
   * Hand the arguments' buffers to the worker instead of copying them. The caller's arrays are empty
   * afterwards, and so is every other view of their buffers. Default false.
   */
  transfer?: boolean;
}

/** A matrix for a call: as in this thread, or what `send` returned. */
export type WorkerMatrix = MatrixInput | SentData;

/** A model's configuration without what no worker can be sent. */
export type WorkerModelConfig = Omit<ModelConfig, "createWorker" | "onWarning">;

/** Where a loaded model runs, without what no worker can be sent. */
export type WorkerRuntimeOptions = Omit<RuntimeOptions, "createWorker" | "onWarning">;

/** The options of `fit` in a worker: no functions except the callbacks, and data that may have been sent before. */
export interface WorkerFitOptions
  extends Omit<FitOptions, "schedule" | "target" | "validationData"> {
  /** How the learning rate moves. A function cannot be sent: set `learningRate` in `onStep` instead. Default: it stays. */
  schedule?: Exclude<ScheduleSpec, RateFunction | { type: "function"; rate: RateFunction }>;
  /** What to reproduce instead of `x`, row for row. Default: `x`. */
  target?: WorkerMatrix;
  /** Rows to evaluate on after every epoch, or `{ x, target }`. Default: none. */
  validationData?: WorkerMatrix | { readonly x: WorkerMatrix; readonly target?: WorkerMatrix };
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  readonly callbacks: Callbacks;
}

interface Callbacks {
  readonly byName: Record<string, (record: never) => unknown>;
  /** What a callback threw: the call rejects with that very value. */
  thrown?: { readonly value: unknown };
}

/**
 * A TiedAutoencoder in a worker of its own. Every call is asynchronous and they run in their order; while `fit`
 * runs, reads are answered between its steps. Shapes, defaults and errors are those of the model in this
 * thread; every promise also rejects with a DisposedError after `dispose`, with an InvalidTypeError for
 * arguments that cannot be sent or whose buffers were transferred before, and with an UnsupportedHostError
 * when the worker dies.
 */
export class TiedAutoencoder {
  #channel: Channel | undefined;
  readonly #pending = new Map<number, Pending>();
  readonly #running = new Map<number, Callbacks>();
  #calls = 0;
  #state: ModelState = { stepCount: 0, learningRate: 0, byteLength: 0, threads: 1 };
  #config: ResolvedConfig | undefined;
  #build: Build | undefined;

  private constructor({ createWorker, startTimeout }: WorkerOptions) {
    this.#channel = openChannel(
      createWorker,
      startTimeout,
      (message) => this.#receive(message),
      (error) => this.#end(error),
    );
  }

  /**
   * Starts a worker and makes a model with fresh weights in it.
   * @param config as in this thread; `wasm` may be a promise or a function, which is settled here.
   * @throws (rejects) what TiedAutoencoder.create throws; UnsupportedHostError when the worker cannot start,
   * keeps silent or runs some other program.
   */
  static async create(
    config: WorkerModelConfig,
    options: WorkerOptions = {},
  ): Promise<TiedAutoencoder> {
    const sent = await cloneable(config);
    return new TiedAutoencoder(options).#open("create", [sent]);
  }

  /**
   * Starts a worker and loads a model in it from what `save` wrote: bytes, a Blob, a File, a Response, or a promise of
   * one of these. The bytes are copied.
   * @throws (rejects) FormatError for a file that is no model; InvalidValueError for a response that is not ok; else as
   * `create`.
   */
  static async load(
    file: ModelBytes | PromiseLike<ModelBytes>,
    runtime: WorkerRuntimeOptions = {},
    options: WorkerOptions = {},
  ): Promise<TiedAutoencoder> {
    const [bytes, sent] = await Promise.all([bytesOfFile(await file), cloneable(runtime)]);
    return new TiedAutoencoder(options).#open("load", [bytes, sent]);
  }

  async #open(call: string, args: unknown[]): Promise<TiedAutoencoder> {
    try {
      const made = (await this.#call(call, args)) as { config: ResolvedConfig; build: Build };
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

  /** Which build of the core runs: `"baseline"` gives the same bits on every host. */
  get build(): Build {
    return this.#build as Build;
  }

  /** Optimizer steps taken, as of the last answer. */
  get stepCount(): number {
    return this.#state.stepCount;
  }

  /** Bytes of WebAssembly memory the model holds, as of the last answer. */
  get byteLength(): number {
    return this.#state.byteLength;
  }

  /** Threads that share the work of a call, in the worker, as of the last answer. */
  get threads(): number {
    return this.#state.threads;
  }

  /**
   * Losses of the epochs that the last `fit` or `fitSteps` finished, also of one that was aborted or failed;
   * undefined before the first.
   */
  get lastHistory(): History | undefined {
    return this.#state.lastHistory;
  }

  /** The learning rate, as of the last answer; setting it holds for every step after the one under way. */
  get learningRate(): number {
    return this.#state.learningRate;
  }

  set learningRate(value: number) {
    finiteNumber("learningRate", value, 0);
    this.#state = { ...this.#state, learningRate: value };
    this.#call("setLearningRate", [value]).catch(() => {}); // a dead worker shows at the next call
  }

  /**
   * Sends a matrix to the worker, which keeps it. What is returned takes the matrix's place in every call, any
   * number of times, without another copy: `const data = await model.send(x); await model.fit(data)`.
   * It stays until `data.release()` or `dispose`.
   * @param x [rows, columns], in any form that calls take. Its width is checked by the call that uses it.
   */
  async send(x: MatrixInput, options?: TransferOptions): Promise<SentData> {
    const number = await this.#send<number>("send", [rows("send", x)], options);
    return new SentData(this, number, async (released) => {
      if (this.#channel) await this.#call("release", [released]);
    });
  }

  /** Codes of the rows of `x` [rows, layers[0]] → [rows, code units]. NaN passes through. */
  encode(x: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats>;
  /** The same codes as lists of the units that stayed; for sparse codes only. */
  encode(x: WorkerMatrix, options: TransferOptions & { sparse: true }): Promise<SparseCodes>;
  encode(x: WorkerMatrix, options: TransferOptions & { sparse?: boolean } = {}) {
    const { transfer = false, ...settings } = options;
    return this.#send<never>("encode", [x, settings], { transfer });
  }

  /** Reconstructions from codes [rows, code units] → [rows, layers[0]]. */
  decode(code: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats> {
    return this.#send("decode", [code], options);
  }

  /** `decode(encode(x))` in one pass: [rows, layers[0]] → the same shape. */
  reconstruct(x: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats> {
    return this.#send("reconstruct", [x], options);
  }

  /**
   * Mean squared error of each row's reconstruction → [rows], in scaled units where the model has a
   * scaler. The usual anomaly score.
   */
  reconstructionErrors(x: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats> {
    return this.#send("reconstructionErrors", [x], options);
  }

  /** Squared error of each element's reconstruction → [rows, layers[0]]; units as in `reconstructionErrors`. */
  featureErrors(x: WorkerMatrix, options?: TransferOptions): Promise<OwnFloats> {
    return this.#send("featureErrors", [x], options);
  }

  /** The configured loss over all elements, without penalties; `target` defaults to `x`. */
  evaluate(x: WorkerMatrix, target?: WorkerMatrix, options?: TransferOptions): Promise<number> {
    return this.#send("evaluate", [x, target], options);
  }

  /**
   * The distributions of the codes of `x`: means and logarithms of variances, each [rows, code units].
   * @throws (rejects) InvalidStateError unless the code is gaussian.
   */
  encodeDistribution(x: WorkerMatrix, options?: TransferOptions): Promise<CodeDistribution> {
    return this.#send("encodeDistribution", [x], options);
  }

  /**
   * Reconstructions of `count` codes drawn from the prior → [count, layers[0]]; the same `seed` (default: the
   * model's) draws the same codes.
   * @throws (rejects) InvalidStateError unless the code is gaussian.
   */
  sample(count: number, options?: { seed?: number }): Promise<OwnFloats> {
    return this.#send("sample", [count, options]);
  }

  /**
   * The negative evidence lower bound of each row in nats → [rows], with `samples` (default 1) codes a row drawn
   * with `seed` (default: the model's).
   * @throws (rejects) InvalidStateError unless the code is gaussian.
   */
  negativeElbo(
    x: WorkerMatrix,
    options: { samples?: number; seed?: number } & TransferOptions = {},
  ): Promise<Float64Array> {
    const { transfer = false, ...settings } = options;
    return this.#send("negativeElbo", [x, settings], { transfer });
  }

  /**
   * Units that were not active for `deadAfter` rows of training.
   * @throws (rejects) InvalidStateError unless the code is sparse.
   */
  deadUnits(): Promise<number[]> {
    return this.#send("deadUnits", []);
  }

  /**
   * The threshold that values pass in inference, as of the last answer; 0 before training.
   * @throws InvalidStateError unless the code is "batchTopK".
   */
  get codeThreshold(): number {
    const { codeThreshold } = this.#state;
    if (codeThreshold !== undefined) return codeThreshold;
    throw new InvalidStateError('codeThreshold belongs to a code of type "batchTopK".');
  }

  /**
   * Learns what `scaler` and `missing` need to know from the rows of `x`. `fit` does so with its training rows
   * if nothing has before.
   */
  fitScaler(x: WorkerMatrix, options?: TransferOptions): Promise<void> {
    return this.#send("fitScaler", [x], options);
  }

  /** Sets every weight and bias from the rows of `x`, as in this thread: from principal components or layer by layer. */
  initializeFrom(
    x: WorkerMatrix,
    method: PcaOptions | LayerwiseOptions,
    options?: TransferOptions,
  ): Promise<void> {
    return this.#send("initializeFrom", [x, method], options);
  }

  /**
   * Trains on the rows of `x`. Callbacks run in this thread and the worker waits for each; an abort is heard in
   * the worker after the step under way. Streams of batches stay in this thread: send them with trainOnBatch.
   * @throws (rejects) DivergenceError when the loss stops being finite; `signal.reason` on an abort. The epochs
   * that were finished are in `lastHistory`.
   */
  async fit(x: WorkerMatrix, options: WorkerFitOptions & TransferOptions = {}): Promise<History> {
    const { signal, transfer, sent, callbacks } = split(options);
    if (signal?.aborted) throw signal.reason;
    const id = this.#calls;
    return whileWatching(
      signal,
      () => this.#abort(id),
      async () => {
        return (await this.#call("fit", [rows("fit", x), sent], transfer, callbacks)) as History;
      },
    );
  }

  /**
   * `fit` as an async iterator of step records: each is one message, and leaving the loop ends training. Options
   * and rows are checked when the first record is asked for.
   */
  async *fitSteps(
    x: WorkerMatrix,
    options: WorkerFitOptions & TransferOptions = {},
  ): AsyncGenerator<StepRecord, History> {
    const { signal, transfer, sent, callbacks } = split(options);
    const run = this.#calls;
    await this.#call("startSteps", [rows("fit", x), sent], transfer, callbacks);
    this.#running.set(run, callbacks);
    try {
      for (;;) {
        if (signal?.aborted) throw signal.reason;
        const next = (await this.#call("nextStep", [run], false, callbacks)) as IteratorResult<
          StepRecord,
          History
        >;
        if (next.done) return next.value;
        yield next.value;
      }
    } finally {
      this.#running.delete(run);
      if (this.#channel) await this.#call("endSteps", [run]);
    }
  }

  /**
   * One optimizer step on a batch; its loss before the update, penalties included. `target` defaults to `x`.
   * Anything accumulated is discarded.
   * @throws (rejects) DivergenceError when the loss is not finite; the weights are as they were.
   */
  trainOnBatch(x: WorkerMatrix, target?: WorkerMatrix, options?: TransferOptions): Promise<number> {
    return this.#send("trainOnBatch", [x, target], options);
  }

  /**
   * Forward and backward pass over a batch: adds `scale` (default 1) times the gradient of its mean loss and
   * penalties to what is accumulated, and gives that loss.
   */
  accumulateGradients(
    x: WorkerMatrix,
    target?: WorkerMatrix,
    options: { scale?: number } & TransferOptions = {},
  ): Promise<number> {
    const { transfer = false, ...settings } = options;
    return this.#send("accumulateGradients", [x, target, settings], { transfer });
  }

  /** Adds `scale` (default 1) times the given gradients, of all names and no other, to what is accumulated. */
  addGradients(
    gradients: NamedWeights,
    options: { scale?: number } & TransferOptions = {},
  ): Promise<void> {
    const { transfer = false, ...settings } = options;
    return this.#send("addGradients", [gradients, settings], { transfer });
  }

  /** What was accumulated, by parameter name, before clipping and weight decay. */
  gradients(): Promise<NamedWeights> {
    return this.#send("gradients", []);
  }

  /** One optimizer step on what was accumulated, which is then forgotten. */
  applyGradients(): Promise<void> {
    return this.#send("applyGradients", []);
  }

  /** Forgets what was accumulated. */
  zeroGradients(): Promise<void> {
    return this.#send("zeroGradients", []);
  }

  /** Every parameter by name; each tied weight appears once. */
  weights(): Promise<NamedWeights> {
    return this.#send("weights", []);
  }

  /** Replaces every parameter; the optimizer's state stays. Wants all names and no other. */
  setWeights(weights: NamedWeights, options?: TransferOptions): Promise<void> {
    return this.#send("setWeights", [weights], options);
  }

  /** The model as safetensors; with `optimizer` training resumes bit for bit from it. */
  save(options?: { optimizer?: boolean }): Promise<OwnBytes> {
    return this.#send("save", [options]);
  }

  /** The model, or with `part` one half of it, as an ONNX file. */
  toOnnx(options?: OnnxOptions): Promise<OwnBytes> {
    return this.#send("toOnnx", [options]);
  }

  /** The model as a readable table. */
  summary(): Promise<string> {
    return this.#send("summary", []);
  }

  /** Ends the worker and with it whatever it was doing. Calls under way and later ones reject. */
  dispose(): void {
    this.#end(new DisposedError("This model was disposed; its worker is gone."));
  }

  /** The same as `dispose`, for `using`. */
  [disposeKey](): void {
    this.dispose();
  }

  #send<Result>(call: string, args: unknown[], options?: TransferOptions): Promise<Result> {
    return this.#call(call, args, options?.transfer === true) as Promise<Result>;
  }

  #call(
    call: string,
    args: unknown[],
    transfer = false,
    callbacks: Callbacks = { byName: {} },
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const channel = this.#channel;
      if (!channel) throw new DisposedError("This model was disposed; its worker is gone.");
      const prepared = prepareArguments(call, args, this, transfer, isSentData);
      const id = this.#calls++;
      try {
        channel.post({ id, call, args: prepared.args }, prepared.transfer);
      } catch (cause) {
        const { message } = cause as Error;
        throw new InvalidTypeError(
          `${call} was given something that cannot be sent to a worker (${message}). Functions and streams run in the page only.`,
          { cause },
        );
      }
      this.#pending.set(id, { resolve, reject, callbacks });
      channel.hold(true);
    });
  }

  #abort(id: number): void {
    this.#channel?.post({ abort: id }, []);
  }

  async #receive(message: Reply): Promise<void> {
    if ("ready" in message) return;
    if ("ask" in message) {
      const { ask, id, callback, record } = message;
      const callbacks = this.#pending.get(id)?.callbacks ?? this.#running.get(id);
      try {
        const value = await callbacks?.byName[callback]?.(record as never);
        this.#channel?.post({ answer: ask, value: value === false ? false : undefined }, []);
      } catch (error) {
        if (callbacks) callbacks.thrown = { value: error };
        this.#channel?.post({ answer: ask, error: String(error) }, []);
      }
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.state) this.#state = { ...this.#state, ...message.state };
    if (this.#pending.size === 0) this.#channel?.hold(false);
    const thrown = pending?.callbacks.thrown;
    if ("error" in message) pending?.reject(thrown ? thrown.value : receivedError(message.error));
    else pending?.resolve(message.value);
  }

  #end(error: Error): void {
    const channel = this.#channel;
    this.#channel = undefined;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    channel?.end();
  }
}

function isSentData(value: unknown): value is SentData {
  return value instanceof SentData;
}

function split(options: WorkerFitOptions & TransferOptions) {
  const { signal, transfer = false, ...rest } = options;
  const callbacks: Callbacks = { byName: {} };
  const sent: Record<string, unknown> = { ...rest };
  for (const name of ["onStep", "onEpoch"] as const) {
    const callback = rest[name];
    if (typeof callback !== "function") continue;
    callbacks.byName[name] = callback;
    sent[name] = CALLBACK;
  }
  return { signal: signal as WatchedSignal | undefined, transfer, sent, callbacks };
}

/** The part of an AbortSignal that is needed to end what another thread does. */
interface WatchedSignal {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener?(type: "abort", listener: () => void): void;
  removeEventListener?(type: "abort", listener: () => void): void;
}

/** Runs `work`; an abort meanwhile calls `abort`, and then `work`'s rejection is the signal's reason. */
async function whileWatching<Result>(
  signal: WatchedSignal | undefined,
  abort: () => void,
  work: () => Promise<Result>,
): Promise<Result> {
  signal?.addEventListener?.("abort", abort);
  try {
    return await work();
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener?.("abort", abort);
  }
}

function rows(call: string, x: WorkerMatrix): WorkerMatrix {
  if (typeof x !== "function" && !(Symbol.asyncIterator in Object(x))) return x;
  throw new InvalidTypeError(
    `${call} in a worker takes a matrix, not a stream: send batches with trainOnBatch, or give the stream to a model in this thread.`,
  );
}

/**
 * A configuration as it can be sent: functions and promises resolved, and the core with it, as a module or
 * bytes, so that the program of the worker carries none.
 */
async function cloneable<Options extends RuntimeOptions>(options: Options): Promise<Options> {
  if (typeof options !== "object" || options === null) return options;
  const { wasm, simd } = options;
  if (wasm === undefined) return { ...options, wasm: await loadBuild(simd) };
  const source = await (typeof wasm === "function" ? wasm() : wasm);
  const response = source as { arrayBuffer?: () => Promise<ArrayBuffer> };
  const sent = typeof response?.arrayBuffer === "function" ? await response.arrayBuffer() : source;
  return { ...options, wasm: sent };
}
