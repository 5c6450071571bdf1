// The kernels of a core, shared by several threads: the same names and bit-identical results, but a call that
// is long enough is cut into shares, which the caller's thread and the workers take from a board. Callers
// need not know. The kernel table says how each kernel may be cut; cuts.ts prepares that for this file.

import type { KernelExports } from "../core/generated/exports.ts";
import { type KernelName, kernelNames } from "../core/kernel-table.ts";
import { now } from "../platform/yield.ts";
import { type AnyKernel, type Board, MOST_TASKS, NONE, pause } from "./board.ts";
import { type CallPlan, type Cut, callPlan, type Values } from "./cuts.ts";
import { ThreadError } from "./errors.ts";

/** The least work that is worth its own share, in nanoseconds of one thread. */
const LEAST_SHARE = 6_000;
/**
 * Sharing begins with a matrix product of so many least shares. It ends when so many products in a row have fewer than
 * the second figure: sharing the small calls of a small batch gains a third on a quiet machine and loses a third on
 * a busy one. A step of large products has small ones too, such as those for the biases in a Gram step.
 */
const SHARES_TO_BEGIN = 12;
const SHARES_TO_STAY = 5;
const SMALL_TO_END = 12;
/**
 * The last share of a call is one part in so many of what each thread has to do, but no longer than the second
 * figure, in nanoseconds: a thread may be late by that much. Cutting a product of 0.5 ms in eight costs 1 to 4 %
 * (every share packs the other operand); cut in two, a core that was slow for a while delayed the other by 20 %.
 */
const LAST_SHARE = 4;
const LONGEST_LAST_SHARE = 40_000;
/**
 * Sleeping workers are woken for so much work: at once, or in calls that follow each other closely. Waking
 * costs the caller 10 to 25 us, and a worker is there 30 to 40 us later (Node 24, measured).
 */
const WORTH_WAKING = 150_000;
/** Calls further apart than this do not add up: a woken worker would sleep again between them. */
const CLOSE_MILLISECONDS = 0.2;
/** How long the caller spins for the others before it sleeps, where it may sleep. */
const SPIN_MILLISECONDS = 0.2;
/** How long the caller waits for a share that was taken and not finished: so many slices, and more after long work. */
const SLICE_MILLISECONDS = 100;
const PATIENCE_SLICES = 50;
const PATIENCE_FACTOR = 20;

/**
 * Sharing that loses so much time against one thread pauses for a rest. The rest doubles up to the longest
 * while sharing continues to lose: other programs use the machine, or two threads run on one core.
 */
const LOSS_MILLISECONDS = 1;
const SHORTEST_REST = 10;
const LONGEST_REST = 640;

const CACHE_LINE = 64;
/** What a search returns that finds nothing: all bits set, as JavaScript reads an i32. */
const NOT_FOUND = -1;

export interface TeamOptions {
  readonly exports: KernelExports;
  readonly board: Board;
  /** The caller's thread included. */
  readonly threads: number;
  /** Whether the caller's thread may block. */
  readonly maySleep: boolean;
  readonly crew: { readonly lost: string | undefined; disband(): void };
  /** Slices of a tenth of a second that a share may be overdue. */
  readonly patience?: number;
  /** Share every call that can be cut, even where that only costs time. For tests. */
  readonly always?: boolean;
}

export class Team {
  /** What the model calls. */
  readonly kernels: KernelExports;
  readonly #raw: Readonly<Record<KernelName, AnyKernel>>;
  readonly #options: TeamOptions;
  readonly #leastShare: number;
  /** Where a model keeps what a call must not leave half written: first and last byte of each block. */
  readonly #guarded: { readonly first: number; readonly last: number }[] = [];
  /** Whether recent matrix products were worth sharing. */
  #engaged: boolean;
  /** Products in a row that were too small to be shared for themselves. */
  #smallProducts = 0;
  /** For each share of the current batch: its first element, and how much of the work it is. */
  readonly #starts = new Float64Array(MOST_TASKS);
  readonly #weights = new Float64Array(MOST_TASKS);
  /** Threads that the current batch is divided among. */
  #parts = 1;
  #alone = false;
  /** Milliseconds that sharing has won lately, or lost if below zero. */
  #won = 0;
  #rest = SHORTEST_REST;
  #restsUntil = 0;
  /** Nanoseconds of work that came close together while workers slept. */
  #missed = 0;
  #closeUntil = 0;

