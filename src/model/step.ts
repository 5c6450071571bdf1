// One training step: a batch walks down once. It is staged; its target is decided; layers run forward; the loss;
// layers run backward; penalties; the optimizer; constraints. Nothing is allocated on the JavaScript heap.

import type { KernelExports } from "../core/generated/exports.ts";
import { DivergenceError } from "../errors.ts";
import type { Address } from "../layers/layer.ts";
import type { LossFunction } from "../losses/loss.ts";
import { applyOptimizer, type OptimizerConfig } from "../optimizers/index.ts";
import type { OptimizerBlocks } from "../optimizers/optimizer.ts";
import type { BoundConstraint } from "./bound-constraint.ts";
import type { GramStep } from "./gram.ts";
import type { Parameters } from "./parameters.ts";
import type { Preparation } from "./preparation.ts";
import type { Batch, Corruption, Staging } from "./staging.ts";
import type { TrainingPlan, Workspace } from "./workspace.ts";

/**
 * The Gram step's loss and gradient are differences of numbers as large as the data. Below this loss,
 * relative to the data's mean square, too few digits are left and `auto` takes the direct step.
 */
const GRAM_LIMIT = 1e-3;

/** What a training step works with. */
export interface StepParts {
  readonly kernels: KernelExports;
  readonly optimizer: OptimizerConfig;
  readonly blocks: OptimizerBlocks;
  readonly parameters: Parameters;
  readonly preparation: Preparation;
  readonly workspace: Workspace;
  readonly staging: Staging;
  readonly loss: LossFunction;
  readonly constraint: BoundConstraint;
  /** The Gram step, where the model may take it, and whether it always does. */
  readonly gram: GramStep | undefined;
  readonly alwaysGram: boolean;
}

/** What training changes beside the parameters and the optimizer's blocks. */
export interface Progress {
  /** The rate of the next step. */
  learningRate: number;
  /** The rate that schedules start from. */
  baseLearningRate: number;
  /** Optimizer steps taken since the model was made. */
  stepCount: number;
  /** The last loss over the mean square of its data, where the Gram step was open; else NaN. */
  lossRatio: number;
}

export class TrainingStep {
  readonly progress: Progress;
  readonly #parts: StepParts;
  readonly #masks: boolean;
  readonly #width: number;
  /** What the loss looks at; one object serves all steps. */
  readonly #lossInput = { rows: 0, width: 0, masked: 0, y: 0, target: 0, partials: 0 };
  /** Rows whose gradients the gradient block holds and no optimizer step has used. */
  #rowsAccumulated = 0;
  #known = 0;

