// The public model. Each method checks its arguments and the state of the model, and then calls the engine. Nothing has
// changed when a check throws.

import type { OwnBytes, OwnFloats } from "./arrays.ts";
import { boolean, choice, finiteNumber, onlyKeys, record, wholeNumber } from "./checks.ts";
import type { Build } from "./core/load.ts";
import { FlatRows, type MatrixInput, type Rows, readRows } from "./data/rows.ts";
import { DisposedError, InvalidStateError, InvalidTypeError, InvalidValueError } from "./errors.ts";
import { encodeCheckpoint } from "./exchange/checkpoint.ts";
import type { ModelBytes } from "./exchange/model-bytes.ts";
import { type NamedWeights, nameTensors, readTensors } from "./exchange/named-weights.ts";
import { type OnnxOptions, toOnnx } from "./exchange/onnx.ts";
import {
  freshEngine,
  freshEngineSync,
  loadedEngine,
  type MadeEngine,
  type RuntimeOptions,
} from "./make.ts";
import type { ModelConfig, ResolvedConfig } from "./model/config.ts";
import type { Engine } from "./model/engine.ts";
import { codeThreshold, deadUnits, encodeSparse, type SparseCodes } from "./model/sparse-codes.ts";
import type { Batch } from "./model/staging.ts";
import { summary } from "./model/summary.ts";
import {
  type CodeDistribution,
  encodeDistribution,
  negativeElbo,
  sampleRows,
} from "./model/variational.ts";
import { disposeKey } from "./platform/dispose.ts";
import { finish, type InTurns, inTurns } from "./platform/turns.ts";
import { type BatchStream, isBatchStream, requireSameCount } from "./training/batches.ts";
import { resolveFit } from "./training/fit.ts";
import type { AbortSignalLike, FitOptions, StepRecord } from "./training/fit-options.ts";
import { type LayerwiseOptions, layerConfig, type PcaOptions } from "./training/layerwise.ts";
import { StepLoop } from "./training/step-loop.ts";
import { learnFromStream } from "./training/streams.ts";
import { type History, type RunMemory, TrainingRun } from "./training/trainer.ts";

/**
 * An autoencoder whose decoder multiplies by the transposes of the encoder's weights. Each weight exists once. Its
 * gradient is the sum of the gradients of both uses.
 *
 * Every call is synchronous except `create`, `load`, `fit`, `fitSteps`, `initializeFrom` and `fitScaler` with a stream. Arguments are
 * `MatrixInput`, and results are new row-major Float32Arrays.
 */
