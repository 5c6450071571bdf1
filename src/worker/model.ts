// The model behind a worker: the calls of TiedAutoencoder, each answered by a promise. Arrays come back
// by transfer; arguments are copied unless the call is given { transfer: true }, which hands their
// buffers over and leaves the caller's arrays empty.

import { positiveNumber } from "../checks.ts";
import type { Build } from "../core/load.ts";
import type { MatrixInput } from "../data/rows.ts";
import { DisposedError, InvalidTypeError } from "../errors.ts";
import type { NamedWeights } from "../exchange/named-weights.ts";
import type { OnnxOptions } from "../exchange/onnx.ts";
import type { RuntimeOptions } from "../make.ts";
import type { ModelConfig, ResolvedConfig } from "../model/config.ts";
import { disposeKey } from "../platform/dispose.ts";
import type { FitOptions, StepRecord } from "../training/fit-options.ts";
import type { History } from "../training/trainer.ts";
import { buffersIn, CALLBACK, type ModelState, type Reply, receivedError } from "./messages.ts";
import { type Channel, openChannel, type WorkerLike } from "./start.ts";

export interface WorkerOptions {
  /** Makes the worker, of tied-autoencoder/worker-script; for pages whose policy forbids blob: workers. */
  createWorker?: () => WorkerLike;
}

export interface TransferOptions {
  /** Hand the arguments' buffers to the worker instead of copying them. Default false. */
  transfer?: boolean;
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

export class TiedAutoencoder {
  #channel: Channel | undefined;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;
  #state: ModelState = { stepCount: 0, learningRate: 0, byteLength: 0, threads: 1 };
  #config: ResolvedConfig | undefined;
  #build: Build | undefined;

  private constructor(options: WorkerOptions) {
    this.#channel = openChannel(
      options.createWorker,
      (message) => this.#receive(message),
      (error) => this.#end(error),
    );
  }

  /** As TiedAutoencoder.create, in a new worker. */
  static async create(config: ModelConfig, options: WorkerOptions = {}): Promise<TiedAutoencoder> {
    const sent = await cloneable(config);
    return new TiedAutoencoder(options).#open("create", [sent]);
  }

