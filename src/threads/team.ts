// The kernels of a core, shared by several threads. They have the same names and bit-identical results. A call that takes
// long enough is divided into shares, which the caller's thread and the workers take from a board. The kernel table says
// how each kernel may be divided, and cuts.ts prepares that for this file.

import type { KernelExports } from "../core/generated/exports.ts";
import { type KernelName, kernelNames } from "../core/kernel-table.ts";
import { now } from "../platform/yield.ts";
import { type AnyKernel, type Board, MOST_TASKS, NONE, pause } from "./board.ts";
import { type CallPlan, type Cut, callPlan, type Values } from "./cuts.ts";
import { ThreadError } from "./errors.ts";

/** The smallest share, in nanoseconds on one thread. */
const LEAST_SHARE = 6_000;
/**
 * Sharing begins with a matrix product of at least SHARES_TO_BEGIN smallest shares. It ends when SMALL_TO_END products in
 * a row have fewer than SHARES_TO_STAY. The reason: sharing the small calls of a small batch gains a third on a quiet
 * machine and loses a third on a busy one. A step with large products has small ones too, for example for the biases in
 * a Gram step.
 */
const SHARES_TO_BEGIN = 12;
const SHARES_TO_STAY = 5;
const SMALL_TO_END = 12;
/**
 * The last share of a call is 1 / LAST_SHARE of the work of a thread, but at most LONGEST_LAST_SHARE nanoseconds. A thread
 * may finish late by that time. Dividing a product of 0.5 ms into eight shares costs 1 to 4 %, because every share packs
 * the other operand. Divided into two shares, a core that was slow for a while delayed the other core by 20 %.
 */
const LAST_SHARE = 4;
const LONGEST_LAST_SHARE = 40_000;
/**
 * Sleeping workers are woken for this many nanoseconds of work, in one call or in calls that follow each other closely.
 * Waking costs the caller 10 to 25 us, and a worker is ready 30 to 40 us later (measured with Node 24).
 */
const WORTH_WAKING = 150_000;
/** Calls with a longer gap are not added up, because a woken worker would sleep again between them. */
const CLOSE_MILLISECONDS = 0.2;
/** How long the caller spins for the other threads before it sleeps, if it may sleep. */
const SPIN_MILLISECONDS = 0.2;
/** How long the caller waits for a share that was taken and not finished: this number of slices, and more after long work. */
const SLICE_MILLISECONDS = 100;
const PATIENCE_SLICES = 50;
const PATIENCE_FACTOR = 20;

/**
 * If sharing loses this much time compared with one thread, it is suspended for a rest. The reason may be other programs,
 * or two threads on one core. While sharing continues to lose, the rest doubles up to the longest rest.
 */
const LOSS_MILLISECONDS = 1;
const SHORTEST_REST = 10;
const LONGEST_REST = 640;

const CACHE_LINE = 64;
/** The result of a search that finds nothing: all bits set, as a signed int32. */
const NOT_FOUND = -1;

export interface TeamOptions {
  readonly exports: KernelExports;
  readonly board: Board;
  /** The number of threads, including the caller's. */
  readonly threads: number;
  /** Whether the caller's thread may block. */
  readonly maySleep: boolean;
  readonly workers: { readonly lost: string | undefined; terminate(): void };
  /** How many slices of 0.1 s a share may be overdue. */
  readonly patience?: number;
  /** Whether to share every call that can be divided, even if that only costs time. For tests. */
  readonly always?: boolean;
}

export class Team {
  /** The shared kernels. */
  readonly kernels: KernelExports;
  readonly #raw: Readonly<Record<KernelName, AnyKernel>>;
  readonly #options: TeamOptions;
  readonly #leastShare: number;
  /** The first and the last byte of each block that holds weights or the optimizer's state. */
  readonly #guarded: { readonly first: number; readonly last: number }[] = [];
  /** Whether recent matrix products were worth sharing. */
  #engaged: boolean;
  /** The number of products in a row that were too small to justify sharing. */
  #smallProducts = 0;
  /** For each share of the current batch: its first element, and its amount of work. */
  readonly #starts = new Float64Array(MOST_TASKS);
  readonly #weights = new Float64Array(MOST_TASKS);
  /** The number of parts of the current batch, one per thread. */
  #parts = 1;
  #alone = false;
  /** Milliseconds that sharing has recently gained, or lost if negative. */
  #gain = 0;
  #rest = SHORTEST_REST;
  #restsUntil = 0;
  /** Nanoseconds of work in close calls while workers slept. */
  #missed = 0;
  #closeUntil = 0;

