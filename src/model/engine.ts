// A live model: parameters, gradients and optimizer state in one arena, and the two things done with
// them, a training step in its parts and inference in bounded chunks. Public argument checks are in
// autoencoder.ts, the loop over epochs in trainer.ts.

import { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { Core } from "../core/load.ts";
import type { Rows } from "../data/rows.ts";
import { DivergenceError, InvalidValueError } from "../errors.ts";
import type { Checkpoint, TrainingState } from "../exchange/checkpoint.ts";
import type { Batch } from "../training/batches.ts";
import type { Corruption } from "../training/corruption.ts";
import type { RunState } from "../training/run-state.ts";
import { lossOp, type ResolvedConfig } from "./config.ts";
import { initializeParameters } from "./initial/initializers.ts";
import { layoutParameters, type ParameterLayout } from "./layout.ts";
import { LearnedPreparation } from "./learned-preparation.ts";
import { Network } from "./network.ts";
import { applyOptimizer, type OptimizerBlocks, stateNames } from "./optimizers.ts";
import {
  noPreparation,
  type Preparation,
  type PreparationState,
  preparationNames,
} from "./preparation.ts";
import { Stream, splitSeed } from "./seed.ts";
import { Staging } from "./staging.ts";
import type { InferencePlan } from "./workspace.ts";

/**
 * The Gram step's loss and gradient are differences of numbers as large as the data. Below this loss,
 * relative to the data's mean square, too few digits are left and `auto` takes the direct step.
 */
const GRAM_LIMIT = 1e-3;

export class Engine {
  readonly config: ResolvedConfig;
  readonly core: Core;
  readonly layout: ParameterLayout;
  readonly preparation: Preparation;
  /** The rate of the next step, and the one that schedules start from. */
  learningRate: number;
  baseLearningRate: number;
  /** How far the last `fit` came. */
  run: RunState | undefined;
  /** Optimizer steps taken since the model was made. */
  stepCount = 0;
  /** Rows whose gradients the gradient block holds and no optimizer step has used. */
  #rowsAccumulated = 0;
  /** The last loss over the mean square of its data, where the Gram step was open; else NaN. */
  #lossRatio = Number.NaN;
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #network: Network;
  readonly #blocks: OptimizerBlocks;
  readonly #staging: Staging;

  constructor(config: ResolvedConfig, core: Core) {
    this.config = config;
    this.core = core;
    this.layout = layoutParameters(config.layers, config.bias, config.decoderBias);
    this.learningRate = config.optimizer.learningRate;
    this.baseLearningRate = this.learningRate;
    this.#kernels = core.kernels;
    this.#arena = new Arena(core.memory);
    const block = () => this.#arena.reserveFloats(this.layout.blockLength); // zeros, in a fresh memory
    const parameters = block();
    const gradients = block();
    const state = stateNames(config.optimizer).map(block);
    this.#blocks = { count: this.layout.blockLength, parameters, gradients, state };
    const width = config.layers[0] as number;
    this.preparation =
      preparationNames(config).length > 0
        ? new LearnedPreparation(core.kernels, this.#arena, config, width)
        : noPreparation;
    this.#network = new Network(
      core.kernels,
      this.#arena,
      config,
      this.layout,
      parameters,
      gradients,
    );
    this.#staging = new Staging(
      core.kernels,
      this.#arena,
      this.#network,
      this.preparation,
      splitSeed(config.seed),
      lossOp(config.loss).type === "bce" && config.scaler === undefined,
    );
    this.#arena.commit();
  }

  /** Draws fresh parameters as the configuration says. */
  initialize(): void {
    const { initializer, seed } = this.config;
    const { parameters } = this.#blocks;
    initializeParameters(
      this.#kernels,
      this.#arena,
      parameters,
      this.layout,
      initializer,
      splitSeed(seed),
    );
  }

  /** Values in a row of the input. */
  get width(): number {
    return this.#network.width;
  }

  /** Sets every parameter from the principal components of the rows of `x`. */
  async initializeFromComponents(x: Rows): Promise<void> {
    // Few programs need it: bundlers make a file of its own of what is imported here.
    const { initializeFromComponents } = await import("./initial/pca-initializer.ts");
    const target = {
      network: this.#network,
      staging: this.#staging,
      layout: this.layout,
      seed: splitSeed(this.config.seed),
      arena: this.#arena,
      kernels: this.#kernels,
      parameters: () => this.parameters,
    };
    await initializeFromComponents(target, x);
  }

  /** Bytes of linear memory the model holds. */
  get byteLength(): number {
    return this.#arena.byteLength;
  }

  /** A fresh view of the flat block of parameters. */
  get parameters(): Float32Array {
    return this.#arena.view(this.#blocks.parameters, this.#blocks.count);
  }

  /** A fresh view of the flat block of gradients. */
  get gradients(): Float32Array {
    return this.#arena.view(this.#blocks.gradients, this.#blocks.count);
  }

  /** The model by value; `training` adds the optimizer's state. Arrays are views into the arena. */
  checkpoint(training: boolean): Checkpoint {
    const { learningRate, baseLearningRate, stepCount, run } = this;
    const lossRatio = Number.isNaN(this.#lossRatio) ? null : this.#lossRatio;
    const blocks = this.#blocks.state.map((address) =>
      this.#arena.view(address, this.#blocks.count),
    );
    return {
      config: this.config,
      parameters: this.parameters,
      preparation: this.preparation.fitted ? this.preparation.state : undefined,
      training: training
        ? { learningRate, baseLearningRate, stepCount, lossRatio, run, blocks }
        : undefined,
    };
  }

  /** Takes up parameters and, where there is one, a training state. */
  restore(
    parameters: Float32Array,
    training: TrainingState | undefined,
    preparation: PreparationState | undefined,
  ): void {
    this.parameters.set(parameters);
    if (preparation) this.preparation.restore(preparation);
    if (!training) return;
    this.learningRate = training.learningRate;
    this.baseLearningRate = training.baseLearningRate;
    this.stepCount = training.stepCount;
    this.run = training.run;
    this.#lossRatio = training.lossRatio ?? Number.NaN;
    this.#blocks.state.forEach((address, i) => {
      this.#arena.view(address, this.#blocks.count).set(training.blocks[i] as Float32Array);
    });
  }

  // Training, in parts: stage a batch, accumulate its gradients, apply them.

  /** Throws unless every row can be trained on, as input or as target; changes nothing. */
  requireTrainable(rows: Rows, asTarget: boolean): void {
    this.#staging.requireTrainable(rows, asTarget);
  }

  /**
   * Forward and backward pass over rows [first, first + count) of a batch: adds `scale` times the
   * gradient of their mean loss and the penalties, and returns that loss.
   * @throws DivergenceError when the loss is not finite; the gradients are as they were.
   */
  accumulate(
    batch: Batch,
    first: number,
    count: number,
    scale: number,
    corruption?: Corruption,
  ): number {
    const network = this.#network;
    const draw = { step: this.stepCount, firstRow: this.#rowsAccumulated };
    const plan = this.#staging.training(batch, first, count, corruption, draw);
    const ownTarget = this.#staging.ownsTarget(batch, corruption);
    const target = ownTarget ? plan.target : plan.x;
    const known = Math.max(1, this.preparation.known(count * network.width, target));
    const squares =
      !ownTarget && this.#mayUseGram(count)
        ? this.#kernels.sumSquares(count * network.width, plan.x)
        : Number.NaN;
    const gram = squares > 0 && (this.config.gradient === "gram" || this.#lossRatio >= GRAM_LIMIT);
    const mean = gram
      ? network.forwardGram(plan, count, draw, scale, squares)
      : network.forward(plan, count, draw, scale, target, known);
    const loss = mean + network.penalty();
    if (!Number.isFinite(loss)) throw new DivergenceError(this.stepCount, loss);
    const before = this.#rowsAccumulated;
    this.#rowsAccumulated = 0; // a pass that a lost worker interrupts leaves no gradients
    network.backward(plan, count, draw, scale, before > 0, gram);
    if (squares > 0) this.#lossRatio = (mean * count * network.width) / squares;
    this.#rowsAccumulated = before + count;
    return loss;
  }

  /** Whether the Gram step is possible and would pay for `count` rows. Shapes alone decide. */
  #mayUseGram(count: number): boolean {
    const { gram } = this.#network;
    if (!gram) return false;
    return this.config.gradient === "gram" || count >= gram.breakEven;
  }

  /** One optimizer step on what was accumulated, which it uses up. */
  apply(): void {
    const { optimizer } = this.config;
    const step = this.stepCount + 1;
    applyOptimizer(this.#kernels, optimizer, this.#blocks, this.learningRate, step);
    this.stepCount = step;
    this.#rowsAccumulated = 0;
  }

  /** Adds `scale` times a block of gradients to what is accumulated. */
  addGradients(block: Float32Array, scale: number): void {
    const values = block.map((value) => value * scale);
    for (const { name, offset, length } of this.layout.tensors) {
      const index = values.subarray(offset, offset + length).findIndex((x) => !Number.isFinite(x));
      if (index < 0) continue;
      throw new InvalidValueError(
        `Gradients must be finite float32 numbers; element ${index} of ${name} is ${values[offset + index]}.`,
      );
    }
    const { gradients } = this;
    if (this.hasGradients) {
      for (let i = 0; i < values.length; i++) {
        gradients[i] = (gradients[i] as number) + (values[i] as number);
      }
    } else gradients.set(values);
    this.#rowsAccumulated += 1; // at least one row's, whatever the number
  }

  /** Forgets what was accumulated. */
  forgetGradients(): void {
    this.#rowsAccumulated = 0;
  }

  /** Whether something was accumulated that no optimizer step has used. */
  get hasGradients(): boolean {
    return this.#rowsAccumulated > 0;
  }

  /**
   * One optimizer step on a batch, whose gradients may be taken in `parts`; returns the loss before the
   * update. Anything accumulated is discarded.
   * @throws DivergenceError when the loss is not finite; the weights are as they were.
   */
  trainBatch(batch: Batch, parts = 1, corruption?: Corruption): number {
    const { first, count } = batch;
    this.forgetGradients();
    const part = Math.ceil(count / parts);
    // A part weighs by the values that count in it: by its rows, unless some are masked.
    const masks = parts > 1 && this.preparation.missing === "mask";
    const known = masks ? this.#known(batch, first, count, part) : undefined;
    let loss = 0;
    try {
      for (let row = 0; row < count; row += part) {
        const rows = Math.min(part, count - row);
        const share =
          known === undefined ? rows / count : this.#known(batch, first + row, rows) / known;
        loss += this.accumulate(batch, first + row, rows, share, corruption) * share;
      }
    } catch (error) {
      this.forgetGradients();
      throw error;
    }
    this.apply();
    return loss;
  }

  /** Values of a batch's rows that count in its loss, counted `part` rows at a time; at least 1. */
  #known(batch: Batch, first: number, count: number, part = count): number {
    const draw = { step: 0, firstRow: 0 };
    let known = 0;
    for (let row = 0; row < count; row += part) {
      const rows = Math.min(part, count - row);
      const plan = this.#staging.training(batch, first + row, rows, undefined, draw);
      known += this.preparation.known(rows * this.width, plan.target);
    }
    return Math.max(1, known);
  }

  /** A seeded permutation of `count` rows. It hangs on the seed and the epoch alone. */
  shuffledOrder(count: number, epoch: number): Uint32Array {
    const scratch = this.#network.scratch(count * 4);
    const { low, high } = splitSeed(this.config.seed);
    this.#kernels.permutation(count, scratch, low, high, epoch, Stream.shuffle);
    return new Uint32Array(this.core.memory.buffer, scratch, count).slice();
  }

  // Inference, in chunks through a bounded workspace.

  /** Runs rows through the encoder and returns their codes. */
  encode(x: Rows): Float32Array {
    const units = this.config.layers.at(-1) as number;
    const output = new Float32Array(x.count * units);
    this.#staging.chunks(x, 0, x.count, (plan, first, count) => {
      const code = this.#network.infer(plan, count, 0, this.#depth);
      output.set(this.#arena.view(code, count * units), first * units);
    });
    return output;
  }

  /** Runs codes through the decoder. */
  decode(code: Rows): Float32Array {
    const output = new Float32Array(code.count * this.width);
    this.#staging.codeChunks(code, (plan, first, count) => {
      this.#decodeTo(output, plan, first, count, this.#depth);
    });
    return output;
  }

  /** Runs rows through both. */
  reconstruct(x: Rows): Float32Array {
    const output = new Float32Array(x.count * this.width);
    this.#staging.chunks(x, 0, x.count, (plan, first, count) => {
      this.#decodeTo(output, plan, first, count, 0);
    });
    return output;
  }

  /** Mean squared error of each row's reconstruction, over the values that count. */
  rowErrors(x: Rows): Float32Array {
    const { width } = this;
    const output = new Float32Array(x.count);
    this.#errors(x, (plan, first, count, y, target) => {
      const missing = this.preparation.hideMissing(count, y, target);
      const errors = plan.outputs[y === plan.outputs[0] ? 1 : 0];
      this.#kernels.rowErrors(count, width, y, target, errors);
      output.set(this.#arena.view(errors, count), first);
      missing?.forEach((n, row) => {
        output[first + row] = ((output[first + row] as number) * width) / (width - n);
      });
    });
    return output;
  }

  /** Squared error of each element's reconstruction; NaN where the element does not count. */
  squaredErrors(x: Rows): Float32Array {
    const { width } = this;
    const output = new Float32Array(x.count * width);
    this.#errors(x, (_, first, count, y, target) => {
      this.#kernels.squaredErrors(count * width, y, target, y);
      output.set(this.#arena.view(y, count * width), first * width);
    });
    return output;
  }

  /** The mean loss over the elements of rows [first, end) that count, penalties left out. */
  evaluate(x: Rows, target: Rows | undefined, first = 0, end = x.count): number {
    const chunks = this.evaluation(x, target, first, end);
    for (;;) {
      const { done, value } = chunks.next();
      if (done) return value;
    }
  }

  /** `evaluate` with a pause after every chunk; other reads may come in between. */
  *evaluation(
    x: Rows,
    target: Rows | undefined,
    first: number,
    end: number,
  ): Generator<void, number, void> {
    const own = target ?? (this.preparation.missing === "mask" ? x : undefined);
    const chunk = this.#network.chunkRows(end - first);
    let sum = 0;
    let known = 0;
    for (let from = first; from < end; from += chunk) {
      this.#staging.chunks(x, from, Math.min(from + chunk, end), (plan, row, count) => {
        if (own) this.#staging.target(own, row, count, plan.target);
        const address = own ? plan.target : plan.x;
        this.#staging.requireTargets(own ?? x, row, count, address);
        known += this.preparation.known(count * this.width, address);
        sum += this.#network.inferLoss(plan, count, address);
      });
      yield;
    }
    return sum / known;
  }

  get #depth(): number {
    return this.layout.weights.length;
  }

  /** Runs a chunk from stage `from` to the output, in the data's units. */
  #decodeTo(
    output: Float32Array,
    plan: InferencePlan,
    first: number,
    count: number,
    from: number,
  ): void {
    const y = this.#network.infer(plan, count, from, 2 * this.#depth);
    this.preparation.unscale(count, y);
    output.set(this.#arena.view(y, count * this.width), first * this.width);
  }

  /** Reconstructs chunk by chunk, in scaled units: `y` beside what it should be, NaN where masked. */
  #errors(
    x: Rows,
    visit: (plan: InferencePlan, first: number, count: number, y: number, target: number) => void,
  ): void {
    const masks = this.preparation.missing === "mask";
    this.#staging.chunks(x, 0, x.count, (plan, first, count) => {
      const y = this.#network.infer(plan, count, 0, 2 * this.#depth);
      if (masks) this.#staging.target(x, first, count, plan.target);
      visit(plan, first, count, y, masks ? plan.target : plan.x);
    });
  }
}
