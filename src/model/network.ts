// The forward pass and the backward pass of a tied network over the arena, by kernels alone. Knows
// nothing of optimizers, of training loops or of where rows come from.
//
// Matrices are row-major: a batch of `rows`; W of [units, inputs] as in nn.Linear.

import { Activation, Loss } from "../../assembly/ops.ts";
import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { type LossName, lossOp, type ResolvedConfig, type ResolvedOp } from "./config.ts";
import { GramStep } from "./gram.ts";
import type { ParameterLayout } from "./layout.ts";
import { type Seed, Stream, splitSeed } from "./seed.ts";
import { buildStages, type Stage } from "./stages.ts";
import {
  type InferencePlan,
  lossBlocks,
  type StageBuffers,
  type TrainingPlan,
  Workspace,
} from "./workspace.ts";

/** Elements of its widest matrix that inference takes at a time: full speed, and within the cache. */
const INFERENCE_ELEMENTS = 262_144;

/** Names a pass to the generator: dropout draws other units for every step and every row of it. */
export interface Draw {
  readonly step: number;
  /** Rows of the step that earlier passes took: a step in parts drops what it would drop as a whole. */
  readonly firstRow: number;
}

export class Network {
  readonly stages: readonly Stage[];
  /** Present where the model allows training without its reconstruction; see gram.ts. */
  readonly gram: GramStep | undefined;
  readonly #kernels: KernelExports;
  readonly #loss: ResolvedOp<LossName>;
  /** Cross-entropy is taken at the logits of its sigmoid: the log of a sigmoid loses all but its head. */
  readonly #readsLogits: boolean;
  /** 1 where targets may be missing and then do not count. */
  readonly #masks: number;
  readonly #config: ResolvedConfig;
  readonly #weights: readonly { address: number; gradient: number; length: number }[];
  readonly #seed: Seed;
  readonly #workspace: Workspace;

