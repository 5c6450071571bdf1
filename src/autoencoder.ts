// The public model. Each method checks what it was given and what state the model is in, and hands over
// to the engine; nothing has changed when one throws.

import type { OwnBytes, OwnFloats } from "./arrays.ts";
import { boolean, choice, finiteNumber, onlyKeys, record, wholeNumber } from "./checks.ts";
import type { Build } from "./core/load.ts";
import { FlatRows, type MatrixInput, type Rows, readRows } from "./data/rows.ts";
import { DisposedError, InvalidStateError, InvalidValueError } from "./errors.ts";
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
import { finish, type Paused, Turns } from "./platform/turns.ts";
import { type BatchStream, requireSameCount } from "./training/batches.ts";
import { resolveFit } from "./training/fit.ts";
import type { AbortSignalLike, FitOptions, StepRecord } from "./training/fit-options.ts";
import { type LayerwiseOptions, layerConfig, type PcaOptions } from "./training/layerwise.ts";
import { StepLoop } from "./training/step-loop.ts";
import { type History, type RunMemory, TrainingRun } from "./training/trainer.ts";

/**
 * An autoencoder whose decoder multiplies by the transposes of the encoder's weights. Each weight
 * exists once; its gradient is the sum of both uses.
 *
 * Every call is synchronous except `create`, `load`, `fit`, `fitSteps` and `initializeFrom`. Matrices go in
 * as `MatrixInput` and come out as fresh row-major Float32Arrays.
 */
export class TiedAutoencoder {
  /** The configuration with every default filled in. Read-only. */
  readonly config: ResolvedConfig;
  #engine: Engine | undefined;
  #training = false;
  /** Where `trainOnBatch` and `accumulateGradients` read their rows: reading one batch after another makes nothing. */
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

  private constructor({ engine, run }: MadeEngine) {
    this.config = engine.config;
    this.#engine = engine;
    this.#runs.run = run;
  }

  /**
   * Makes a model with fresh weights.
   * @throws (rejects) InvalidTypeError, InvalidValueError for a configuration that is not valid;
   * UnsupportedHostError where WebAssembly SIMD is missing or refused; MemoryLimitError when the model
   * does not fit.
   */
  static async create(config: ModelConfig): Promise<TiedAutoencoder> {
    return new TiedAutoencoder(await freshEngine(config));
  }

  /**
   * As `create`, without waiting. Works where the core is available at once: in Node, Deno and Bun from the
   * package's files, on edge runtimes, with `wasm` given, and anywhere after an awaited `create`.
   * @throws as `create`; UnsupportedHostError also where the core must be waited for.
   */
  static createSync(config: ModelConfig): TiedAutoencoder {
    return new TiedAutoencoder(freshEngineSync(config));
  }

  /**
   * Makes a model from what `save` wrote: bytes, a Blob, a File, a Response, or a promise of one of these.
   * @throws (rejects) FormatError for a file that is truncated, hostile, newer or something else;
   * InvalidValueError for a response that is not ok.
   */
  static async load(
    file: ModelBytes | PromiseLike<ModelBytes>,
    runtime: RuntimeOptions = {},
  ): Promise<TiedAutoencoder> {
    return new TiedAutoencoder(await loadedEngine(file, runtime));
  }

  /** Which build of the core runs: `"baseline"` gives the same bits on every host. */
  get build(): Build {
    return this.#live.core.build;
  }

  /** Bytes of WebAssembly memory the model holds: parameters, optimizer state and workspace. */
  get byteLength(): number {
    return this.#live.arena.byteLength;
  }

  /** Threads that share the work of a call; 1 after a ThreadError. */
  get threads(): number {
    return this.#live.core.threads;
  }

  /** Optimizer steps taken since the model was made. */
  get stepCount(): number {
    return this.#live.step.progress.stepCount;
  }

  /**
   * The learning rate of the next step, at least 0; where a schedule moves it, of the last one. Setting it, which
   * may be done at any time, sets the base that schedules start from. A new `fit` starts at the base again.
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

  /** Codes of the rows of `x` [rows, layers[0]] → [rows, code units]. NaN passes through. */
  encode(x: MatrixInput, options?: { sparse?: false }): OwnFloats;
  /** The same codes as lists of the units that stayed; for sparse codes only. */
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
   * Mean squared error of each row's reconstruction → [rows], in scaled units where the model has a
   * scaler. The usual anomaly score.
   */
  reconstructionErrors(x: MatrixInput): OwnFloats {
    return this.#live.inference.rowErrors(this.#rows("x", x));
  }

  /** Squared error of each element's reconstruction → [rows, layers[0]]; units as in `reconstructionErrors`. */
  featureErrors(x: MatrixInput): OwnFloats {
    return this.#live.inference.squaredErrors(this.#rows("x", x));
  }