  constructor(parts: StepParts) {
    const { learningRate } = parts.optimizer;
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

  /** Values that counted in the loss of the last batch. */
  get known(): number {
    return this.#known;
  }

  /** Whether something was accumulated that no optimizer step has used. */
  get hasGradients(): boolean {
    return this.#rowsAccumulated > 0;
  }

  /** Forgets what was accumulated. */
  forgetGradients(): void {
    this.#rowsAccumulated = 0;
  }

  /** Says that gradients were written to the gradient block from elsewhere. */
  countForeignGradients(): void {
    this.#rowsAccumulated += 1; // at least one row's, whatever the number
  }

  /**
   * One optimizer step on a batch, which passes through the layers in `parts`; returns the loss before the
   * update. Anything accumulated is discarded once the batch is known to be valid.
   * @throws DivergenceError when the loss is not finite; the weights are as they were.
   */
  train(batch: Batch, parts = 1, corruption?: Corruption): number {
    const { staging } = this.#parts;
    const { count } = batch;
    const part = Math.ceil(count / parts);
    const plan = staging.stage(batch, part, corruption, this.progress.stepCount, 0);
    const target = staging.targetOf(plan, batch, corruption);
    this.#known = this.#count(target, count);
    this.forgetGradients();
    let loss = 0;
    try {
      for (let row = 0; row < count; row += part) {
        const rows = Math.min(part, count - row);
        // Weight each part by its share of the values that count; of none, by its share of the rows.
        const share =
          this.#masks && this.#known > 0
            ? this.#count(this.#at(target, row), rows) / this.#known
            : rows / count;
        loss +=
          this.#accumulate(plan, this.#at(plan.x, row), this.#at(target, row), rows, share) * share;
      }
    } catch (error) {
      this.forgetGradients();
      throw error;
    }
    this.apply();
    return loss;
  }

  /**
   * Forward and backward pass over a batch: adds `scale` times the gradient of its mean loss and of the
   * penalties, and returns that loss.
   * @throws DivergenceError when the loss is not finite; the gradients are as they were.
   */
  accumulate(batch: Batch, scale: number): number {
    const { staging } = this.#parts;
    const { stepCount } = this.progress;
    const plan = staging.stage(batch, batch.count, undefined, stepCount, this.#rowsAccumulated);
    const target = staging.targetOf(plan, batch, undefined);
    this.#known = this.#count(target, batch.count);
    return this.#accumulate(plan, plan.x, target, batch.count, scale);
  }

  /** One optimizer step on what was accumulated, which it uses up. */
  apply(): void {
    const { kernels, optimizer, blocks, constraint } = this.#parts;
    const { progress } = this;
    const step = progress.stepCount + 1;
    constraint.project();
    applyOptimizer(kernels, optimizer, blocks, progress.learningRate, step);
    constraint.apply();
    progress.stepCount = step;
    this.#rowsAccumulated = 0;
  }

  /** One pass of `rows` rows at `x` and `target` [rows, width]. */
  #accumulate(
    plan: TrainingPlan,
    x: Address,
    target: Address,
    rows: number,
    scale: number,
  ): number {
    const { kernels, parameters, loss } = this.#parts;
    const { pass } = plan;
    const before = this.#rowsAccumulated;
    pass.rows = rows;
    pass.scale = scale;
    pass.step = this.progress.stepCount;
    pass.firstRow = before;
    pass.logits = loss.readsLogits;
    const elements = rows * this.#width;
    const squares = this.#gramIsOpen(rows, x === target)
      ? kernels.sumSquares(elements, x)
      : Number.NaN;
    let gram = this.#takesGram(squares) ? plan.gram : undefined;
    let mean = gram ? gram.forward(pass, x, squares) : Number.NaN;
    if (gram && !Number.isFinite(mean) && !this.#parts.alwaysGram) gram = undefined; // it overflows earlier
    if (!gram) mean = this.#forward(plan, x, target);
    const total = mean + this.#penalties(plan);
    if (!Number.isFinite(total)) throw new DivergenceError(this.progress.stepCount, total);
    this.#rowsAccumulated = 0; // a pass that a lost worker interrupts leaves no gradients
    parameters.beginGradients(before > 0);
    if (gram) gram.backward(pass);
    else this.#backward(plan);
    parameters.endGradients(kernels);
    for (const penalty of plan.penalties) penalty.weightGradient?.(pass);
    if (squares > 0) this.progress.lossRatio = (mean * elements) / squares;
    this.#rowsAccumulated = before + rows;
    return total;
  }

  /** Runs `x` through all layers, and leaves the gradient at the output; returns the mean loss. */
  #forward(plan: TrainingPlan, x: Address, target: Address): number {
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
    let mean = loss.gradient(kernels, input, pass.scale / known, plan.dy) / known;
    for (const layer of layers) mean += layer.ownLoss?.(pass, y, target) ?? 0;
    return mean;
  }

  /** Takes the gradient at the output back to the input. */
  #backward({ pass, layers, dy, codeEnd, penalties, code }: TrainingPlan): void {
    let d = dy;
    for (let i = layers.length - 1; i >= 0; i--) {
      d = layers[i]?.backward(pass, d) ?? d;
      if (i !== codeEnd) continue;
      for (const penalty of penalties) penalty.codeGradient?.(pass, code, d);
    }
  }

  /** The penalties on weights, on the code and on sums, after a forward pass. */
  #penalties({ pass, penalties, code }: TrainingPlan): number {
    let sum = 0;
    for (const penalty of penalties) sum += penalty.value(pass, code);
    return sum;
  }

  /** Whether the Gram step is possible and would pay for `rows` rows. Shapes alone decide. */
  #gramIsOpen(rows: number, isOwnTarget: boolean): boolean {
    const { gram, alwaysGram } = this.#parts;
    return gram !== undefined && isOwnTarget && (alwaysGram || rows >= gram.breakEven);
  }

  /** Whether enough digits would be left; `squares` is the sum of the squares of the data. */
  #takesGram(squares: number): boolean {
    return squares > 0 && (this.#parts.alwaysGram || this.progress.lossRatio >= GRAM_LIMIT);
  }

  /** Row `row` of a matrix of the model's width. */
  #at(matrix: Address, row: number): Address {
    return matrix + row * this.#width * 4;
  }

  /** How many values of `rows` rows count in a loss. */
  #count(target: Address, rows: number): number {
    return this.#parts.preparation.known(rows * this.#width, target);
  }
}
