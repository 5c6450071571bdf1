// Copies rows from the caller's memory into the arena, in batches for training or in chunks for inference. Checks them
// for NaN and infinities, scales them, replaces missing values, and adds noise for training.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { Rows } from "../data/rows.ts";
import { InvalidValueError } from "../errors.ts";
import type { Address } from "../layers/layer.ts";
import type { Paused } from "../platform/turns.ts";
import type { Preparation } from "./preparation.ts";
import type { InferencePlan, TrainingPlan, Workspace } from "./workspace.ts";

const NOT_FOUND = 0xffff_ffff;
/** The range of valid values. It is not an array, because destructuring an array allocates objects at every step. */
interface Range {
  readonly low: number;
  readonly high: number;
}
/** The range of finite float32 values. */
const FINITE: Range = { low: -3.4028234663852886e38, high: 3.4028234663852886e38 };
/** The range of targets of a loss of probabilities. */
const PROBABILITY: Range = { low: 0, high: 1 };
/** Data of at most this many bytes are kept in the arena while a run trains on them. */
const MOST_HELD_BYTES = 2 ** 26;

/** Rows [first, first + count) of `x`. With `order`, the rows order[first] to order[first + count - 1]. */
export interface Batch {
  readonly x: Rows;
  /** The target. Undefined if x is its own target. */
  readonly target: Rows | undefined;
  readonly order: Uint32Array | undefined;
  readonly first: number;
  readonly count: number;
  /** Whether the rows were already checked for NaN and infinities. */
  readonly checked: boolean;
  /** The same rows in the arena, if they are kept there. */
  readonly held: HeldRows | undefined;
}

/** Rows that a run keeps in the arena, scaled. Missing values are NaN. */
export interface HeldRows {
  /** [rows, width] */
  readonly x: Address;
  /** [rows, width], or 0 if the input is its own target. */
  readonly target: Address;
  /** The order of the epoch, uint32 [rows]. */
  readonly order: Address;
}

/** Adds noise to the values at `clean` and writes the result to `noisy`. */
export interface Corruption {
  apply(
    kernels: KernelExports,
    elements: number,
    clean: Address,
    noisy: Address,
    step: number,
    start: number,
  ): void;
}

/** A function that gets a chunk of rows at the plan's `x`, and the number of its first row. */
type Visit = (plan: InferencePlan, first: number, count: number) => void;

export class Staging {
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #workspace: Workspace;
  readonly #preparation: Preparation;
  readonly #width: number;
  readonly #masks: boolean;
  /** The name of the loss if its targets must be in [0, 1]. */
  readonly #boundedLoss: string | undefined;

  /** `boundedLoss` is the name of the loss, if rows are not scaled and the loss needs targets in [0, 1]. */
  constructor(
    kernels: KernelExports,
    arena: Arena,
    workspace: Workspace,
    preparation: Preparation,
    boundedLoss: string | undefined,
  ) {
    this.#kernels = kernels;
    this.#arena = arena;
    this.#workspace = workspace;
    this.#preparation = preparation;
    this.#width = workspace.width;
    this.#masks = preparation.missing === "mask";
    this.#boundedLoss = boundedLoss;
  }

