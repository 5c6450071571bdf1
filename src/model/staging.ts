// How rows get from where the caller has them into the arena, in batches to train on or in chunks to
// run through: copied, looked over for NaN and infinities, filled in and scaled as the model is
// configured, and made noisy where training wants it.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { InvalidValueError } from "../errors.ts";
import type { Batch } from "./batches.ts";
import type { Corruption } from "./corruption.ts";
import type { Rows } from "./input.ts";
import type { Draw, Network } from "./network.ts";
import type { Preparation } from "./preparation.ts";
import type { Seed } from "./seed.ts";
import type { InferencePlan, TrainingPlan } from "./workspace.ts";

const NOT_FOUND = 0xffff_ffff;

/** Takes a chunk of rows at the plan's `x` and the number of its first row. */
type Visit = (plan: InferencePlan, first: number, count: number) => void;

export class Staging {
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #network: Network;
  readonly #preparation: Preparation;
  readonly #seed: Seed;

  constructor(
    kernels: KernelExports,
    arena: Arena,
    network: Network,
    preparation: Preparation,
    seed: Seed,
  ) {
    this.#preparation = preparation;
    this.#kernels = kernels;
    this.#arena = arena;
    this.#network = network;
    this.#seed = seed;
  }

  /** Whether `training` puts a target of its own beside the input. */
  ownsTarget(batch: Batch, corruption: Corruption | undefined): boolean {
    const masks = this.#preparation.missing === "mask";
    return masks || batch.target !== undefined || corruption !== undefined;
  }

  /** Copies `count` rows of a batch in, from its row `first` on; `draw` names the noise, if any. */
  training(
    batch: Batch,
    first: number,
    count: number,
    corruption: Corruption | undefined,
    draw: Draw,
  ): TrainingPlan {
    const preparation = this.#preparation;
    preparation.requireFitted();
    const { x } = batch;
    const plan = this.#network.planTraining(count, this.ownsTarget(batch, corruption));
    // Noise reads the clean rows at the target's place, where they stay unless there is another target.
    const clean = corruption ? plan.target : plan.x;
    this.#copy(batch, x, first, count, clean);
    preparation.fill(count, clean);
    preparation.scale(count, clean);
    corruption?.(this.#kernels, count, x.width, clean, plan.x, this.#seed, draw);
    const masks = preparation.missing === "mask";
    const target = batch.target ?? (masks ? x : undefined);
    if (!target) return plan;
    this.#copy(batch, target, first, count, plan.target);
    if (!masks) preparation.fill(count, plan.target);
    preparation.scale(count, plan.target);
    return plan;
  }

  /** How many of the `count` values at `target` take part in a loss. */
  known(count: number, target: number): number {
    if (this.#preparation.missing !== "mask") return count;
    return count - (this.#kernels.countNaN(count, target) >>> 0);
  }

  /** Rows [first, first + count) at `address`, scaled as a target. */
  target(rows: Rows, first: number, count: number, address: number): void {
    rows.copy(first, count, this.#arena.heap, address / 4);
    if (this.#preparation.missing !== "mask") this.#preparation.fill(count, address);
    this.#preparation.scale(count, address);
  }

  /** Throws unless every value of the rows [first, end) is a finite float32; changes nothing. */
  requireFiniteRows(rows: Rows, first: number, end: number): void {
    this.#chunks(rows, first, end, (plan, row, count) =>
      this.#requireFinite(rows, row, count, plan.x),
    );
  }

  /**
   * Copies the rows [first, end) of data in chunk by chunk, fills in and scales them, and hands each
   * chunk over with the number of its first row.
   */
  chunks(x: Rows, first: number, end: number, visit: Visit): void {
    const preparation = this.#preparation;
    preparation.requireFitted();
    this.#chunks(x, first, end, (plan, row, count) => {
      preparation.fill(count, plan.x);
      preparation.scale(count, plan.x);
      visit(plan, row, count);
    });
  }

  /** The same for codes, which are neither filled in nor scaled. */
  codeChunks(code: Rows, visit: Visit): void {
    this.#preparation.requireFitted();
    this.#chunks(code, 0, code.count, visit);
  }

  #chunks(x: Rows, first: number, end: number, visit: Visit): void {
    const chunk = this.#network.chunkRows(end - first);
    const plan = this.#network.planInference(chunk);
    for (let row = first; row < end; row += chunk) {
      const count = Math.min(chunk, end - row);
      x.copy(row, count, this.#arena.heap, plan.x / 4);
      visit(plan, row, count);
    }
  }

  #copy(
    { order, checked }: Batch,
    rows: Rows,
    first: number,
    count: number,
    address: number,
  ): void {
    const { heap } = this.#arena;
    if (order) {
      for (let i = 0; i < count; i++) {
        rows.copy(order[first + i] as number, 1, heap, address / 4 + i * rows.width);
      }
    } else rows.copy(first, count, heap, address / 4);
    if (!checked) this.#requireFinite(rows, first, count, address);
  }

  #requireFinite(rows: Rows, first: number, count: number, address: number): void {
    const length = count * rows.width;
    let found = this.#kernels.firstNonFinite(length, address) >>> 0;
    if (found === NOT_FOUND) return;
    const values = this.#arena.view(address, length);
    const allowsNaN = this.#preparation.missing !== "error";
    if (allowsNaN) {
      while (found < length && Math.abs(values[found] as number) !== Infinity) found += 1;
      if (found === length) return;
    }
    const row = first + Math.floor(found / rows.width);
    throw new InvalidValueError(
      `Row ${row}, column ${found % rows.width} of ${rows.name} is ${values[found]}; training data must be finite float32 numbers${allowsNaN ? ", or NaN where one is missing" : ""}.`,
    );
  }
}