export class TiedAutoencoder {
  /** The configuration with every default filled in. Read-only. */
  readonly config: ResolvedConfig;
  #engine: Engine | undefined;
  #training = false;
  /** The input of `trainOnBatch` and `accumulateGradients`. It is reused, so that reading a batch allocates nothing. */
  readonly #flatInput = new FlatRows();
  readonly #flatTarget = new FlatRows();
  readonly #batch: { -readonly [Key in keyof Batch]: Batch[Key] } = {
    x: this.#flatInput,
    target: undefined,
    order: undefined,
    first: 0,
    count: 0,
    checked: false,
    held: undefined,
  };
  readonly #runs: RunMemory = {
    run: undefined,
    loop: new StepLoop(() => void this.#live),
    wake: undefined,
  };

  private constructor(made: MadeEngine) {
    if (typeof made !== "object" || made === null || !("engine" in made)) {
      throw new InvalidTypeError(
        "A model is not made with new. Use await TiedAutoencoder.create({ layers: [784, 128] }), createSync, or load.",
      );
    }
    const { engine, run } = made;
    this.config = engine.config;
    this.#engine = engine;
    this.#runs.run = run;
  }

  /**
   * Makes a model with new initial weights.
   * @throws (rejects) InvalidTypeError and InvalidValueError for an invalid configuration. UnsupportedHostError where
   * WebAssembly SIMD is missing or refused. MemoryLimitError if the model does not fit into memory.
   */
  static async create(config: ModelConfig): Promise<TiedAutoencoder> {
    return new TiedAutoencoder(await freshEngine(config));
  }

  /**
   * The same as `create`, but synchronous. It works where the core is available synchronously: in Node, Deno and Bun from
   * the package's files, on edge runtimes, with the option `wasm`, and everywhere after an awaited `create`.
   * @throws as `create`, and UnsupportedHostError where the core is only available asynchronously.
   */
  static createSync(config: ModelConfig): TiedAutoencoder {
    return new TiedAutoencoder(freshEngineSync(config));
  }

  /**
   * Makes a model from a file that `save` wrote: bytes, a Blob, a File, a Response, or a promise of one of these.
   * @throws (rejects) FormatError for a file that is truncated, damaged, of a newer version or not a model.
   * InvalidValueError for a response that is not ok.
   */
  static async load(
    file: ModelBytes | PromiseLike<ModelBytes>,
    runtime: RuntimeOptions = {},
  ): Promise<TiedAutoencoder> {
    return new TiedAutoencoder(await loadedEngine(file, runtime));
  }

  /** The build of the core. `"baseline"` gives the same bits on every host. */
  get build(): Build {
    return this.#live.core.build;
  }

  /** The WebAssembly memory of the model in bytes: parameters, optimizer state and workspace. */
  get byteLength(): number {
    return this.#live.arena.byteLength;
  }

  /** The number of threads that share the work of a call. 1 after a ThreadError. */
  get threads(): number {
    return this.#live.core.threads;
  }

  /** The number of optimizer steps taken since the model was made. */
  get stepCount(): number {
    return this.#live.step.progress.stepCount;
  }

  /**
   * The learning rate of the next step, at least 0. With a schedule it is the rate of the last step. It may be set at any
   * time, and then becomes the base rate of schedules. A new `fit` starts at the base rate.
   */
  get learningRate(): number {
    return this.#live.step.progress.learningRate;
  }

  set learningRate(value: number) {
    const { progress } = this.#live.step;
    progress.learningRate = finiteNumber("learningRate", value, 0);
    progress.baseLearningRate = progress.learningRate;
  }

  // Inference

  /** The codes of the rows of `x`: [rows, layers[0]] → [rows, code units]. NaN in a row gives NaN in its code. */
  encode(x: MatrixInput, options?: { sparse?: false }): OwnFloats;
  /** The same codes as lists of the kept units. Only for sparse codes. */
  encode(x: MatrixInput, options: { sparse: true }): SparseCodes;
  encode(x: MatrixInput, options?: { sparse?: boolean }): OwnFloats | SparseCodes {
    const engine = this.#live;
    const settings = record("encode's options", options);
    onlyKeys("encode", settings, ["sparse"]);
    const rows = this.#rows("x", x);
    if (boolean("sparse", settings.sparse ?? false)) return encodeSparse(engine, rows);
    return engine.inference.encode(rows);
  }

  /** Reconstructions from codes [rows, code units] → [rows, layers[0]]. */
  decode(code: MatrixInput): OwnFloats {
    const engine = this.#live;
    return engine.inference.decode(readRows("code", code, this.config.layers.at(-1) ?? 0));
  }

  /** `decode(encode(x))` in one pass: [rows, layers[0]] → the same shape. */
  reconstruct(x: MatrixInput): OwnFloats {
    return this.#live.inference.reconstruct(this.#rows("x", x));
  }

  /**
   * The mean squared error of each row's reconstruction → [rows]. It is in scaled units if the model has a scaler. This is
   * the usual anomaly score.
   */
  reconstructionErrors(x: MatrixInput): OwnFloats {
    return this.#live.inference.rowErrors(this.#rows("x", x));
  }

  /** The squared error of each element's reconstruction → [rows, layers[0]]. Units as in `reconstructionErrors`. */
  featureErrors(x: MatrixInput): OwnFloats {
    return this.#live.inference.squaredErrors(this.#rows("x", x));
  }

  /** The mean of the configured loss over all elements, without penalties. `target` defaults to `x`. */
  evaluate(x: MatrixInput, target?: MatrixInput): number {
    const engine = this.#live;
    const [rows, targetRows] = this.#pair("evaluate", x, target);
    return engine.inference.evaluate(rows, targetRows);
  }

  // For some codes only

  /**
   * The distributions of the codes of `x`: means and logarithms of variances, each [rows, code units].
   * @throws InvalidStateError unless the code is gaussian.
   */
  encodeDistribution(x: MatrixInput): CodeDistribution {
    return encodeDistribution(this.#live, this.#rows("x", x));
  }

  /**
   * Reconstructions of `count` codes drawn from the prior, a standard normal distribution → [count, layers[0]]. The codes
   * depend on `seed` (default: the model's seed).
   * @throws InvalidStateError unless the code is gaussian.
   */
  sample(count: number, options?: { seed?: number }): Float32Array {
    const engine = this.#live;
    const settings = record("sample's options", options);
    onlyKeys("sample", settings, ["seed"]);
    const seed = wholeNumber("seed", settings.seed ?? this.config.seed, 0);
    return sampleRows(engine, wholeNumber("count", count, 0), seed);
  }

  /**
   * The negative evidence lower bound of each row in nats → [rows] (Kingma & Welling 2014): the divergence of its code from
   * the prior, plus the mean of -log p(x | z) over `samples` (default 1) codes drawn with `seed` (default: the model's
   * seed). p is Bernoulli for "bce", normal with the variance beta / 2 for "mse", and Laplace with the scale beta for
   * "mae". Rows are in scaled units if the model has a scaler.
   * @throws InvalidStateError unless the code is gaussian. InvalidValueError for other losses, or beta 0 without "bce".
   */
  negativeElbo(x: MatrixInput, options?: { samples?: number; seed?: number }): Float64Array {
    const engine = this.#live;
    const settings = record("negativeElbo's options", options);
    onlyKeys("negativeElbo", settings, ["samples", "seed"]);
    const samples = wholeNumber("samples", settings.samples ?? 1, 1);
    const seed = wholeNumber("seed", settings.seed ?? this.config.seed, 0);
    return negativeElbo(engine, this.#rows("x", x), samples, seed);
  }

  /**
   * The units that were not active for `auxiliary.deadAfter` rows of training (default 10,000,000).
   * @throws InvalidStateError unless the code is sparse.
   */
  deadUnits(): number[] {
    return deadUnits(this.#live);
  }

  /**
   * The threshold of the code: inference keeps values above it. 0 before training.
   * @throws InvalidStateError unless the code is "batchTopK".
   */
  get codeThreshold(): number {
    return codeThreshold(this.#live);
  }

  // Training

  /**
   * Learns the statistics for `scaler` and `missing` from the rows of `x`: means and ranges of the columns. `fit` does
   * this with its training rows, if it was not done before. Training with a stream or without `fit` needs this call.
   * Weights that were trained with other statistics lose their meaning. Without `scaler` and `missing` there is nothing
   * to learn. With a stream, whose pieces may have any number of rows, it returns a promise, and nothing changes before
   * the end of the stream.
   */
  fitScaler(x: MatrixInput): void;
  fitScaler(x: BatchStream): Promise<void>;
  fitScaler(x: MatrixInput | BatchStream): void | Promise<void> {
    const engine = this.#idle;
    if (isBatchStream(x)) return this.#fitScalerToStream(engine, x);
    const [rows] = this.#pair("fitScaler", x, undefined);
    finish(engine.staging.requireTrainable(rows, false));
    engine.preparation.fit(rows, rows.count);
  }

  /**
   * Computes initial weights and biases from the rows of `x`, layer by layer.
   *
   * The method "pca" uses the leading principal components of each layer's input. The biases subtract the mean and add it
   * back. A linear model starts with the error of PCA. A relu model with biases in encoder and decoder does too: its
   * encoder biases make every unit positive for every row. Training improves such a relu model only slowly
   * (docs/decisions/021-pca-start.md). For tanh and sigmoid units the result is only a starting point. Additional units of
   * a layer wider than its input start near 0.
   *
   * The method "layerwise" trains each layer for `epochs` epochs as a model of one layer, on the codes of the layers
   * before (Vincent et al. 2010).
   *
   * Both methods fit the scaler, if it is not fitted. They do not change the optimizer's state. They yield to the event
   * loop. `signal` aborts the work, which then rejects with `signal.reason`. Finished layers keep their new weights.
   */
  async initializeFrom(x: MatrixInput, options: PcaOptions | LayerwiseOptions): Promise<void> {
    const engine = this.#idle;
    const settings = record("initializeFrom's options", options);
    const method = choice("method", settings.method, ["pca", "layerwise"]);
    onlyKeys("initializeFrom", settings, method === "pca" ? PCA_KEYS : LAYERWISE_KEYS);
    const [rows] = this.#pair("initializeFrom", x, undefined);
    const { signal } = options;
    const requireGoing = () => {
      if (signal?.aborted) throw signal.reason;
      this.#requireSame(engine, "initializeFrom");
    };
    const work = inTurns(requireGoing);
    this.#training = true;
    try {
      await work(engine.staging.requireTrainable(rows, false));
      if (!engine.preparation.fitted) await work(engine.preparation.learn(rows, rows.count));
      if (method === "pca") {
        const { initializeFromComponents } = await import("./model/initial/pca-initializer.ts");
        await work(initializeFromComponents(engine, rows));
      } else {
        await this.#pretrain(engine, x, options as LayerwiseOptions, work, requireGoing);
      }
      requireGoing();
      engine.constraint.apply();
    } finally {
      this.#training = false;
    }
  }

  async #fitScalerToStream(engine: Engine, stream: BatchStream): Promise<void> {
    this.#training = true;
    try {
      const requireGoing = () => this.#requireSame(engine, "fitScaler");
      await learnFromStream(engine, stream, requireGoing, this.#runs);
    } finally {
      this.#training = false;
    }
  }

  /** @throws DisposedError if the model was disposed since a call began, or holds another engine. */
  #requireSame(engine: Engine, call: string): void {
    if (this.#engine !== engine) throw new DisposedError(`The model was disposed during ${call}.`);
  }

  /** Layer-wise pretraining. See training/layerwise.ts. */
  async #pretrain(
    engine: Engine,
    x: MatrixInput,
    options: LayerwiseOptions,
    work: InTurns,
    requireGoing: () => void,
  ): Promise<void> {
    const { config, build } = this;
    const { epochs = 10, batchSize = 32, learningRate, corruption } = options;
    const signal = signalOf(requireGoing);
    const depth = config.layers.length - 1;
    const tensors = new Map(engine.network.layout.tensors.map((tensor) => [tensor.name, tensor]));
    let input = x;
    for (let i = 0; i < depth; i++) {
      const layer = await TiedAutoencoder.create({
        ...layerConfig(config, i, learningRate),
        simd: build,
        threads: this.threads,
        onWarning() {}, // the number of threads does not change the result
      });
      try {
        // The first layer uses the statistics that the model has learned, not those of these rows.
        const { state } = engine.preparation;
        if (i === 0 && state) layer.#live.preparation.restore(state);
        await layer.fit(input, {
          epochs,
          batchSize,
          signal,
          ...(corruption === undefined ? {} : { corruption }),
        });
        requireGoing();
        for (const [name, { data }] of Object.entries(layer.weights())) {
          const tensor = tensors.get(name.replace(".0.", `.${i}.`));
          if (tensor) engine.state.parameters.set(data, tensor.offset);
        }
        if (i < depth - 1)
          input = await work(layer.#live.inference.encoding(layer.#rows("x", input)));
      } finally {
        layer.dispose();
      }
    }
  }

  /**
   * Trains on the rows of `x`, or on the batches of a stream. Resolves with the losses by epoch.
   * @throws (rejects) DivergenceError when the loss is not finite. `signal.reason` after an abort.
   */
  async fit(x: MatrixInput | BatchStream, options?: FitOptions): Promise<History> {
    const run = this.#beginFit(x, options);
    try {
      return await run.finish();
    } finally {
      this.#training = false;
    }
  }

  /**
   * `fit` as an async iterator of step records. Leaving the loop ends training. Options and rows are checked when the first
   * record is requested.
   */
  async *fitSteps(
    x: MatrixInput | BatchStream,
    options?: FitOptions,
  ): AsyncGenerator<StepRecord, History> {
    const run = this.#beginFit(x, options);
    try {
      return yield* run.records();
    } finally {
      this.#training = false;
    }
  }

  /**
   * Takes one optimizer step on a batch. Returns the loss before the update, including penalties. `target` defaults to `x`.
   * Accumulated gradients are discarded.
   * @throws DivergenceError when the loss is not finite. The weights are then unchanged.
   */
  trainOnBatch(x: MatrixInput, target?: MatrixInput): number {
    const engine = this.#idle;
    engine.step.train(this.#wholeBatch("trainOnBatch", x, target));
    return engine.step.loss;
  }

  /**
   * Runs a forward and a backward pass over a batch. Adds `scale` (default 1) times the gradient of its mean loss and of
   * the penalties to the accumulated gradients. Returns that loss, including penalties.
   */
  accumulateGradients(x: MatrixInput, target?: MatrixInput, options?: { scale?: number }): number {
    const engine = this.#idle;
    const scale = scaleOption("accumulateGradients", options);
    engine.step.accumulate(this.#wholeBatch("accumulateGradients", x, target), scale);
    return engine.step.loss;
  }

  /**
   * Adds `scale` (default 1) times the given gradients to the accumulated gradients. They may come from `gradients()` of
   * another model. All names must be present, and no others.
   * @throws InvalidValueError for a value that is not finite. The accumulated gradients are then unchanged.
   */
  addGradients(gradients: NamedWeights, options?: { scale?: number }): void {
    const engine = this.#idle;
    const scale = scaleOption("addGradients", options);
    engine.state.addGradients(readTensors("addGradients", gradients, engine.network.layout), scale);
  }

  /** Copies of the accumulated gradients by parameter name, before clipping and weight decay. */
  gradients(): NamedWeights {
    const engine = this.#accumulated("gradients");
    return nameTensors(engine.state.gradients, engine.network.layout);
  }

  /** Takes one optimizer step with the accumulated gradients, and discards them. */
  applyGradients(): void {
    this.#accumulated("applyGradients").step.apply();
  }

  /** Discards the accumulated gradients. */
  zeroGradients(): void {
    this.#idle.step.forgetGradients();
  }

  // Parameters

  /** Copies of all parameters by name. Each tied weight appears once. */
  weights(): NamedWeights {
    const engine = this.#live;
    return nameTensors(engine.state.parameters, engine.network.layout);
  }

  /**
   * Replaces every parameter. All names must be present, and no others. The constraint, if there is one, is applied to the
   * new weights. The optimizer's state does not change.
   */
  setWeights(weights: NamedWeights): void {
    const engine = this.#idle;
    engine.state.setParameters(readTensors("setWeights", weights, engine.network.layout));
    engine.constraint.apply();
  }

  /** The model as a safetensors file. With `optimizer`, training can resume with bit-identical results. */
  save(options?: { optimizer?: boolean }): OwnBytes {
    const engine = this.#live;
    const settings = record("save's options", options);
    onlyKeys("save", settings, ["optimizer"]);
    const training = settings.optimizer === true;
    const run = training ? this.#runs.run : undefined;
    return encodeCheckpoint(engine.state.snapshot(training), engine.network.layout, run);
  }

  /**
   * The model as an ONNX file (opset 17, float32, any number of rows): `input` → `reconstruction`. With `part` it is only
   * the encoder, `input` → `code`, or the decoder, `code` → `reconstruction`. Values are in the units of the data. Each
   * tied weight is stored once.
   * @throws InvalidStateError if a scaler is configured and not fitted.
   */
  toOnnx(options?: OnnxOptions): OwnBytes {
    return toOnnx(this.#live, options);
  }

  /** The model as a readable table. */
  summary(): string {
    return summary(this.#live);
  }

  /** Frees the memory and ends the model's workers and a running `fit`. Any later call throws a DisposedError. */
  dispose(): void {
    this.#engine?.core.dispose();
    this.#engine = undefined;
    this.#runs.wake?.();
  }

  [disposeKey](): void {
    this.dispose();
  }

  get #live(): Engine {
    if (this.#engine) return this.#engine;
    throw new DisposedError("This model was disposed; its memory is gone. Create or load another.");
  }

  /** The engine, for calls that a running `fit` does not allow. */
  get #idle(): Engine {
    const engine = this.#live;
    if (!this.#training) return engine;
    throw new InvalidStateError(
      "The model is being trained by fit or initializeFrom. Between its steps reads are allowed; end it with a signal or by returning false from a callback.",
    );
  }

  #accumulated(call: string): Engine {
    const engine = this.#idle;
    if (engine.step.hasGradients) return engine;
    throw new InvalidStateError(
      `${call} needs gradients, and nothing was accumulated since the last step. Call accumulateGradients first.`,
    );
  }

  /** Checks the options of a run, and claims the model for it. */
  #beginFit(x: MatrixInput | BatchStream, options: FitOptions | undefined): TrainingRun {
    const engine = this.#idle;
    const { run, loop } = this.#runs;
    const fit = resolveFit(engine, run, loop.batches, x, options);
    this.#training = true;
    return new TrainingRun(engine, fit, this.#runs);
  }

  /** A batch of all rows, in an object that the next call reuses. */
  #wholeBatch(call: string, x: MatrixInput, target: MatrixInput | undefined): Batch {
    const width = this.config.layers[0] ?? 0;
    const batch = this.#batch;
    batch.x = readRows("x", x, width, this.#flatInput);
    batch.target =
      target === undefined ? undefined : readRows("target", target, width, this.#flatTarget);
    batch.count = batch.x.count;
    requireSameCount(batch.x, batch.target);
    if (batch.count === 0)
      throw new InvalidValueError(`${call} needs at least one row; x has none.`);
    return batch;
  }

  #rows(name: string, x: MatrixInput): Rows {
    return readRows(name, x, this.config.layers[0] ?? 0);
  }

  #pair(call: string, x: MatrixInput, target: MatrixInput | undefined): [Rows, Rows | undefined] {
    const rows = this.#rows("x", x);
    const targetRows = target === undefined ? undefined : this.#rows("target", target);
    requireSameCount(rows, targetRows);
    if (rows.count === 0)
      throw new InvalidValueError(`${call} needs at least one row; x has none.`);
    return [rows, targetRows];
  }
}

function scaleOption(call: string, options: { scale?: number } | undefined): number {
  const settings = record(`${call}'s options`, options);
  onlyKeys(call, settings, ["scale"]);
  return finiteNumber("scale", settings.scale ?? 1);
}

/** A signal that is aborted when `requireGoing` throws. The reason is the thrown value. */
function signalOf(requireGoing: () => void): AbortSignalLike {
  const thrown = () => {
    try {
      requireGoing();
      return [];
    } catch (reason) {
      return [reason];
    }
  };
  return {
    get aborted() {
      return thrown().length > 0;
    },
    get reason() {
      return thrown()[0];
    },
  };
}

const PCA_KEYS = Object.keys({
  method: true,
  signal: true,
} satisfies Record<keyof PcaOptions, true>);

const LAYERWISE_KEYS = Object.keys({
  method: true,
  epochs: true,
  batchSize: true,
  learningRate: true,
  corruption: true,
  signal: true,
} satisfies Record<keyof LayerwiseOptions, true>);