  /** The configured loss over all elements, without penalties; `target` defaults to `x`. */
  evaluate(x: MatrixInput, target?: MatrixInput): number {
    const engine = this.#live;
    const [rows, targetRows] = this.#pair("evaluate", x, target);
    return engine.inference.evaluate(rows, targetRows);
  }

  // What only some codes have

  /**
   * The distributions of the codes of `x`: means and logarithms of variances, each [rows, code units].
   * @throws InvalidStateError unless the code is gaussian.
   */
  encodeDistribution(x: MatrixInput): CodeDistribution {
    return encodeDistribution(this.#live, this.#rows("x", x));
  }

  /**
   * Reconstructions of `count` codes drawn from the prior, a standard normal distribution → [count, layers[0]]. The
   * same `seed` (default: the model's) draws the same codes.
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
   * The negative evidence lower bound of each row in nats → [rows]: the divergence of its code from the prior plus the
   * mean of -log p(x | z) over `samples` (default 1) codes drawn with `seed` (default: the model's). With "bce" p is
   * Bernoulli; with "mse" normal of variance beta / 2; with "mae" Laplace of scale beta (Kingma & Welling 2014). In
   * scaled units where the model has a scaler.
   * @throws InvalidStateError unless the code is gaussian; InvalidValueError for other losses, or beta 0 without "bce".
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
   * Units that were not active for `deadAfter` rows of training (of `auxiliary`, default 10,000,000).
   * @throws InvalidStateError unless the code is sparse.
   */
  deadUnits(): number[] {
    return deadUnits(this.#live);
  }

  /**
   * The threshold that values pass in inference; 0 before training.
   * @throws InvalidStateError unless the code is "batchTopK".
   */
  get codeThreshold(): number {
    return codeThreshold(this.#live);
  }

  // Training

  /**
   * Learns what `scaler` and `missing` need to know of the data from the rows of `x`: means and ranges of
   * the columns. `fit` does so with its training rows if nothing has before; data that arrive in
   * pieces, and training without `fit`, need this call. Weights trained for an earlier scale lose their
   * meaning. Without `scaler` and `missing` there is nothing to learn.
   */
  fitScaler(x: MatrixInput): void {
    const engine = this.#idle;
    const [rows] = this.#pair("fitScaler", x, undefined);
    finish(engine.staging.requireTrainable(rows, false));
    engine.preparation.fit(rows, rows.count);
  }

  /**
   * Sets every weight and bias from the rows of `x`, layer by layer: the leading principal components of
   * what enters the layer, with biases that take the mean out and put it back. A linear model starts at
   * PCA's error; so does a relu model, whose encoder biases lift every unit above 0 on every row: a good
   * model at once, but one that training leaves only slowly (docs/decisions/021). With tanh or sigmoid
   * units it is a start, no more. Relu needs a bias on both sides for it; units beyond a layer's width
   * start near 0. The optimizer's state stays. Also fits the scaler, if nothing has.
   *
   * With the method "layerwise", each pair of neighbouring layers is trained for `epochs` epochs as a model of one
   * layer on the codes of the layers before (Vincent et al. 2010); a deep model then starts from features.
   *
   * The event loop has its turns meanwhile. `signal` ends the work, which then rejects with `signal.reason`; layers that
   * were finished keep what they have.
   */
  async initializeFrom(x: MatrixInput, options: PcaOptions | LayerwiseOptions): Promise<void> {
    const engine = this.#idle;
    const settings = record("initializeFrom's options", options);
    const method = choice("method", settings.method, ["pca", "layerwise"]);
    onlyKeys("initializeFrom", settings, method === "pca" ? PCA_KEYS : LAYERWISE_KEYS);
    const [rows] = this.#pair("initializeFrom", x, undefined);
    const { signal } = options;
    const turns = new Turns();
    turns.begin();
    const requireGoing = () => {
      if (signal?.aborted) throw signal.reason;
      if (this.#engine === engine) return;
      throw new DisposedError("The model was disposed during initializeFrom.");
    };
    const inTurns: InTurns = (work) => turns.run(work, requireGoing);
    this.#training = true;
    try {
      await inTurns(engine.staging.requireTrainable(rows, false));
      if (!engine.preparation.fitted) await inTurns(engine.preparation.learn(rows, rows.count));
      if (method === "pca") {
        const { initializeFromComponents } = await import("./model/initial/pca-initializer.ts");
        await inTurns(initializeFromComponents(engine, rows));
      } else {
        await this.#pretrain(engine, x, options as LayerwiseOptions, inTurns, requireGoing);
      }
      requireGoing();
      engine.constraint.apply();
    } finally {
      this.#training = false;
    }
  }

  /** Layer-wise pretraining; see training/layerwise.ts. */
  async #pretrain(
    engine: Engine,
    x: MatrixInput,
    options: LayerwiseOptions,
    inTurns: InTurns,
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
        onWarning() {}, // without further threads the layer has the same bits
      });
      try {
        // What the model has learned of the data holds for its first layer, whatever the rows are.
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
          input = await inTurns(layer.#live.inference.encoding(layer.#rows("x", input)));
      } finally {
        layer.dispose();
      }
    }
  }

  /**
   * Trains on the rows of `x`, or on the batches of a stream. Resolves with the losses by epoch.
   * @throws (rejects) DivergenceError when the loss stops being finite; `signal.reason` on an abort.
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
   * `fit` as an async iterator of step records; leaving the loop ends training. Options and rows are
   * checked when the first is asked for.
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
   * One optimizer step on a batch; returns its loss before the update, penalties included. `target`
   * defaults to `x`. Anything accumulated is discarded.
   * @throws DivergenceError when the loss is not finite; the weights are as they were.
   */
  trainOnBatch(x: MatrixInput, target?: MatrixInput): number {
    const engine = this.#idle;
    engine.step.train(this.#wholeBatch("trainOnBatch", x, target));
    return engine.step.loss;
  }

  /**
   * Forward and backward pass over a batch: adds `scale` times the gradient of its mean loss and
   * penalties to what is accumulated, and returns that loss.
   */
  accumulateGradients(x: MatrixInput, target?: MatrixInput, options?: { scale?: number }): number {
    const engine = this.#idle;
    const scale = scaleOption("accumulateGradients", options);
    engine.step.accumulate(this.#wholeBatch("accumulateGradients", x, target), scale);
    return engine.step.loss;
  }

  /**
   * Adds `scale` times the given gradients, of all names and no other, to what is accumulated: those of a
   * model elsewhere, as `gradients()` gave them.
   * @throws InvalidValueError for a value that is not finite; what is accumulated is as it was.
   */
  addGradients(gradients: NamedWeights, options?: { scale?: number }): void {
    const engine = this.#idle;
    const scale = scaleOption("addGradients", options);
    engine.state.addGradients(readTensors("addGradients", gradients, engine.network.layout), scale);
  }

  /** What was accumulated, by parameter name, before clipping and weight decay. Copies. */
  gradients(): NamedWeights {
    const engine = this.#accumulated("gradients");
    return nameTensors(engine.state.gradients, engine.network.layout);
  }

  /** One optimizer step on what was accumulated, which is then forgotten. */
  applyGradients(): void {
    this.#accumulated("applyGradients").step.apply();
  }

  /** Forgets what was accumulated. */
  zeroGradients(): void {
    this.#idle.step.forgetGradients();
  }

  // Parameters

  /** Every parameter by name. Copies; each tied weight appears once. */
  weights(): NamedWeights {
    const engine = this.#live;
    return nameTensors(engine.state.parameters, engine.network.layout);
  }

  /**
   * Replaces every parameter; the optimizer's state stays. Wants all names and no other. Where the model has a
   * constraint, it is applied to what was given.
   */
  setWeights(weights: NamedWeights): void {
    const engine = this.#idle;
    engine.state.setParameters(readTensors("setWeights", weights, engine.network.layout));
    engine.constraint.apply();
  }

  /** The model as safetensors; with `optimizer` training resumes bit for bit from it. */
  save(options?: { optimizer?: boolean }): OwnBytes {
    const engine = this.#live;
    const settings = record("save's options", options);
    onlyKeys("save", settings, ["optimizer"]);
    const training = settings.optimizer === true;
    const run = training ? this.#runs.run : undefined;
    return encodeCheckpoint(engine.state.snapshot(training), engine.network.layout, run);
  }

  /**
   * The model as an ONNX file (opset 17, float32, any number of rows): `input` → `reconstruction`, or with
   * `part` one half of it, `input` → `code` or `code` → `reconstruction`. In the data's units; each tied
   * weight stands once in the file.
   * @throws InvalidStateError when a scaler is configured and has seen no data.
   */
  toOnnx(options?: OnnxOptions): OwnBytes {
    return toOnnx(this.#live, options);
  }

  /** The model as a readable table. */
  summary(): string {
    return summary(this.#live);
  }

  /** Gives the memory back and ends the model's workers. Ends a `fit` under way; any later call throws a DisposedError. */
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

  /** The engine, for calls that change what a running `fit` works on. */
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

  /** A batch of all rows, in an object that the next call uses again. */
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

/** A signal that is aborted once `requireGoing` throws, with what it throws as the reason. */
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

/** Does work that pauses, with turns for the event loop. */
type InTurns = <Result>(work: Paused<Result>) => Promise<Result>;

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
