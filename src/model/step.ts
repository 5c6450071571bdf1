// One training step, from top to bottom: stage the batch, decide its target, run the layers forward, compute the loss and
// the penalties, run the layers backward, then run the optimizer and the constraint. A step allocates only a few numbers
// on the JavaScript heap. scripts/heap-growth.mjs checks that.

import type { KernelExports } from "../core/generated/exports.ts";
import { DivergenceError } from "../errors.ts";
import type { Address } from "../layers/layer.ts";
import type { LossFunction } from "../losses/loss.ts";
import type { Optimizer, OptimizerBlocks, OptimizerStep } from "../optimizers/optimizer.ts";
import type { BoundConstraint } from "./bound-constraint.ts";
import type { GramStep, PlannedGram } from "./gram.ts";
import type { Parameters } from "./parameters.ts";
import type { Preparation } from "./preparation.ts";
import type { Batch, Corruption, Staging } from "./staging.ts";
import type { TrainingPlan, Workspace } from "./workspace.ts";

/**
 * The loss and the gradient of the Gram step are differences of numbers as large as the data. If the loss, divided by the
 * mean square of the data, is below this limit, too few digits remain, and `auto` takes the direct step.
 */
const GRAM_LIMIT = 1e-3;

/** The parts of a model that a training step uses. */
export interface StepParts {
  readonly kernels: KernelExports;
  readonly optimizer: Optimizer;
  /** The initial learning rate. */
  readonly learningRate: number;
  readonly blocks: OptimizerBlocks;
  readonly parameters: Parameters;
  readonly preparation: Preparation;
  readonly workspace: Workspace;
  readonly staging: Staging;
  readonly loss: LossFunction;
  readonly constraint: BoundConstraint;
  /** The Gram step, if the model supports it, and whether to always take it. */
  readonly gram: GramStep | undefined;
  readonly alwaysGram: boolean;
}

/** The values that training changes besides the parameters and the optimizer's blocks. */
export interface Progress {
  /** The learning rate of the next step. */
  learningRate: number;
  /** The initial learning rate of schedules. */
  baseLearningRate: number;
  /** The number of optimizer steps taken since the model was made. */
  stepCount: number;
  /** The last loss divided by the mean square of its data, if the Gram step was possible. Otherwise NaN. */
  lossRatio: number;
}