  /** As TiedAutoencoder.load, in a new worker. */
  static async load(
    bytes: Uint8Array,
    runtime: RuntimeOptions = {},
    options: WorkerOptions = {},
  ): Promise<TiedAutoencoder> {
    const sent = await cloneable(runtime);
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

  /** The configuration with every default filled in. */
  get config(): ResolvedConfig {
    return this.#config as ResolvedConfig;
  }

  /** Which build of the core runs. */
  get build(): Build {
    return this.#build as Build;
  }

  /** Optimizer steps taken, as of the last answer. */
  get stepCount(): number {
    return this.#state.stepCount;
  }

  /** Bytes of linear memory the model holds, as of the last answer. */
  get byteLength(): number {
    return this.#state.byteLength;
  }

  /** Threads that share the work of a call, in the worker. */
  get threads(): number {
    return this.#state.threads;
  }

  /** The learning rate, as of the last answer; setting it holds for every step after the one under way. */
  get learningRate(): number {
    return this.#state.learningRate;
  }

  set learningRate(value: number) {
    positiveNumber("learningRate", value);
    this.#state = { ...this.#state, learningRate: value };
    this.#call("setLearningRate", [value]).catch(() => {}); // a dead worker shows at the next call
  }

  encode(x: MatrixInput, options?: TransferOptions): Promise<Float32Array> {
    return this.#send("encode", [x], options);
  }

  decode(code: MatrixInput, options?: TransferOptions): Promise<Float32Array> {
    return this.#send("decode", [code], options);
  }

  reconstruct(x: MatrixInput, options?: TransferOptions): Promise<Float32Array> {
    return this.#send("reconstruct", [x], options);
  }

  reconstructionErrors(x: MatrixInput, options?: TransferOptions): Promise<Float32Array> {
    return this.#send("reconstructionErrors", [x], options);
  }

  featureErrors(x: MatrixInput, options?: TransferOptions): Promise<Float32Array> {
    return this.#send("featureErrors", [x], options);
  }

  evaluate(x: MatrixInput, target?: MatrixInput, options?: TransferOptions): Promise<number> {
    return this.#send("evaluate", [x, target], options);
  }

  fitScaler(x: MatrixInput, options?: TransferOptions): Promise<void> {
    return this.#send("fitScaler", [x], options);
  }

  initializeFrom(
    x: MatrixInput,
    method: { method: "pca" },
    options?: TransferOptions,
  ): Promise<void> {
    return this.#send("initializeFrom", [x, method], options);
  }

  /** As TiedAutoencoder.fit. Callbacks run here and the worker waits for each; an abort ends it there. */
  async fit(x: MatrixInput, options: FitOptions & TransferOptions = {}): Promise<History> {
    const { signal, transfer, sent, callbacks } = split(options);
    if (signal?.aborted) throw signal.reason;
    const id = this.#calls;
    return whileWatching(
      signal,
      () => this.#abort(id),
      async () => {
        return (await this.#call("fit", [rows(x), sent], transfer, callbacks)) as History;
      },
    );
  }

  /** As TiedAutoencoder.fitSteps. */
  async *fitSteps(
    x: MatrixInput,
    options: FitOptions & TransferOptions = {},
  ): AsyncGenerator<StepRecord, History> {
    const { signal, transfer, sent, callbacks } = split(options);
    const run = this.#calls;
    await this.#call("startSteps", [rows(x), sent], transfer, callbacks);
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

  trainOnBatch(x: MatrixInput, target?: MatrixInput, options?: TransferOptions): Promise<number> {
    return this.#send("trainOnBatch", [x, target], options);
  }

  accumulateGradients(
    x: MatrixInput,
    target?: MatrixInput,
    options: { scale?: number } & TransferOptions = {},
  ): Promise<number> {
    const { transfer = false, ...settings } = options;
    return this.#send("accumulateGradients", [x, target, settings], { transfer });
  }

  addGradients(
    gradients: NamedWeights,
    options: { scale?: number } & TransferOptions = {},
  ): Promise<void> {
    const { transfer = false, ...settings } = options;
    return this.#send("addGradients", [gradients, settings], { transfer });
  }

  gradients(): Promise<NamedWeights> {
    return this.#send("gradients", []);
  }

  applyGradients(): Promise<void> {
    return this.#send("applyGradients", []);
  }

  zeroGradients(): Promise<void> {
    return this.#send("zeroGradients", []);
  }

  weights(): Promise<NamedWeights> {
    return this.#send("weights", []);
  }

  setWeights(weights: NamedWeights, options?: TransferOptions): Promise<void> {
    return this.#send("setWeights", [weights], options);
  }

  save(options?: { optimizer?: boolean }): Promise<Uint8Array> {
    return this.#send("save", [options]);
  }

  toOnnx(options?: OnnxOptions): Promise<Uint8Array> {
    return this.#send("toOnnx", [options]);
  }

  summary(): Promise<string> {
    return this.#send("summary", []);
  }

  /** Ends the worker and with it whatever it was doing. Calls under way and later ones reject. */
  dispose(): void {
    this.#end(new DisposedError("This model was disposed; its worker is gone."));
  }

  [disposeKey](): void {
    this.dispose();
  }

  readonly #running = new Map<number, Callbacks>();

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
      const id = this.#calls++;
      try {
        channel.post({ id, call, args }, transfer ? [...buffersIn(args)] : []);
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
    if (message.state) this.#state = message.state;
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

function split(options: FitOptions & TransferOptions) {
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

function rows(x: MatrixInput): MatrixInput {
  if (typeof x !== "function" && !(Symbol.asyncIterator in Object(x))) return x;
  throw new InvalidTypeError(
    "fit in a worker takes a matrix, not a stream: send batches with trainOnBatch, or give the stream to a model in this thread.",
  );
}

/** A configuration as it can be sent: `wasm` as a module or bytes, functions and promises resolved. */
async function cloneable<Options extends RuntimeOptions>(options: Options): Promise<Options> {
  if (typeof options !== "object" || options === null || options.wasm === undefined) return options;
  const { wasm } = options;
  const source = await (typeof wasm === "function" ? wasm() : wasm);
  const response = source as { arrayBuffer?: () => Promise<ArrayBuffer> };
  const sent = typeof response?.arrayBuffer === "function" ? await response.arrayBuffer() : source;
  return { ...options, wasm: sent };
}