  /**
   * Copies a whole batch into a training plan for passes of `passRows` rows: the input to `x`, and the target to
   * `target` if it differs from the input. The noise depends on `step` and `firstRow`.
   */
  stage(
    batch: Batch,
    passRows: number,
    corruption: Corruption | undefined,
    step: number,
    firstRow: number,
  ): TrainingPlan {
    const preparation = this.#preparation;
    preparation.requireFitted();
    const { count } = batch;
    const hasTarget = batch.target !== undefined || this.#masks;
    const plan = this.#workspace.training(count, passRows, hasTarget || corruption !== undefined);
    // The clean rows are copied to `target`. They are the target, unless the batch has another one.
    const clean = corruption ? plan.target : plan.x;
    this.#copyBatch(batch, false, clean);
    preparation.fill(count, clean);
    const width = this.#width;
    corruption?.apply(this.#kernels, count * width, clean, plan.x, step, firstRow * width);
    if (!hasTarget) return plan;
    this.#copyBatch(batch, batch.target !== undefined, plan.target);
    if (!this.#masks) preparation.fill(count, plan.target);
    return plan;
  }

  /** The address of the target of a staged batch. */
  targetOf(plan: TrainingPlan, batch: Batch, corruption: Corruption | undefined): Address {
    const own = this.#masks || batch.target !== undefined || corruption !== undefined;
    return own ? plan.target : plan.x;
  }

  /** Copies rows [first, first + count) to `address`, prepared as a target. */
  target(rows: Rows, first: number, count: number, address: Address): void {
    this.#preparation.copy(rows, first, count, address);
    if (!this.#masks) this.#preparation.fill(count, address);
  }

  /**
   * Throws unless every value is a finite float32, and for targets in the range that the loss requires. Changes
   * nothing. Pauses after every chunk.
   */
  *requireTrainable(rows: Rows, asTarget: boolean): Paused<void> {
    const chunk = this.#workspace.mostChunkRows;
    for (let row = 0; row < rows.count; row += chunk) {
      const count = Math.min(chunk, rows.count - row);
      const { x } = this.#workspace.inference(Math.min(chunk, rows.count));
      rows.copy(row, count, this.#arena.heap, x / 4);
      this.#requireTrainable(rows, row, count, x, asTarget);
      yield;
    }
  }

  /**
   * Copies rows [0, count) of `x` and of its target into the arena, scaled, for a run with batches of at most
   * `batchSize` rows. One kernel then gathers a batch. Returns undefined if the rows are too large. Pauses after every
   * chunk.
   */
  *hold(
    x: Rows,
    target: Rows | undefined,
    count: number,
    batchSize: number,
  ): Paused<HeldRows | undefined> {
    const floats = count * this.#width;
    if (floats * 4 > MOST_HELD_BYTES) return undefined;
    const workspace = this.#workspace;
    // These are the largest plans of the run. Larger plans would overlap the rows.
    workspace.training(Math.min(batchSize, count), Math.min(batchSize, count), true);
    workspace.inference(workspace.mostChunkRows);
    workspace.release();
    workspace.clearBeside();
    const held = {
      x: workspace.beside(floats),
      target: target ? workspace.beside(floats) : 0,
      order: workspace.beside(count),
    };
    workspace.keep();
    yield* this.#holdRows(x, count, held.x);
    if (target) yield* this.#holdRows(target, count, held.target);
    return held;
  }

  /** Frees the memory of held rows. */
  release(): void {
    this.#workspace.release();
  }

  /** Sets the order of held rows. */
  holdOrder({ order: address }: HeldRows, order: Uint32Array): void {
    this.#arena.words(address, order.length).set(order);
  }

  /** Throws unless the loss is defined for the `count` rows at `address`. NaN is allowed, as in inference. */
  requireTargets(rows: Rows, first: number, count: number, address: Address): void {
    if (this.#boundedLoss) {
      this.#requireWithin(PROBABILITY, true, rows, first, count, address);
    }
  }

  /**
   * Copies the rows [first, end) chunk by chunk, scales them and replaces missing values. Calls `visit` with each chunk
   * and the number of its first row.
   */
  chunks(x: Rows, first: number, end: number, visit: Visit): void {
    const preparation = this.#preparation;
    preparation.requireFitted();
    this.#chunks(first, end, (plan, row, count) => {
      preparation.copy(x, row, count, plan.x);
      preparation.fill(count, plan.x);
      visit(plan, row, count);
    });
  }

  /** The same for codes, which are not scaled and have no missing values. */
  codeChunks(code: Rows, visit: Visit): void {
    this.#preparation.requireFitted();
    this.#chunks(0, code.count, (plan, row, count) => {
      code.copy(row, count, this.#arena.heap, plan.x / 4);
      visit(plan, row, count);
    });
  }

  #chunks(first: number, end: number, visit: Visit): void {
    const chunk = this.#workspace.chunkRows(end - first);
    const plan = this.#workspace.inference(chunk);
    for (let row = first; row < end; row += chunk) {
      visit(plan, row, Math.min(chunk, end - row));
    }
  }

  *#holdRows(rows: Rows, count: number, address: Address): Paused<void> {
    const width = this.#width;
    const chunk = this.#workspace.mostChunkRows;
    for (let row = 0; row < count; row += chunk) {
      const some = Math.min(chunk, count - row);
      const at = address + row * width * 4;
      this.#preparation.copy(rows, row, some, at);
      yield;
    }
  }

  /** Copies the rows of a batch, or the rows of its target, to `address`, scaled. */
  #copyBatch(batch: Batch, ofTarget: boolean, address: Address): void {
    const { order, first, count, held } = batch;
    const rows = ofTarget && batch.target ? batch.target : batch.x;
    const { heap } = this.#arena;
    if (held) {
      rows.requireIntact();
      const width = this.#width;
      const source = ofTarget ? held.target : held.x;
      if (order) {
        this.#kernels.gatherRows(count, width, source, held.order + first * 4, address);
      } else {
        const from = source / 4 + first * width;
        heap.copyWithin(address / 4, from, from + count * width);
      }
      return;
    }
    if (!batch.checked) {
      rows.copy(first, count, heap, address / 4);
      const isTarget = ofTarget || batch.target === undefined;
      this.#requireTrainable(rows, first, count, address, isTarget);
      if (!this.#preparation.scales) return;
    }
    if (order) this.#preparation.gather(rows, order, first, count, address);
    else this.#preparation.copy(rows, first, count, address);
  }

  #requireTrainable(
    rows: Rows,
    first: number,
    count: number,
    address: Address,
    asTarget: boolean,
  ): void {
    const range = asTarget && this.#boundedLoss ? PROBABILITY : FINITE;
    const allowsNaN = this.#preparation.missing !== "error";
    this.#requireWithin(range, allowsNaN, rows, first, count, address);
  }

  #requireWithin(
    range: Range,
    allowsNaN: boolean,
    rows: Rows,
    first: number,
    count: number,
    address: Address,
  ): void {
    const { low, high } = range;
    const length = count * rows.width;
    let found = this.#kernels.firstOutside(length, address, low, high) >>> 0;
    if (found === NOT_FOUND) return;
    const values = this.#arena.view(address, length);
    const isFine = (value: number) =>
      (allowsNaN && Number.isNaN(value)) || (value >= low && value <= high);
    while (found < length && isFine(values[found] ?? 0)) found += 1;
    if (found === length) return;
    const row = first + Math.floor(found / rows.width);
    const rule =
      range === FINITE
        ? "training data must be finite float32 numbers"
        : `the loss "${this.#boundedLoss}" takes targets between 0 and 1`;
    throw new InvalidValueError(
      `Row ${row}, column ${found % rows.width} of ${rows.name} is ${values[found]}; ${rule}${allowsNaN ? ", or NaN where one is missing" : ""}.`,
    );
  }
}
