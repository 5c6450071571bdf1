// One training step: a batch walks down once. It is staged; its target is decided; layers run forward; the loss;
// layers run backward; penalties; the optimizer; constraints. A step leaves no more than a few numbers on the JavaScript
// heap: scripts/heap-growth.mjs holds that.

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
 * The Gram step's loss and gradient are differences of numbers as large as the data. Below this loss,
 * relative to the data's mean square, too few digits are left and `auto` takes the direct step.
 */
const GRAM_LIMIT = 1e-3;

/** What a training step works with. */
export interface StepParts {
  readonly kernels: KernelExports;
  readonly optimizer: Optimizer;
  /** The rate to begin with. */
  readonly learningRate: number;
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
  /** What the optimizer looks at; one object serves all steps. Its fractions begin as such, as NaN does. */
  readonly #optimizerStep: OptimizerStep = {
    learningRate: Number.NaN,
    number: 0,
    scale: Number.NaN,
  };
  /** Rows whose gradients the gradient block holds and no optimizer step has used. */
  #rowsAccumulated = 0;
  // What a step finds out stays in fields: a fraction that a method returns would be an object on the heap.
  #known = 0;
  #loss = Number.NaN;
  /** The mean loss of the last pass; penalties are added to it. */
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

  /** The loss of the last batch before its update, penalties included. */
  get loss(): number {
    return this.#loss;
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
   * One optimizer step on a batch, which passes through the layers in `parts`; `loss` is then its loss before
   * the update. Anything accumulated is discarded once the batch is known to be valid.
   * @throws DivergenceError when the loss is not finite; the weights are as they were.
   */
  train(batch: Batch, parts = 1, corruption?: Corruption): void {
    const { staging } = this.#parts;
    const { count } = batch;
    const part = Math.ceil(count / parts);
    const plan = staging.stage(batch, part, corruption, this.progress.stepCount, 0);
    const target = staging.targetOf(plan, batch, corruption);
    this.#known = this.#count(target, count);
    this.forgetGradients();
    this.#loss = 0;
    try {
      for (let row = 0; row < count; row += part) {
        const rows = Math.min(part, count - row);
        // Weight each part by its share of the values that count; of none, by its share of the rows.
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
   * Forward and backward pass over a batch: adds `scale` times the gradient of its mean loss and of the
   * penalties. `loss` is then that loss.
   * @throws DivergenceError when the loss is not finite; the gradients are as they were.
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

  /** One optimizer step on what was accumulated, which it uses up. */
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

  /** One pass of `rows` rows at `x` and `target` [rows, width]. */
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
    // The Gram step overflows before the direct one does.
    if (gram && !Number.isFinite(gram.loss) && !this.#parts.alwaysGram) gram = undefined;
    if (gram) this.#passLoss = gram.loss;
    else this.#forward(plan, x, target);
    const mean = this.#passLoss;
    const total = mean + this.#penalties(plan);
    if (!Number.isFinite(total)) throw new DivergenceError(this.progress.stepCount, total);
    this.#rowsAccumulated = 0; // a pass that a lost worker interrupts leaves no gradients
    parameters.beginGradients(before > 0);
    if (gram) gram.backward(pass);
    else this.#backward(plan);
    parameters.endGradients(kernels);
    for (const penalty of plan.penalties) penalty.weightGradient?.(pass);
    if (open && open.squares > 0) this.progress.lossRatio = (mean * elements) / open.squares;
    this.#rowsAccumulated = before + rows;
    this.#passLoss = total;
  }

  /** Runs `x` through all layers, and leaves the mean loss and the gradient at the output. */
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

  /** Whether enough digits would be left. */
  #takesGram({ squares }: PlannedGram): boolean {
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