  constructor(options: TeamOptions) {
    this.#options = options;
    this.#leastShare = options.always ? 1 : LEAST_SHARE;
    this.#engaged = options.always === true;
    // The module's functions take numbers and nothing else; their own types say how many.
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

  /** Threads at work: one after a worker was lost. */
  get threads(): number {
    return this.#alone ? 1 : this.#options.threads;
  }

  /** Names a block of memory that a ThreadError reports on; see Core.guard. */
  guard(address: number, bytes: number): void {
    this.#guarded.push({ first: address, last: address + bytes - 1 });
  }

  /** Ends the workers; later calls run on the caller's thread. */
  disband(): void {
    this.#alone = true;
    this.#options.crew.disband();
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

  /** The first share that finds something gives the answer. */
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

  /** Every unit is a share. Their answers are added in order, as on one thread. */
  #sharedSum(plan: CallPlan): AnyKernel {
    const raw = this.#raw[plan.name];
    const cut = largestCut(plan, []);
    return (...values) => {
      const elements = at(values, cut.count);
      const blocks = Math.ceil(elements / cut.unit);
      if (blocks < 2 || this.#handsFor(plan.time(values)) < 2) return raw(...values);
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
   * C in bands of rows: each its square on the diagonal, by the symmetric kernel, and what is left of that, by
   * a product. The caller's thread then mirrors the products, which takes 9 us for n = 256.
   */
  #sharedSymmetric(plan: CallPlan, product: CallPlan): AnyKernel {
    const { [plan.name]: raw, transpose } = this.#raw;
    return (...values) => {
      const [n = 0, k = 0, a = 0, lda = 0, c = 0, ldc = 0, workspace = 0] = values;
      const time = plan.time(values);
      this.#engage(time);
      const hands = this.#handsFor(time);
      const bands = Math.floor(Math.min(2 * hands, time / this.#leastShare, n / 16));
      if (hands < 2 || bands < 2) return raw(...values);
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

  /** Notes how long a matrix product takes. */
  #engage(time: number): void {
    if (this.#options.always) return;
    const shares = time / this.#leastShare;
    if (shares >= SHARES_TO_STAY) this.#smallProducts = 0;
    else this.#smallProducts += 1;
    if (shares >= SHARES_TO_BEGIN) this.#engaged = true;
    else if (this.#smallProducts >= SMALL_TO_END) this.#engaged = false;
  }

  /** Threads that will share a call of so many nanoseconds; 1 leaves it whole. */
  #handsFor(time: number): number {
    if (time < 2 * this.#leastShare || this.#alone || !this.#engaged) return 1;
    this.#parts = Math.min(this.#hands(time), Math.floor(time / this.#leastShare));
    return this.#parts;
  }

  /** Threads that will take part in so much work. Wakes sleeping workers where that pays. */
  #hands(work: number): number {
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
   * Writes the shares of a call to the board and returns their number; below 2 the call stays whole. Every
   * thread gets an equal part of the work, in shares of a half, a quarter and so on of it, the smallest twice, so
   * that threads end together although some started late or are slow. The last share takes what is no whole unit.
   */
  #divide(plan: CallPlan, values: Values, time: number): number {
    const hands = this.#handsFor(time);
    if (hands < 2) return 1;
    const cut = largestCut(plan, values);
    const count = at(values, cut.count);
    const units = Math.floor(count / cut.unit);
    if (units < hands) return 1;
    const least = Math.max(
      this.#leastShare,
      Math.min(time / hands / LAST_SHARE, LONGEST_LAST_SHARE),
    );
    const finest = Math.min(time / hands / least, units / hands, 2 ** (MOST_TASKS / hands - 1));
    const halvings = Math.floor(Math.log2(finest));
    const stride = this.#roomOf(plan, values);
    const edge = (part: number) => Math.floor((units * part) / hands);
    let tasks = 0;
    for (let part = 0; part < hands; part++) {
      let start = edge(part);
      const end = edge(part + 1);
      for (let share = 0; share <= halvings; share++) {
        const isLast = share === halvings;
        const next = isLast ? end : start + ((end - start) >> 1);
        const until = isLast && part === hands - 1 ? count : next * cut.unit;
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

  /** Has everyone work until the shares on the board are done. */
  #run(plan: CallPlan, values: Values, tasks: number): void {
    const { board, crew } = this.#options;
    if (crew.lost !== undefined) this.#fail(`A worker of the model is gone: ${crew.lost}`, true);
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
      this.#keepBooks((worked / own) * all - (now() - start));
    }
  }

  /**
   * Whether a call that was interrupted harmed nothing that a model keeps. Where no block is guarded, all memory
   * counts, and a call does no harm if it can be made again: it updates nothing in place.
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

  #keepBooks(won: number): void {
    this.#won = Math.min(this.#won + won, LOSS_MILLISECONDS);
    if (this.#won >= LOSS_MILLISECONDS) {
      this.#rest = SHORTEST_REST;
      this.#restsUntil = 0;
    } else if (this.#won < -LOSS_MILLISECONDS) {
      this.#restsUntil = now() + this.#rest;
      this.#rest = Math.min(2 * this.#rest, LONGEST_REST);
      this.#won = 0;
    }
  }

  /** Waits for shares that others took. False when they must be given up. */
  #allDone(workedMilliseconds: number): boolean {
    const { board, maySleep, patience = PATIENCE_SLICES } = this.#options;
    const spinUntil = now() + SPIN_MILLISECONDS;
    while (now() < spinUntil) {
      if (board.finished) return true;
      pause();
    }
    const slices = patience + (workedMilliseconds * PATIENCE_FACTOR) / SLICE_MILLISECONDS;
    // Slices rather than a deadline: a machine that was suspended loses one of them, not the worker.
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
    this.disband();
    throw new ThreadError(what, weightsIntact);
  }

  /** Bytes of workspace that one thread needs for a call; 0 where the kernel takes none. */
  #roomOf({ workspace }: CallPlan, values: Values): number {
    if (!workspace) return 0;
    const { bytes, sizes, factor } = workspace;
    const [first = 0, second = 0, third = 0] = sizes; // a kernel ignores what it has no parameter for
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

/** Element `i` of a list that has one. */
function at(list: ArrayLike<number>, i: number): number {
  return list[i] ?? 0;
}
