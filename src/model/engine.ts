// A live model: parameters, gradients and optimizer state in one arena, and the two things done with
// them, a training step in its parts and inference in bounded chunks. Public argument checks are in
// autoencoder.ts, the loop over epochs in trainer.ts.

import { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { Core } from "../core/load.ts";
import { DivergenceError } from "../errors.ts";
import type { Batch } from "./batches.ts";
import type { Checkpoint, TrainingState } from "./checkpoint.ts";
import type { ResolvedConfig } from "./config.ts";
import type { Corruption } from "./corruption.ts";
import { initializeParameters } from "./initializers.ts";
import type { Rows } from "./input.ts";
import { layoutParameters, type ParameterLayout } from "./layout.ts";
import { Network } from "./network.ts";
import { applyOptimizer, type OptimizerBlocks, stateNames } from "./optimizers.ts";
import type { RunState } from "./run-state.ts";
import { Stream, splitSeed } from "./seed.ts";
import { Staging } from "./staging.ts";

/**
 * The Gram step's loss and gradient are differences of numbers as large as the data. Below this loss,
 * relative to the data's mean square, too few digits are left and `auto` takes the direct step.
 */
const GRAM_LIMIT = 1e-3;

export class Engine {
  readonly core: Core;
  readonly layout: ParameterLayout;
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
  readonly #config: ResolvedConfig;
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #network: Network;
  readonly #blocks: OptimizerBlocks;
  readonly #staging: Staging;

  constructor(config: ResolvedConfig, core: Core) {
    this.core = core;
    this.layout = layoutParameters(config.layers, config.bias, config.decoderBias);
    this.learningRate = config.optimizer.learningRate;
    this.baseLearningRate = this.learningRate;
    this.#config = config;
    this.#kernels = core.kernels;
    this.#arena = new Arena(core.memory);
    const block = () => {
      const address = this.#arena.reserveFloats(this.layout.blockLength);
      core.kernels.fill(this.layout.blockLength, address, 0);
      return address;
    };
    const parameters = block();
    const gradients = block();
    const state = stateNames(config.optimizer).map(block);
    this.#blocks = { count: this.layout.blockLength, parameters, gradients, state };
    this.#network = new Network(
      core.kernels,
      this.#arena,
      config,
      this.layout,
      parameters,
      gradients,
    );
    this.#staging = new Staging(core.kernels, this.#arena, this.#network, splitSeed(config.seed));
  }

  /** Draws fresh parameters as the configuration says. */
  initialize(): void {
    const { initializer, seed } = this.#config;
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
      config: this.#config,
      parameters: this.parameters,
      training: training
        ? { learningRate, baseLearningRate, stepCount, lossRatio, run, blocks }
        : undefined,
    };
  }

  /** Takes up parameters and, where there is one, a training state. */
  restore(parameters: Float32Array, training: TrainingState | undefined): void {
    this.parameters.set(parameters);
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

  /** Throws unless every value of the rows [first, end) is a finite float32; changes nothing. */
  requireFiniteRows(rows: Rows, first: number, end: number): void {
    this.#staging.requireFiniteRows(rows, first, end);
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
    const ownTarget = batch.target !== undefined || corruption !== undefined;
    const squares =
      !ownTarget && this.#mayUseGram(count)
        ? this.#kernels.sumSquares(count * network.width, plan.x)
        : Number.NaN;
    const gram = squares > 0 && (this.#config.gradient === "gram" || this.#lossRatio >= GRAM_LIMIT);
    const mean = gram
      ? network.forwardGram(plan, count, draw, scale, squares)
      : network.forward(plan, count, draw, scale, ownTarget ? plan.target : plan.x);
    const loss = mean + network.penalty();
    if (!Number.isFinite(loss)) throw new DivergenceError(this.stepCount, loss);
    network.backward(plan, count, draw, scale, this.hasGradients, gram);
    if (squares > 0) this.#lossRatio = (mean * count * network.width) / squares;
    this.#rowsAccumulated += count;
    return loss;
  }

  /** Whether the Gram step is possible and would pay for `count` rows. Shapes alone decide. */
  #mayUseGram(count: number): boolean {
    const { gram } = this.#network;
    if (!gram) return false;
    return this.#config.gradient === "gram" || count >= gram.breakEven;
  }

  /** One optimizer step on what was accumulated, which it uses up. */
  apply(): void {
    const { optimizer } = this.#config;
    this.stepCount += 1;
    applyOptimizer(this.#kernels, optimizer, this.#blocks, this.learningRate, this.stepCount);
    this.#rowsAccumulated = 0;
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
    let loss = 0;
    try {
      for (let row = 0; row < count; row += part) {
        const rows = Math.min(part, count - row);
        const share = rows / count;
        loss += this.accumulate(batch, first + row, rows, share, corruption) * share;
      }
    } catch (error) {
      this.forgetGradients();
      throw error;
    }
    this.apply();
    return loss;
  }

  /** A seeded permutation of `count` rows. It hangs on the seed and the epoch alone. */
  shuffledOrder(count: number, epoch: number): Uint32Array {
    const scratch = this.#network.scratch(count * 4);
    const { low, high } = splitSeed(this.#config.seed);
    this.#kernels.permutation(count, scratch, low, high, epoch, Stream.shuffle);
    return new Uint32Array(this.core.memory.buffer, scratch, count).slice();
  }

  // Inference, in chunks through a bounded workspace.

  /** Runs rows through the encoder and returns their codes. */
  encode(x: Rows): Float32Array {
    return this.#map(x, 0, this.#depth);
  }

  /** Runs codes through the decoder. */
  decode(code: Rows): Float32Array {
    return this.#map(code, this.#depth, 2 * this.#depth);
  }

  /** Runs rows through both. */
  reconstruct(x: Rows): Float32Array {
    return this.#map(x, 0, 2 * this.#depth);
  }

  /** Mean squared error of each row's reconstruction. */
  rowErrors(x: Rows): Float32Array {
    const { width } = this.#network;
    const output = new Float32Array(x.count);
    this.#staging.chunks(x, 0, x.count, (plan, first, count) => {
      const y = this.#network.infer(plan, count, 0, 2 * this.#depth);
      this.#kernels.rowErrors(count, width, y, plan.x, plan.target);
      output.set(this.#arena.view(plan.target, count), first);
    });
    return output;
  }

  /** Squared error of each element's reconstruction. */
  squaredErrors(x: Rows): Float32Array {
    const { width } = this.#network;
    const output = new Float32Array(x.count * width);
    this.#staging.chunks(x, 0, x.count, (plan, first, count) => {
      const y = this.#network.infer(plan, count, 0, 2 * this.#depth);
      this.#kernels.squaredErrors(count * width, y, plan.x, y);
      output.set(this.#arena.view(y, count * width), first * width);
    });
    return output;
  }

  /** The mean loss over all elements of the rows [first, end), penalties left out. */
  evaluate(x: Rows, target: Rows | undefined, first = 0, end = x.count): number {
    let sum = 0;
    this.#staging.chunks(x, first, end, (plan, row, count) => {
      if (target) target.copy(row, count, this.#arena.heap, plan.target / 4);
      sum += this.#network.inferLoss(plan, count, target ? plan.target : plan.x);
    });
    return sum / ((end - first) * this.#network.width);
  }

  get #depth(): number {
    return this.layout.weights.length;
  }

  #map(x: Rows, from: number, to: number): Float32Array {
    const width = this.#network.stages[to - 1]?.outputs ?? 0;
    const output = new Float32Array(x.count * width);
    this.#staging.chunks(x, 0, x.count, (plan, first, count) => {
      const y = this.#network.infer(plan, count, from, to);
      output.set(this.#arena.view(y, count * width), first * width);
    });
    return output;
  }
}