  /** Reads parameters at `parameters`, writes gradients at `gradients`, and uses the arena above its
   * present top as workspace. */
  constructor(
    kernels: KernelExports,
    arena: Arena,
    config: ResolvedConfig,
    layout: ParameterLayout,
    parameters: number,
    gradients: number,
  ) {
    this.#kernels = kernels;
    this.#config = config;
    this.#loss = lossOp(config.loss);
    this.#readsLogits = this.#loss.code === Loss.bce;
    this.#masks = Number(config.missing === "mask");
    this.#seed = splitSeed(config.seed);
    this.#weights = layout.weights.map(({ offset, length }) => ({
      address: parameters + offset * 4,
      gradient: gradients + offset * 4,
      length,
    }));
    this.stages = buildStages(config, layout, parameters, gradients);
    const first = this.stages[0] as Stage;
    const last = this.stages.at(-1) as Stage;
    const allowsGram =
      config.gradient !== "direct" &&
      this.#loss.code === Loss.mse &&
      last.activation.code === Activation.linear &&
      first.outputs <= first.inputs;
    this.gram = allowsGram ? new GramStep(kernels, arena, first, last) : undefined;
    this.#workspace = new Workspace(kernels, arena, this.stages, config.dropout > 0, allowsGram);
  }

  /** Units of the input and of the reconstruction. */
  get width(): number {
    return (this.stages[0] as Stage).inputs;
  }

  /** Room for a training batch; the caller copies its rows to `x` (and `target`) of the plan. */
  planTraining(rows: number, ownTarget: boolean): TrainingPlan {
    return this.#workspace.training(rows, ownTarget);
  }

  /** Room for a chunk of inference; the caller copies its rows to `x` (and `target`) of the plan. */
  planInference(rows: number): InferencePlan {
    return this.#workspace.inference(rows);
  }

  /** `bytes` of room that the next plan will write over. */
  scratch(bytes: number): number {
    return this.#workspace.scratch(bytes);
  }

  /** Frees the arena above the plans, for matrices that live beside a chunk. */
  clearBeside(): void {
    this.#workspace.clearBeside();
  }

  /** Room for `length` values there. */
  beside(length: number): number {
    return this.#workspace.beside(length);
  }

  /**
   * Rows to take at a time so that `total` rows pass through a bounded workspace. Chunks are even: a
   * last chunk of one row would take the matrix-vector path, whose last bits may differ.
   */
  chunkRows(total: number): number {
    const widest = Math.max(...this.stages.map(({ inputs }) => inputs));
    const most = Math.max(16, Math.floor(INFERENCE_ELEMENTS / widest));
    return Math.ceil(total / Math.max(1, Math.ceil(total / most)));
  }

  /**
   * Runs `rows` rows from the plan's `x` through stages [from, to) and returns the address of the
   * result. With `logits` the last stage stops before its activation.
   */
  infer(plan: InferencePlan, rows: number, from: number, to: number, logits = false): number {
    let input = plan.x;
    for (let s = from; s < to; s++) {
      const stage = this.stages[s] as Stage;
      const output = plan.outputs[(s - from) % 2] as number;
      this.#multiply(stage, rows, input, output, plan.panels);
      this.#activate(stage, rows, output, output, logits && s === to - 1);
      input = output;
    }
    return input;
  }

  /** Sum of the loss between the rows at the plan's `x` and those at `target`; NaN there does not count. */
  inferLoss(plan: InferencePlan, rows: number, target: number): number {
    const elements = rows * this.width;
    const y = this.infer(plan, rows, 0, this.stages.length, this.#readsLogits);
    const { code, parameter } = this.#loss;
    this.#kernels.lossValue(code, parameter, this.#masks, elements, y, target, plan.partials);
    return this.#kernels.sumF64(lossBlocks(elements), plan.partials);
  }

  /**
   * Forward pass of a training batch, up to the gradient at the output: returns the mean loss between
   * the reconstruction and the rows at `target`, of whose values `known` count. `scale` is a factor on
   * the gradients.
   */
  forward(
    plan: TrainingPlan,
    rows: number,
    draw: Draw,
    scale: number,
    target: number,
    known: number,
  ): number {
    const kernels = this.#kernels;
    const last = this.stages.length - 1;
    const output = plan.stages[last] as StageBuffers;
    this.#forwardThrough(plan, rows, draw, last, (plan.stages[0] as StageBuffers).z);
    const elements = rows * this.width;
    const { code, parameter } = this.#loss;
    kernels.lossGradient(
      code,
      parameter,
      this.#masks,
      elements,
      output.y,
      target,
      scale / known,
      plan.gradients[0],
      plan.partials,
    );
    return kernels.sumF64(lossBlocks(elements), plan.partials) / known;
  }

  /**
   * The same without the reconstruction, for a batch that is its own target: `squares` is the sum of
   * its squares. Only where `gram` is present.
   */
  forwardGram(
    plan: TrainingPlan,
    rows: number,
    draw: Draw,
    scale: number,
    squares: number,
  ): number {
    const gram = this.gram as GramStep;
    const beforeLast = this.stages.length - 2;
    this.#forwardThrough(plan, rows, draw, beforeLast, plan.gramZ);
    const r = (plan.stages[beforeLast] as StageBuffers).fed;
    const dR = plan.gradients[1];
    return gram.forward(rows, scale, plan.x, plan.gramZ, r, dR, squares, plan.panels);
  }

  /**
   * Backward pass after `forward` (or, with `gram`, after `forwardGram`) on the same plan: writes the
   * gradients of all parameters, or adds to them with `accumulate`. The decoder's use of a weight
   * comes first and writes, the encoder's adds.
   */
  backward(
    plan: TrainingPlan,
    rows: number,
    draw: Draw,
    scale: number,
    accumulate: boolean,
    gram: boolean,
  ): void {
    const kept = accumulate ? 1 : 0;
    const last = this.stages.length - 1;
    for (let s = gram ? last - 1 : last; s >= 0; s--) {
      const stage = this.stages[s] as Stage;
      const d = plan.gradients[(last - s) % 2] as number;
      this.#gradientAtSum(s, plan, rows, draw, d, kept);
      if (s === 0 && gram) {
        const r = (plan.stages[last - 1] as StageBuffers).fed;
        this.gram?.backward(rows, scale, plan.x, r, d, kept, plan.panels);
      } else {
        const input = s === 0 ? plan.x : (plan.stages[s - 1] as StageBuffers).fed;
        this.#weightGradient(stage, rows, input, d, kept, plan.panels);
      }
      if (s === 0) break;
      this.#inputGradient(
        stage,
        rows,
        d,
        plan.gradients[(last - s + 1) % 2] as number,
        plan.panels,
      );
    }
    const { l1, l2 } = this.#config;
    if (l1 === 0 && l2 === 0) return;
    for (const { address, gradient, length } of this.#weights) {
      this.#kernels.addPenaltyGradient(length, address, gradient, l1, l2, scale);
    }
  }

  /** l1 · Σ|w| + l2 · Σw² over the weights, each tied weight once. */
  penalty(): number {
    const { l1, l2 } = this.#config;
    if (l1 === 0 && l2 === 0) return 0;
    let sum = 0;
    for (const { address, length } of this.#weights) {
      sum += l1 * this.#kernels.sumAbs(length, address);
      sum += l2 * this.#kernels.sumSquares(length, address);
    }
    return sum;
  }

  /** Runs a training batch through stages [0, end]; the first leaves its pre-activation at `firstZ`. */
  #forwardThrough(plan: TrainingPlan, rows: number, draw: Draw, end: number, firstZ: number): void {
    let input = plan.x;
    for (let s = 0; s <= end; s++) {
      const stage = this.stages[s] as Stage;
      const { z, y, fed } = plan.stages[s] as StageBuffers;
      const sum = s === 0 ? firstZ : z;
      this.#multiply(stage, rows, input, sum, plan.panels);
      this.#activate(stage, rows, sum, y, this.#readsLogits && s === this.stages.length - 1);
      if (fed !== y) this.#drop(s, rows, y, fed, draw);
      input = fed;
    }
  }

  /** Takes `d` from a stage's output back to z, its weighted sum, and writes the bias's gradient. */
  #gradientAtSum(
    s: number,
    plan: TrainingPlan,
    rows: number,
    draw: Draw,
    d: number,
    kept: number,
  ): void {
    const { activation, outputs, bias, dBias } = this.stages[s] as Stage;
    const { z, y, fed } = plan.stages[s] as StageBuffers;
    // fed = dropout(y)
    if (fed !== y) this.#drop(s, rows, d, d, draw);
    // y = act(z); after a loss on logits, d is the gradient at z already
    if (!this.#readsLogits || s !== this.stages.length - 1) {
      const { code, parameter } = activation;
      this.#kernels.activationGradient(code, parameter, rows * outputs, z, y, d, d);
    }
    // z = … + bias
    if (bias) this.#kernels.columnSums(rows, outputs, d, outputs, kept, dBias);
  }

  /** dW of z = input · Wᵀ (encoder, adds) or z = input · W (decoder, comes first). */
  #weightGradient(
    stage: Stage,
    rows: number,
    input: number,
    d: number,
    kept: number,
    panels: number,
  ): void {
    const { inputs, outputs, dWeight } = stage;
    const { gemmTN } = this.#kernels;
    if (stage.encodes) {
      gemmTN(outputs, inputs, rows, d, outputs, input, inputs, 1, dWeight, inputs, panels);
    } else {
      gemmTN(inputs, outputs, rows, input, inputs, d, outputs, kept, dWeight, outputs, panels);
    }
  }

  /** dInput of z = input · Wᵀ (encoder) or z = input · W (decoder). */
  #inputGradient(stage: Stage, rows: number, d: number, dInput: number, panels: number): void {
    const { inputs, outputs, weight } = stage;
    const { gemmNN, gemmNT } = this.#kernels;
    if (stage.encodes) {
      gemmNN(rows, inputs, outputs, d, outputs, weight, inputs, 0, dInput, inputs, panels);
    } else {
      gemmNT(rows, inputs, outputs, d, outputs, weight, outputs, 0, dInput, inputs, panels);
    }
  }

  /** z = input · Wᵀ (encoder) or input · W (decoder). */
  #multiply(stage: Stage, rows: number, input: number, z: number, panels: number): void {
    const { inputs, outputs, weight } = stage;
    const { gemmNT, gemmNN } = this.#kernels;
    if (stage.encodes) {
      gemmNT(rows, outputs, inputs, input, inputs, weight, inputs, 0, z, outputs, panels);
    } else {
      gemmNN(rows, outputs, inputs, input, inputs, weight, outputs, 0, z, outputs, panels);
    }
  }

  /** y = act(z + bias), or z + bias alone where the loss wants logits. */
  #activate(stage: Stage, rows: number, z: number, y: number, logits: boolean): void {
    const { activation, outputs, bias } = stage;
    const code = logits ? Activation.linear : activation.code;
    this.#kernels.biasActivation(code, activation.parameter, rows, outputs, z, bias, y);
  }

  /** Dropout of stage s, forward and backward alike: the mask is drawn again from its counter. */
  #drop(s: number, rows: number, from: number, to: number, draw: Draw): void {
    const rate = this.#config.dropout;
    const { outputs } = this.stages[s] as Stage;
    const start = draw.firstRow * outputs;
    const { low, high } = this.#seed;
    const stream = Stream.dropout + s;
    const keepScale = 1 / (1 - rate);
    this.#kernels.randomMask(
      rows * outputs,
      from,
      to,
      start,
      rate,
      keepScale,
      low,
      high,
      draw.step,
      stream,
    );
  }
}