  constructor(options: TeamOptions) {
    this.#options = options;
    this.#leastShare = options.always ? 1 : LEAST_SHARE;
    this.#engaged = options.always === true;
    // The module's functions only take numbers. Their own types say how many.
    const raw = options.exports as unknown as Record<KernelName, AnyKernel>;
    this.#raw = raw;
    const numbers = new Map(Object.keys(raw).map((name, number) => [name, number]));
    const plans = new Map(
      kernelNames.map((name) => [name, callPlan(name, numbers.get(name) ?? NONE)]),
    );
    const shared = { ...raw };
    const workspaceKernels = new Set<KernelName>();
    for (const [name, plan] of plans) {
      if (plan.workspace) workspaceKernels.add(plan.workspace.bytes);
      const product = plan.symmetric && plans.get(plan.symmetric);
      if (product) shared[name] = this.#sharedSymmetric(plan, product);
      else if (plan.answer === "sum") shared[name] = this.#sharedSum(plan);
      else if (plan.answer === "first") shared[name] = this.#sharedSearch(plan);
      else if (plan.cuts.length > 0) shared[name] = this.#shared(plan);
    }
    for (const name of workspaceKernels) {
      const bytes = raw[name];
      shared[name] = (...sizes) => options.threads * aligned(bytes(...sizes));
    }
    this.kernels = shared as unknown as KernelExports;
  }

  /** The number of threads. 1 after a worker was lost. */
  get threads(): number {
    return this.#alone ? 1 : this.#options.threads;
  }

  /** Registers a block of memory for the reports of a ThreadError. See Core.guard. */
  guard(address: number, bytes: number): void {
    this.#guarded.push({ first: address, last: address + bytes - 1 });
  }

  /** Ends the workers. Later calls run on the caller's thread. */
  terminate(): void {
    this.#alone = true;
    this.#options.workers.terminate();
  }

