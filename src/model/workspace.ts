// The part of the arena that a batch passes through: where its rows, every stage's results and the
// gradients between stages stand. Two plans, one for training and one for inference, lie over each
// other from the same address, because no call leaves anything in them that a later call needs. A plan
// is made for a number of rows and serves every smaller batch.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { Stage } from "./stages.ts";

/** Elements of a loss that one partial sum covers; see assembly/loss.ts. */
const LOSS_BLOCK = 4096;

/** Where a stage's results stand. Equal addresses mean that one buffer serves both. */
export interface StageBuffers {
  /** The pre-activation where the derivative needs it; else the same as `y`. */
  readonly z: number;
  readonly y: number;
  /** What the next stage reads: `y`, or `y` after dropout. */
  readonly fed: number;
}

export interface TrainingPlan {
  readonly rows: number;
  readonly x: number;
  /** Room for a target beside the input; `x` itself where there is none. */
  readonly target: number;
  readonly stages: readonly StageBuffers[];
  /** Gradients at the stages' outputs: the last stage uses the first, the one before it the second. */
  readonly gradients: readonly [number, number];
  /** Where the Gram step keeps the first stage's pre-activation, apart from its output. */
  readonly gramZ: number;
  readonly partials: number;
  readonly panels: number;
}

export interface InferencePlan {
  readonly rows: number;
  readonly x: number;
  readonly target: number;
  /** Stages write to these in turn. */
  readonly outputs: readonly [number, number];
  readonly partials: number;
  readonly panels: number;
}

export class Workspace {
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #stages: readonly Stage[];
  readonly #dropout: boolean;
  readonly #gram: boolean;
  readonly #start: number;
  /** Where the higher of the two plans ends. */
  #end: number;
  #training: TrainingPlan | undefined;
  #inference: InferencePlan | undefined;

  /** The workspace begins at the arena's present top; nothing else may be reserved after it. */
  constructor(
    kernels: KernelExports,
    arena: Arena,
    stages: readonly Stage[],
    dropout: boolean,
    gram: boolean,
  ) {
    this.#kernels = kernels;
    this.#arena = arena;
    this.#stages = stages;
    this.#dropout = dropout;
    this.#gram = gram;
    this.#start = arena.top;
    this.#end = arena.top;
  }

  /** Room for a training batch of `rows`, with a target beside the input if one is wanted. */
  training(rows: number, ownTarget: boolean): TrainingPlan {
    const plan = this.#training;
    const hasTarget = plan !== undefined && plan.target !== plan.x;
    if (plan && rows <= plan.rows && (hasTarget || !ownTarget)) return plan;
    const capacity = Math.max(rows, plan?.rows ?? 0);
    this.#training = this.#planTraining(capacity, ownTarget || hasTarget);
    return this.#training;
  }

  /** Room for `rows` through the stages without gradients. */
  inference(rows: number): InferencePlan {
    if (!this.#inference || rows > this.#inference.rows) {
      this.#inference = this.#planInference(rows);
    }
    return this.#inference;
  }

  /** `bytes` of room at the start of the workspace, which any plan writes over. */
  scratch(bytes: number): number {
    this.#arena.rewind(this.#start);
    const address = this.#arena.reserve(bytes);
    this.#arena.commit();
    return address;
  }

  /** Frees the arena above both plans; what `beside` reserves next lives until a larger plan is made. */
  clearBeside(): void {
    this.#arena.rewind(this.#end);
  }

  /** Room for `length` values above both plans. */
  beside(length: number): number {
    const address = this.#arena.reserveFloats(length);
    this.#arena.commit();
    return address;
  }

  #planTraining(rows: number, ownTarget: boolean): TrainingPlan {
    this.#arena.rewind(this.#start);
    // The Gram step appends one row to the input and to a gradient.
    const room = this.#gram ? rows + 1 : rows;
    const matrix = (columns: number) => this.#arena.reserveFloats(room * columns);
    const x = matrix(this.#width);
    const target = ownTarget ? matrix(this.#width) : x;
    const last = this.#stages.length - 1;
    const stages = this.#stages.map((stage, s): StageBuffers => {
      const y = matrix(stage.outputs);
      const z = stage.keepsInput ? matrix(stage.outputs) : y;
      const fed = this.#dropout && s < last ? matrix(stage.outputs) : y;
      return { z, y, fed };
    });
    const widest = (parity: number) =>
      Math.max(...this.#stages.map((stage, s) => ((last - s) % 2 === parity ? stage.outputs : 0)));
    const gradients: [number, number] = [matrix(widest(0)), matrix(widest(1))];
    // The reconstruction's gradient is the one buffer that the Gram step leaves free.
    const first = stages[0] as StageBuffers;
    const gramZ = first.z === first.y ? gradients[0] : first.z;
    return { rows, x, target, stages, gradients, gramZ, ...this.#finish(room) };
  }

  #planInference(rows: number): InferencePlan {
    this.#arena.rewind(this.#start);
    const matrix = (columns: number) => this.#arena.reserveFloats(rows * columns);
    const widest = Math.max(...this.#stages.map(({ outputs }) => outputs));
    return {
      rows,
      x: matrix(widest), // codes come in here too
      target: matrix(this.#width),
      outputs: [matrix(widest), matrix(widest)],
      ...this.#finish(rows),
    };
  }

  /** What kernels need beside the plan's matrices: the last of every plan, which it makes real. */
  #finish(rows: number): { partials: number; panels: number } {
    const bytes = (m: number, n: number, k: number) => this.#kernels.gemmWorkspace(m, n, k) >>> 0;
    const panels = this.#stages.map(({ inputs, outputs }) =>
      Math.max(
        bytes(rows, outputs, inputs),
        bytes(rows, inputs, outputs),
        bytes(outputs, inputs, rows),
        bytes(inputs, outputs, rows),
        // The Gram step's products of the code's size.
        this.#gram ? bytes(outputs, outputs, Math.max(inputs, rows)) : 0,
      ),
    );
    const partials = this.#arena.reserve(lossBlocks(rows * this.#width) * 8);
    const room = { partials, panels: this.#arena.reserve(Math.max(...panels)) };
    this.#arena.commit();
    this.#end = Math.max(this.#end, this.#arena.top);
    return room;
  }

  get #width(): number {
    return (this.#stages[0] as Stage).inputs;
  }
}

/** How many partial sums the loss over `elements` leaves. */
export function lossBlocks(elements: number): number {
  return Math.ceil(elements / LOSS_BLOCK);
}
