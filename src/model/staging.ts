// How rows get from where the caller has them into the arena, in batches to train on or in chunks to
// run through: copied, looked over for NaN and infinities, and made noisy where training wants it.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { InvalidValueError } from "../errors.ts";
import type { Batch } from "./batches.ts";
import type { Corruption } from "./corruption.ts";
import type { Rows } from "./input.ts";
import type { Draw, Network } from "./network.ts";
import type { Seed } from "./seed.ts";
import type { InferencePlan, TrainingPlan } from "./workspace.ts";

const NOT_FOUND = 0xffff_ffff;

export class Staging {
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #network: Network;
  readonly #seed: Seed;

  constructor(kernels: KernelExports, arena: Arena, network: Network, seed: Seed) {
    this.#kernels = kernels;
    this.#arena = arena;
    this.#network = network;
    this.#seed = seed;
  }

  /** Copies `count` rows of a batch in, from its row `first` on; `draw` names the noise, if any. */
  training(
    batch: Batch,
    first: number,
    count: number,
    corruption: Corruption | undefined,
    draw: Draw,
  ): TrainingPlan {
    const { x, target } = batch;
    const plan = this.#network.planTraining(
      count,
      target !== undefined || corruption !== undefined,
    );
    // Noise reads the clean rows at the target's place, where they stay unless there is another target.
    const clean = corruption ? plan.target : plan.x;
    this.#copy(batch, x, first, count, clean);
    corruption?.(this.#kernels, count, x.width, clean, plan.x, this.#seed, draw);
    if (target) this.#copy(batch, target, first, count, plan.target);
    return plan;
  }

  /** Throws unless every value of the rows [first, end) is a finite float32; changes nothing. */
  requireFiniteRows(rows: Rows, first: number, end: number): void {
    this.chunks(rows, first, end, (plan, row, count) =>
      this.#requireFinite(rows, row, count, plan.x),
    );
  }

  /** Copies the rows [first, end) in chunk by chunk and hands each over with the number of its first row. */
  chunks(
    x: Rows,
    first: number,
    end: number,
    visit: (plan: InferencePlan, first: number, count: number) => void,
  ): void {
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
    const found = this.#kernels.firstNonFinite(count * rows.width, address) >>> 0;
    if (found === NOT_FOUND) return;
    const row = first + Math.floor(found / rows.width);
    const value = this.#arena.heap[address / 4 + found];
    throw new InvalidValueError(
      `Row ${row}, column ${found % rows.width} of ${rows.name} is ${value}; training data must be finite float32 numbers.`,
    );
  }
}