  #shared(plan: CallPlan): AnyKernel {
    const raw = this.#raw[plan.name];
    return (...values) => {
      const time = plan.time(values);
      if (plan.isProduct) this.#engage(time);
      const tasks = this.#divide(plan, values, time);
      if (tasks < 2) return raw(...values);
      this.#run(plan, values, tasks);
      return undefined;
    };
  }

  /** A shared search. The first share that finds something gives the result. */
  #sharedSearch(plan: CallPlan): AnyKernel {
    const raw = this.#raw[plan.name];
    return (...values) => {
      const tasks = this.#divide(plan, values, plan.time(values));
      if (tasks < 2) return raw(...values);
      this.#run(plan, values, tasks);
      for (let i = 0; i < tasks; i++) {
        const found = this.#options.board.result(i);
        if (found !== NOT_FOUND) return (at(this.#starts, i) + found) | 0;
      }
      return NOT_FOUND;
    };
  }

  /** A shared sum. Every block is a share. The sums of the blocks are added in order, as on one thread. */
  #sharedSum(plan: CallPlan): AnyKernel {
    const raw = this.#raw[plan.name];
    const cut = largestCut(plan, []);
    return (...values) => {
      const elements = at(values, cut.count);
      const blocks = Math.ceil(elements / cut.unit);
      if (blocks < 2 || this.#partsFor(plan.time(values)) < 2) return raw(...values);
      let total = 0;
      for (let first = 0; first < blocks; first += MOST_TASKS) {
        const tasks = Math.min(blocks - first, MOST_TASKS);
        for (let i = 0; i < tasks; i++) {
          const start = (first + i) * cut.unit;
          this.#write(i, plan, cut, values, start, Math.min(start + cut.unit, elements), 0);
        }
        this.#run(plan, values, tasks);
        for (let i = 0; i < tasks; i++) total += this.#options.board.result(i);
      }
      return total;
    };
  }

  /**
   * A shared symmetric product. C is divided into bands of rows. The symmetric kernel computes the square of a band on the
   * diagonal, and a general product computes the part to the left of it. The caller's thread then mirrors the products,
   * which takes 9 us for n = 256.
   */
  #sharedSymmetric(plan: CallPlan, product: CallPlan): AnyKernel {
    const { [plan.name]: raw, transpose } = this.#raw;
    return (...values) => {
      const [n = 0, k = 0, a = 0, lda = 0, c = 0, ldc = 0, workspace = 0] = values;
      const time = plan.time(values);
      this.#engage(time);
      const parts = this.#partsFor(time);
      const bands = Math.floor(Math.min(2 * parts, time / this.#leastShare, n / 16));
      if (parts < 2 || bands < 2) return raw(...values);
      const { board } = this.#options;
      const stride = this.#roomOf(plan, values);
      const rowOfA = product.name === "gemmNT" ? 4 * lda : 4;
      const edge = (band: number) =>
        band === bands ? n : Math.round((n * Math.sqrt(band / bands)) / 8) * 8;
      let tasks = 0;
      for (let band = 0; band < bands; band++) {
        const row = edge(band);
        const height = edge(band + 1) - row;
        const from = a + row * rowOfA;
        const to = c + row * ldc * 4;
        if (row > 0) {
          const left = [height, row, k, from, lda, a, lda, 0, to, ldc, workspace];
          this.#weights[tasks] = height * row;
          board.write(tasks++, product.number, left, left.length - 1, stride);
        }
        const square = [height, k, from, lda, to + row * 4, ldc, workspace];
        this.#weights[tasks] = (height * height) / 2;
        board.write(tasks++, plan.number, square, square.length - 1, stride);
      }
      this.#run(plan, values, tasks);
      for (let band = 1; band < bands; band++) {
        const row = edge(band);
        const [lower, upper] = [c + row * ldc * 4, c + row * 4];
        transpose(edge(band + 1) - row, row, lower, ldc, upper, ldc);
      }
      return undefined;
    };
  }

  /** Decides from the time of a matrix product whether to share calls. */
  #engage(time: number): void {
    if (this.#options.always) return;
    const shares = time / this.#leastShare;
    if (shares >= SHARES_TO_STAY) this.#smallProducts = 0;
    else this.#smallProducts += 1;
    if (shares >= SHARES_TO_BEGIN) this.#engaged = true;
    else if (this.#smallProducts >= SMALL_TO_END) this.#engaged = false;
  }

  /** The number of threads for a call of `time` nanoseconds. 1 means that it is not shared. */
  #partsFor(time: number): number {
    if (time < 2 * this.#leastShare || this.#alone || !this.#engaged) return 1;
    this.#parts = Math.min(this.#availableThreads(time), Math.floor(time / this.#leastShare));
    return this.#parts;
  }

  /** The number of available threads for `work` nanoseconds. Wakes sleeping workers if that is worth its cost. */
  #availableThreads(work: number): number {
    const { board, threads, always } = this.#options;
    const time = now();
    if (time < this.#restsUntil && !always) return 1;
    const asleep = board.asleep;
    if (asleep === 0) return threads;
    if (time > this.#closeUntil) this.#missed = 0;
    this.#closeUntil = time + work / 1e6 + CLOSE_MILLISECONDS;
    this.#missed += work;
    if (this.#missed < WORTH_WAKING && !always) return threads - asleep;
    this.#missed = 0;
    board.wake();
    return threads;
  }

  /**
   * Writes the shares of a call to the board and returns their number. If it is less than 2, the call is not divided.
   * Every thread gets an equal part of the work, in shares of 1/2, 1/4 and so on, with the smallest share twice. So threads
   * finish at about the same time, even if some started late or are slow. The last share includes the incomplete unit.
   */
  #divide(plan: CallPlan, values: Values, time: number): number {
    const parts = this.#partsFor(time);
    if (parts < 2) return 1;
    const cut = largestCut(plan, values);
    const count = at(values, cut.count);
    const units = Math.floor(count / cut.unit);
    if (units < parts) return 1;
    const least = Math.max(
      this.#leastShare,
      Math.min(time / parts / LAST_SHARE, LONGEST_LAST_SHARE),
    );
    const finest = Math.min(time / parts / least, units / parts, 2 ** (MOST_TASKS / parts - 1));
    const halvings = Math.floor(Math.log2(finest));
    const stride = this.#roomOf(plan, values);
    const edge = (part: number) => Math.floor((units * part) / parts);
    let tasks = 0;
    for (let part = 0; part < parts; part++) {
      let start = edge(part);
      const end = edge(part + 1);
      for (let share = 0; share <= halvings; share++) {
        const isLast = share === halvings;
        const next = isLast ? end : start + ((end - start) >> 1);
        const until = isLast && part === parts - 1 ? count : next * cut.unit;
        this.#write(tasks++, plan, cut, values, start * cut.unit, until, stride);
        start = next;
      }
    }
    return tasks;
  }

  /** Writes the elements [start, end) of a call to the board as share `i`. */
  #write(
    i: number,
    plan: CallPlan,
    cut: Cut,
    values: Values,
    start: number,
    end: number,
    stride: number,
  ): void {
    const { board } = this.#options;
    board.write(i, plan.number, values, plan.workspace?.argument ?? -1, stride);
    board.set(i, cut.count, end - start);
    for (const { argument, factor, by, isAddress } of cut.moves) {
      const value = at(values, argument);
      if (value === 0 && isAddress) continue;
      let step = factor;
      for (const each of by) step *= at(values, each);
      board.set(i, argument, value + start * step);
    }
    this.#starts[i] = start;
    this.#weights[i] = end - start;
  }

  /** Posts the shares on the board and works until all are done. */
  #run(plan: CallPlan, values: Values, tasks: number): void {
    const { board, workers } = this.#options;
    if (workers.lost !== undefined) {
      this.#fail(`A worker of the model is gone: ${workers.lost}`, true);
    }
    const start = now();
    board.post(tasks, this.#parts);
    let own = 0;
    for (let i = board.work(); i !== NONE; i = board.work()) own += at(this.#weights, i);
    const worked = now() - start;
    if (!board.finished && !this.#allDone(worked)) {
      this.#fail(
        "A worker of the model took work and did not finish it",
        this.#leavesIntact(plan, values),
      );
    }
    if (board.failed) this.#fail("A kernel trapped", this.#leavesIntact(plan, values));
    if (own > 0) {
      let all = 0;
      for (let i = 0; i < tasks; i++) all += at(this.#weights, i);
      this.#recordGain((worked / own) * all - (now() - start));
    }
  }

  /**
   * Whether an interrupted call left the weights and the optimizer's state unchanged. If no block is registered, all memory
   * counts, and the call must not update any array in place, so that it can be repeated.
   */
  #leavesIntact({ written, read }: CallPlan, values: Values): boolean {
    return !written.some(({ argument, updates }) => {
      const address = at(values, argument);
      if (this.#guarded.length > 0) {
        return this.#guarded.some(({ first, last }) => address >= first && address <= last);
      }
      return address !== 0 && (updates || read.some((each) => at(values, each) === address));
    });
  }

  /** Adds the milliseconds that sharing a call has gained. Begins or ends a rest. */
  #recordGain(gain: number): void {
    this.#gain = Math.min(this.#gain + gain, LOSS_MILLISECONDS);
    if (this.#gain >= LOSS_MILLISECONDS) {
      this.#rest = SHORTEST_REST;
      this.#restsUntil = 0;
    } else if (this.#gain < -LOSS_MILLISECONDS) {
      this.#restsUntil = now() + this.#rest;
      this.#rest = Math.min(2 * this.#rest, LONGEST_REST);
      this.#gain = 0;
    }
  }

  /** Waits for shares that other threads took. Returns false if they did not finish in time. */
  #allDone(workedMilliseconds: number): boolean {
    const { board, maySleep, patience = PATIENCE_SLICES } = this.#options;
    const spinUntil = now() + SPIN_MILLISECONDS;
    while (now() < spinUntil) {
      if (board.finished) return true;
      pause();
    }
    const slices = patience + (workedMilliseconds * PATIENCE_FACTOR) / SLICE_MILLISECONDS;
    // It counts slices instead of using a deadline, because a suspended machine then only loses one slice.
    for (let slice = 0; slice < slices; slice++) {
      const sliceEnd = now() + SLICE_MILLISECONDS;
      do {
        if (board.finished) return true;
        if (maySleep) board.waitForDone(SLICE_MILLISECONDS);
      } while (now() < sliceEnd);
    }
    return board.finished;
  }

  #fail(what: string, weightsIntact: boolean): never {
    this.terminate();
    throw new ThreadError(what, weightsIntact);
  }

  /** The bytes of workspace that one thread needs for a call. 0 if the kernel has no workspace. */
  #roomOf({ workspace }: CallPlan, values: Values): number {
    if (!workspace) return 0;
    const { bytes, sizes, factor } = workspace;
    const [first = 0, second = 0, third = 0] = sizes; // a kernel ignores additional arguments
    return aligned(
      this.#raw[bytes](factor * at(values, first), at(values, second), at(values, third)),
    );
  }
}

/** A number of bytes, so that the workspaces of two threads share no cache line. */
function aligned(bytes = 0): number {
  return Math.ceil((bytes >>> 0) / CACHE_LINE) * CACHE_LINE;
}

/** The cut of a call whose argument is the largest; of equal ones the last. */
function largestCut({ name, cuts }: CallPlan, values: Values): Cut {
  let [best] = cuts;
  for (const cut of cuts) if (best && at(values, cut.count) >= at(values, best.count)) best = cut;
  if (!best) throw new Error(`The kernel table has no way to share ${name}.`);
  return best;
}

/** Element `i` of a list, which must exist. */
function at(list: ArrayLike<number>, i: number): number {
  return list[i] ?? 0;
}