export class TrainingStep {
  readonly progress: Progress;
  readonly #parts: StepParts;
  readonly #masks: boolean;
  readonly #width: number;
  /** The input of the loss. One object serves all steps. */
  readonly #lossInput = { rows: 0, width: 0, masked: 0, y: 0, target: 0, partials: 0 };
  /** The settings of the optimizer's step. One object serves all steps. NaN makes V8 store these fields as floats. */
  readonly #optimizerStep: OptimizerStep = {
    learningRate: Number.NaN,
    number: 0,
    scale: Number.NaN,
  };
  /** The number of rows whose gradients were accumulated since the last optimizer step. */
  #rowsAccumulated = 0;
  // Results are stored in fields: a float that a method returns would be allocated on the heap.
  #known = 0;
  #loss = Number.NaN;
  /** The mean loss of the last pass, including penalties at its end. */
  #passLoss = Number.NaN;

  constructor(parts: StepParts) {
    const { learningRate } = parts;
    this.#parts = parts;
    this.#masks = parts.preparation.missing === "mask";
    this.#width = parts.workspace.width;
    this.#lossInput.width = this.#width;
    this.#lossInput.masked = this.#masks ? 1 : 0;
    this.progress = {
      learningRate,
      baseLearningRate: learningRate,
      stepCount: 0,
      lossRatio: Number.NaN,
    };
  }

  /** The loss of the last batch before its update, including penalties. */
  get loss(): number {
    return this.#loss;
  }

  /** The number of known values in the target of the last batch. */
  get known(): number {
    return this.#known;
  }

  /** Whether gradients were accumulated since the last optimizer step. */
  get hasGradients(): boolean {
    return this.#rowsAccumulated > 0;
  }

  /** Discards the accumulated gradients. */
  forgetGradients(): void {
    this.#rowsAccumulated = 0;
  }

  /** Records that a caller has written gradients to the gradient block. */
  countExternalGradients(): void {
    this.#rowsAccumulated += 1; // the number of rows is unknown, and at least one
  }

  /**
   * One optimizer step on a batch, which passes through the layers in `microBatches` parts. Afterwards `loss` is its loss
   * before the update. Accumulated gradients are discarded after the batch was checked.
   * @throws DivergenceError when the loss is not finite. The weights are then unchanged.
   */
  train(batch: Batch, microBatches = 1, corruption?: Corruption): void {
    const { staging } = this.#parts;
    const { count } = batch;
    const passRows = Math.ceil(count / microBatches);
    const plan = staging.stage(batch, passRows, corruption, this.progress.stepCount, 0);
    const target = staging.targetOf(plan, batch, corruption);
    this.#known = this.#count(target, count);
    this.forgetGradients();
    this.#loss = 0;
    try {
      for (let row = 0; row < count; row += passRows) {
        const rows = Math.min(passRows, count - row);
        // Weight each micro-batch by its share of the known values, or of the rows if there are no known values.
        const share =
          this.#masks && this.#known > 0
            ? this.#count(this.#at(target, row), rows) / this.#known
            : rows / count;
        this.#accumulate(plan, this.#at(plan.x, row), this.#at(target, row), rows, share);
        this.#loss += this.#passLoss * share;
      }
    } catch (error) {
      this.forgetGradients();
      throw error;
    }
    this.apply();
  }

  /**
   * Forward and backward pass over a batch. Adds `scale` times the gradient of its mean loss and of the penalties.
   * Afterwards `loss` is that loss.
   * @throws DivergenceError when the loss is not finite. The gradients are then unchanged.
   */
  accumulate(batch: Batch, scale: number): void {
    const { staging } = this.#parts;
    const { stepCount } = this.progress;
    const plan = staging.stage(batch, batch.count, undefined, stepCount, this.#rowsAccumulated);
    const target = staging.targetOf(plan, batch, undefined);
    this.#known = this.#count(target, batch.count);
    this.#accumulate(plan, plan.x, target, batch.count, scale);
    this.#loss = this.#passLoss;
  }

  /** One optimizer step with the accumulated gradients. Later gradients start from zero. */
  apply(): void {
    const { optimizer, blocks, constraint } = this.#parts;
    const { progress } = this;
    const step = this.#optimizerStep;
    step.learningRate = progress.learningRate;
    step.number = progress.stepCount + 1;
    constraint.project();
    optimizer(blocks, step);
    constraint.apply();
    progress.stepCount = step.number;
    this.#rowsAccumulated = 0;
  }

  /** Forward and backward pass over `rows` rows at `x` and `target` [rows, width]. */
  #accumulate(plan: TrainingPlan, x: Address, target: Address, rows: number, scale: number): void {
    const { kernels, parameters, loss } = this.#parts;
    const { pass } = plan;
    const before = this.#rowsAccumulated;
    pass.rows = rows;
    pass.scale = scale;
    pass.step = this.progress.stepCount;
    pass.firstRow = before;
    pass.logits = loss.readsLogits;
    const elements = rows * this.#width;
    const open = this.#gramIsOpen(rows, x === target) ? plan.gram : undefined;
    open?.measure(pass, x);
    let gram = open && this.#takesGram(open) ? open : undefined;
    gram?.forward(pass, x);
    // The Gram step can overflow where the direct step does not.
    if (gram && !Number.isFinite(gram.loss) && !this.#parts.alwaysGram) gram = undefined;
    if (gram) this.#passLoss = gram.loss;
    else this.#forward(plan, x, target);
    const mean = this.#passLoss;
    const total = mean + this.#penalties(plan);
    if (!Number.isFinite(total)) throw new DivergenceError(this.progress.stepCount, total);
    this.#rowsAccumulated = 0; // if a lost worker interrupts the pass, its gradients are invalid
    parameters.beginGradients(before > 0);
    if (gram) gram.backward(pass);
    else this.#backward(plan);
    parameters.endGradients(kernels);
    for (const penalty of plan.penalties) penalty.weightGradient?.(pass);
    if (open && open.squares > 0) this.progress.lossRatio = (mean * elements) / open.squares;
    this.#rowsAccumulated = before + rows;
    this.#passLoss = total;
  }

  /** Runs `x` through all layers. Computes the mean loss and the gradient at the output. */
  #forward(plan: TrainingPlan, x: Address, target: Address): void {
    const { kernels, preparation, loss } = this.#parts;
    const { pass, layers } = plan;
    let y = x;
    for (const layer of layers) y = layer.forward(pass, y);
    const input = this.#lossInput;
    const known = Math.max(1, preparation.known(pass.rows * this.#width, target));
    input.rows = pass.rows;
    input.y = y;
    input.target = target;
    input.partials = plan.partials;
    this.#passLoss = loss.gradient(kernels, input, pass.scale / known, plan.dy) / known;
    for (const layer of layers) {
      if (layer.ownLoss) this.#passLoss += layer.ownLoss(pass, y, target);
    }
  }

  /** Runs the layers backward, and adds the gradients of penalties on the code. */
  #backward({ pass, layers, dy, codeEnd, penalties, code }: TrainingPlan): void {
    let d = dy;
    for (let i = layers.length - 1; i >= 0; i--) {
      d = layers[i]?.backward(pass, d) ?? d;
      if (i !== codeEnd) continue;
      for (const penalty of penalties) penalty.codeGradient?.(pass, code, d);
    }
  }

  /** The sum of all penalties, after a forward pass. */
  #penalties({ pass, penalties, code }: TrainingPlan): number {
    let sum = 0;
    for (const penalty of penalties) sum += penalty.value(pass, code);
    return sum;
  }

  /** Whether the Gram step is possible, and less work for `rows` rows. Depends on shapes only. */
  #gramIsOpen(rows: number, isOwnTarget: boolean): boolean {
    const { gram, alwaysGram } = this.#parts;
    return gram !== undefined && isOwnTarget && (alwaysGram || rows >= gram.breakEven);
  }

  /** Whether the Gram step would be precise enough. */
  #takesGram({ squares }: PlannedGram): boolean {
    return squares > 0 && (this.#parts.alwaysGram || this.progress.lossRatio >= GRAM_LIMIT);
  }

  /** The address of row `row` of a matrix [rows, width]. */
  #at(matrix: Address, row: number): Address {
    return matrix + row * this.#width * 4;
  }

  /** How many values of `rows` rows are known and count in a loss. */
  #count(target: Address, rows: number): number {
    return this.#parts.preparation.known(rows * this.#width, target);
  }
}
