// How rows get from where the caller has them into the arena, in batches to train on or in chunks to run
// through: copied, looked over for NaN and infinities, scaled and filled in as the model is configured, and made
// noisy where training wants it.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { Rows } from "../data/rows.ts";
import { InvalidValueError } from "../errors.ts";
import type { Address } from "../layers/layer.ts";
import type { Paused } from "../platform/turns.ts";
import type { Preparation } from "./preparation.ts";
import type { InferencePlan, TrainingPlan, Workspace } from "./workspace.ts";

const NOT_FOUND = 0xffff_ffff;
/** Values that a batch may hold. Not an array: taking one apart makes objects, at every step. */
interface Range {
  readonly low: number;
  readonly high: number;
}
/** Every finite float32 is within these. */
const FINITE: Range = { low: -3.4028234663852886e38, high: 3.4028234663852886e38 };
/** Cross-entropy is defined between these. */
const PROBABILITY: Range = { low: 0, high: 1 };
/** Data of at most this many bytes are held in the arena while a run trains on them. */
const MOST_HELD_BYTES = 2 ** 26;

/** Rows [first, first + count) of `x`, or those that `order` names in these places. */
export interface Batch {
  readonly x: Rows;
  /** What to reproduce; undefined for x itself. */
  readonly target: Rows | undefined;
  readonly order: Uint32Array | undefined;
  readonly first: number;
  readonly count: number;
  /** The rows have been looked over for NaN and infinities already. */
  readonly checked: boolean;
  /** The same rows in the arena, where they are held there. */
  readonly held: HeldRows | undefined;
}

/** Rows that a run holds in the arena, scaled; NaN where values are missing. */
export interface HeldRows {
  /** [rows, width] */
  readonly x: Address;
  /** [rows, width]; 0 where the input is its own target. */
  readonly target: Address;
  /** The order of the epoch, uint32 [rows]. */
  readonly order: Address;
}

/** Writes the noisy form of rows from `clean` to `noisy`. */
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

/** Takes a chunk of rows at the plan's `x` and the number of its first row. */
type Visit = (plan: InferencePlan, first: number, count: number) => void;

export class Staging {
  readonly #kernels: KernelExports;
  readonly #arena: Arena;
  readonly #workspace: Workspace;
  readonly #preparation: Preparation;
  readonly #width: number;
  readonly #masks: boolean;
  readonly #targetRange: Range;

  constructor(
    kernels: KernelExports,
    arena: Arena,
    workspace: Workspace,
    preparation: Preparation,
    targetsAreProbabilities: boolean,
  ) {
    this.#kernels = kernels;
    this.#arena = arena;
    this.#workspace = workspace;
    this.#preparation = preparation;
    this.#width = workspace.width;
    this.#masks = preparation.missing === "mask";
    this.#targetRange = targetsAreProbabilities ? PROBABILITY : FINITE;
  }

  /**
   * Puts a whole batch into the training plan, which takes `partRows` rows at a time: the input at `x`, and the
   * target at `target` where it differs. `step` and `firstRow` name the noise.
   */
  stage(
    batch: Batch,
    partRows: number,
    corruption: Corruption | undefined,
    step: number,
    firstRow: number,
  ): TrainingPlan {
    const preparation = this.#preparation;
    preparation.requireFitted();
    const { count } = batch;
    const hasTarget = batch.target !== undefined || this.#masks;
    const plan = this.#workspace.training(count, partRows, hasTarget || corruption !== undefined);
    // Noise reads the clean rows at the target's place, where they stay unless there is another target.
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

  /** Where the target of a staged batch is. */
  targetOf(plan: TrainingPlan, batch: Batch, corruption: Corruption | undefined): Address {
    const own = this.#masks || batch.target !== undefined || corruption !== undefined;
    return own ? plan.target : plan.x;
  }

  /** Rows [first, first + count) at `address`, prepared as a target. */
  target(rows: Rows, first: number, count: number, address: Address): void {
    this.#preparation.copy(rows, first, count, address);
    if (!this.#masks) this.#preparation.fill(count, address);
  }

  /**
   * Throws unless every row can be trained on: finite float32 values, and what the loss asks of them
   * where they are targets. Changes nothing. Pauses after every chunk.
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
   * Holds rows [0, count) of `x` and of its target in the arena, scaled, for batches of at most `batchSize`
   * rows: gathering a batch is then one kernel. Gives undefined where they are too large. Pauses after every
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
    // Larger plans than these will not come during a run: they would overlap the held rows.
    workspace.training(Math.min(batchSize, count), Math.min(batchSize, count), true);
    workspace.inference(workspace.mostChunkRows);
    workspace.letGo();
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

  /** Gives back the room of held rows. */
  letGo(): void {
    this.#workspace.letGo();
  }

  /** Makes `order` the order of held rows. */
  holdOrder({ order: address }: HeldRows, order: Uint32Array): void {
    this.#arena.words(address, order.length).set(order);
  }

  /** Throws unless the loss is defined for the `count` rows at `address`; NaN may pass, as in inference. */
  requireTargets(rows: Rows, first: number, count: number, address: Address): void {
    if (this.#targetRange !== FINITE) {
      this.#requireWithin(this.#targetRange, true, rows, first, count, address);
    }
  }

  /**
   * Copies the rows [first, end) of data in chunk by chunk, scales them and fills them in, and hands each chunk
   * over with the number of its first row.
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

  /** The same for codes, which are neither scaled nor filled in. */
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

  /** Copies a batch's rows, or those of its target, to `address`, scaled. */
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
    const range = asTarget ? this.#targetRange : FINITE;
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
        : 'the loss "bce" takes targets between 0 and 1';
    throw new InvalidValueError(
      `Row ${row}, column ${found % rows.width} of ${rows.name} is ${values[found]}; ${rule}${allowsNaN ? ", or NaN where one is missing" : ""}.`,
    );
  }
}
