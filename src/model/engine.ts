// A live model: parameters, gradients and optimizer state in one arena, and the two things done with
// them, a training step in its parts and inference in bounded chunks. Public argument checks are in
// autoencoder.ts, the loop over epochs in trainer.ts.

import { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { Core } from "../core/load.ts";
import { DivergenceError, InvalidValueError } from "../errors.ts";
import type { Checkpoint, TrainingState } from "./checkpoint.ts";
import type { ResolvedConfig } from "./config.ts";
import { initializeParameters } from "./initializers.ts";
import type { Rows } from "./input.ts";
import { layoutParameters, type ParameterLayout } from "./layout.ts";
import { Network } from "./network.ts";
import { applyOptimizer, type OptimizerBlocks, stateNames } from "./optimizers.ts";
import { Stream, splitSeed } from "./seed.ts";
import type { InferencePlan, TrainingPlan } from "./workspace.ts";

const NOT_FOUND = 0xffff_ffff;

/**
 * The Gram step's loss and gradient are differences of numbers as large as the data. Below this loss,
 * relative to the data's mean square, too few digits are left and `auto` takes the direct step.
 */
const GRAM_LIMIT = 1e-3;

export class Engine {
  readonly core: Core;
  readonly layout: ParameterLayout;
  learningRate: number;
  /** Optimizer steps taken since the model was made. */
  stepCount = 0;
  /** Rows whose gradients the gradient block holds and no optimizer step has used. */
  #rowsAccumulated = 0;
  /** Whether the staged batch has a target other than its input. */
  #stagedTarget = false;
  /** The last loss over the mean square of its data, where the Gram step was open; else NaN. */
  #lossRatio = Number.NaN;
  readonly #config: ResolvedConfig;
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #network: Network;
  readonly #blocks: OptimizerBlocks;

  constructor(config: ResolvedConfig, core: Core) {
    this.core = core;
    this.layout = layoutParameters(config.layers, config.bias, config.decoderBias);
    this.learningRate = config.optimizer.learningRate;
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
    const { learningRate, stepCount } = this;
    const lossRatio = Number.isNaN(this.#lossRatio) ? null : this.#lossRatio;
    const blocks = this.#blocks.state.map((address) =>
      this.#arena.view(address, this.#blocks.count),
    );
    return {
      config: this.#config,
      parameters: this.parameters,
      training: training ? { learningRate, stepCount, lossRatio, blocks } : undefined,
    };
  }

  /** Takes up parameters and, where there is one, a training state. */
  restore(parameters: Float32Array, training: TrainingState | undefined): void {
    this.parameters.set(parameters);
    if (!training) return;
    this.learningRate = training.learningRate;
    this.stepCount = training.stepCount;
    this.#lossRatio = training.lossRatio ?? Number.NaN;
    this.#blocks.state.forEach((address, i) => {
      this.#arena.view(address, this.#blocks.count).set(training.blocks[i] as Float32Array);
    });
  }

  // Training, in parts: stage a batch, accumulate its gradients, apply them.

  /** Copies rows [first, first + count) in as the next training batch and checks that they are finite. */
  stage(x: Rows, target: Rows | undefined, first: number, count: number): TrainingPlan {
    const plan = this.#network.planTraining(count, target !== undefined);
    const into = (rows: Rows, address: number) => {
      rows.copy(first, count, this.#arena.heap, address / 4);
      this.#requireFinite(rows, first, count, address);
    };
    into(x, plan.x);
    if (target) into(target, plan.target);
    this.#stagedTarget = target !== undefined;
    return plan;
  }

  /** Copies the rows that `order` names from `first` on. They must have passed `requireFiniteRows`. */
  stageShuffled(
    x: Rows,
    target: Rows | undefined,
    order: Uint32Array,
    first: number,
    count: number,
  ): TrainingPlan {
    const plan = this.#network.planTraining(count, target !== undefined);
    this.#gather(x, order, first, count, plan.x);
    if (target) this.#gather(target, order, first, count, plan.target);
    this.#stagedTarget = target !== undefined;
    return plan;
  }

  /** Throws unless every value of the rows [first, end) is a finite float32; changes nothing. */
  requireFiniteRows(rows: Rows, first: number, end: number): void {
    const check = (plan: InferencePlan, row: number, count: number) =>
      this.#requireFinite(rows, row, count, plan.x);
    this.#inChunks(rows, check, first, end);
  }

  /**
   * Forward and backward pass over the staged batch: adds `scale` times the gradient of its mean loss
   * and penalties, and returns that loss.
   * @throws DivergenceError when the loss is not finite; the gradients are as they were.
   */
  accumulate(plan: TrainingPlan, count: number, scale: number): number {
    const network = this.#network;
    const draw = { step: this.stepCount, firstRow: this.#rowsAccumulated };
    const target = this.#stagedTarget ? plan.target : plan.x;
    const squares = this.#mayUseGram(count)
      ? this.#kernels.sumSquares(count * network.width, plan.x)
      : Number.NaN;
    const gram = squares > 0 && (this.#config.gradient === "gram" || this.#lossRatio >= GRAM_LIMIT);
    const mean = gram
      ? network.forwardGram(plan, count, draw, scale, squares)
      : network.forward(plan, count, draw, scale, target);
    const loss = mean + network.penalty();
    if (!Number.isFinite(loss)) throw new DivergenceError(this.stepCount, loss);
    network.backward(plan, count, draw, scale, this.hasGradients, gram);
    if (squares > 0) this.#lossRatio = (mean * count * network.width) / squares;
    this.#rowsAccumulated += count;
    return loss;
  }

  /** Whether the staged batch allows the Gram step, and whether it would pay. Shapes alone decide. */
  #mayUseGram(count: number): boolean {
    const { gram } = this.#network;
    if (!gram || this.#stagedTarget) return false;
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

  /** Gradients of the staged batch and one optimizer step; returns the loss before the update. */
  step(plan: TrainingPlan, count: number): number {
    this.forgetGradients();
    const loss = this.accumulate(plan, count, 1);
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
    this.#inChunks(x, (plan, first, count) => {
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
    this.#inChunks(x, (plan, first, count) => {
      const y = this.#network.infer(plan, count, 0, 2 * this.#depth);
      this.#kernels.squaredErrors(count * width, y, plan.x, y);
      output.set(this.#arena.view(y, count * width), first * width);
    });
    return output;
  }

  /** The mean loss over all elements of the rows [first, end), penalties left out. */
  evaluate(x: Rows, target: Rows | undefined, first = 0, end = x.count): number {
    let sum = 0;
    this.#inChunks(
      x,
      (plan, row, count) => {
        if (target) target.copy(row, count, this.#arena.heap, plan.target / 4);
        sum += this.#network.inferLoss(plan, count, target ? plan.target : plan.x);
      },
      first,
      end,
    );
    return sum / ((end - first) * this.#network.width);
  }

  get #depth(): number {
    return this.layout.weights.length;
  }

  #map(x: Rows, from: number, to: number): Float32Array {
    const width = this.#network.stages[to - 1]?.outputs ?? 0;
    const output = new Float32Array(x.count * width);
    this.#inChunks(x, (plan, first, count) => {
      const y = this.#network.infer(plan, count, from, to);
      output.set(this.#arena.view(y, count * width), first * width);
    });
    return output;
  }

  /** Copies rows in chunk by chunk and hands each over with the number of its first row. */
  #inChunks(
    x: Rows,
    visit: (plan: InferencePlan, first: number, count: number) => void,
    first = 0,
    end = x.count,
  ): void {
    const chunk = this.#network.chunkRows(end - first);
    const plan = this.#network.planInference(chunk);
    for (let row = first; row < end; row += chunk) {
      const count = Math.min(chunk, end - row);
      x.copy(row, count, this.#arena.heap, plan.x / 4);
      visit(plan, row, count);
    }
  }

  #gather(rows: Rows, order: Uint32Array, first: number, count: number, address: number): void {
    const { heap } = this.#arena;
    for (let i = 0; i < count; i++) {
      rows.copy(order[first + i] as number, 1, heap, address / 4 + i * rows.width);
    }
  }

  #requireFinite(rows: Rows, first: number, count: number, address: number): void {
    const found = this.#kernels.firstNonFinite(count * rows.width, address) >>> 0;
    if (found === NOT_FOUND) return;
    const row = first + Math.floor(found / rows.width);
    const value = this.#arena.heap[address / 4 + found];
    throw new InvalidValueError(
      `Row ${row}, column ${found % rows.width} of ${rows.name} is ${value}; training data must be finite float32 numbers.`,
    );
  }
}
