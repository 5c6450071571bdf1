// How rows get from where the caller has them into the arena, in batches to train on or in chunks to
// run through: copied, looked over for NaN and infinities, filled in and scaled as the model is
// configured, and made noisy where training wants it.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { Rows } from "../data/rows.ts";
import { InvalidValueError } from "../errors.ts";
import type { Batch } from "../training/batches.ts";
import type { Corruption } from "../training/corruption.ts";
import type { Draw, Network } from "./network.ts";
import type { Preparation } from "./preparation.ts";
import type { Seed } from "./seed.ts";
import type { InferencePlan, TrainingPlan } from "./workspace.ts";

const NOT_FOUND = 0xffff_ffff;
/** Every finite float32 is within these. */
const FINITE = [-3.4028234663852886e38, 3.4028234663852886e38] as const;
/** Cross-entropy is defined between these. */
const PROBABILITY = [0, 1] as const;

/** Takes a chunk of rows at the plan's `x` and the number of its first row. */
type Visit = (plan: InferencePlan, first: number, count: number) => void;

export class Staging {
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #network: Network;
  readonly #preparation: Preparation;
  readonly #seed: Seed;
  readonly #targetRange: readonly [low: number, high: number];

  constructor(
    kernels: KernelExports,
    arena: Arena,
    network: Network,
    preparation: Preparation,
    seed: Seed,
    targetsAreProbabilities: boolean,
  ) {
    this.#preparation = preparation;
    this.#targetRange = targetsAreProbabilities ? PROBABILITY : FINITE;
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
    this.#copy(batch, x, first, count, clean, batch.target === undefined);
    preparation.fill(count, clean);
    preparation.scale(count, clean);
    corruption?.(this.#kernels, count, x.width, clean, plan.x, this.#seed, draw);
    const masks = preparation.missing === "mask";
    const target = batch.target ?? (masks ? x : undefined);
    if (!target) return plan;
    this.#copy(batch, target, first, count, plan.target, true);
    if (!masks) preparation.fill(count, plan.target);
    preparation.scale(count, plan.target);
    return plan;
  }

  /** Rows [first, first + count) at `address`, scaled as a target. */
  target(rows: Rows, first: number, count: number, address: number): void {
    rows.copy(first, count, this.#arena.heap, address / 4);
    if (this.#preparation.missing !== "mask") this.#preparation.fill(count, address);
    this.#preparation.scale(count, address);
  }

  /**
   * Throws unless every row can be trained on: finite float32 values, and what the loss asks of them
   * where they are targets. Changes nothing.
   */
  requireTrainable(rows: Rows, asTarget: boolean): void {
    this.#chunks(rows, 0, rows.count, (plan, row, count) =>
      this.#requireTrainable(rows, row, count, plan.x, asTarget),
    );
  }

  /** Throws unless the loss is defined for the `count` rows at `address`; NaN may pass, as in inference. */
  requireTargets(rows: Rows, first: number, count: number, address: number): void {
    if (this.#targetRange !== FINITE) {
      this.#requireWithin(this.#targetRange, true, rows, first, count, address);
    }
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
    asTarget: boolean,
  ): void {
    const { heap } = this.#arena;
    if (order) {
      for (let i = 0; i < count; i++) {
        rows.copy(order[first + i] as number, 1, heap, address / 4 + i * rows.width);
      }
    } else rows.copy(first, count, heap, address / 4);
    if (!checked) this.#requireTrainable(rows, first, count, address, asTarget);
  }

  #requireTrainable(
    rows: Rows,
    first: number,
    count: number,
    address: number,
    asTarget: boolean,
  ): void {
    const range = asTarget ? this.#targetRange : FINITE;
    const allowsNaN = this.#preparation.missing !== "error";
    this.#requireWithin(range, allowsNaN, rows, first, count, address);
  }

  #requireWithin(
    range: readonly [low: number, high: number],
    allowsNaN: boolean,
    rows: Rows,
    first: number,
    count: number,
    address: number,
  ): void {
    const [low, high] = range;
    const length = count * rows.width;
    let found = this.#kernels.firstOutside(length, address, low, high) >>> 0;
    if (found === NOT_FOUND) return;
    const values = this.#arena.view(address, length);
    const isFine = (value: number) =>
      (allowsNaN && Number.isNaN(value)) || (value >= low && value <= high);
    while (found < length && isFine(values[found] as number)) found += 1;
    if (found === length) return;
    const row = first + Math.floor(found / rows.width);
    const rule =
      range === FINITE
        ? "training data must be finite float32 numbers"
        : 'the loss "bce" takes targets between 0 and 1';
    throw new InvalidValueError(
      `Row ${row}, column ${found % rows.width} of ${rows.name} is ${values[found]}; ${rule}${allowsNaN ? ", or NaN where one is missing" : ""}.`,
    );
  }
}
