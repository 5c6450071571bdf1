// The kernels of a core that several threads share: the same names and the same results to the bit,
// but calls that are worth it are cut into shares, which the caller's thread and the workers take from
// a board. Whoever calls a kernel need not know. See splits.ts for what is cut and where.

import type { KernelExports } from "../core/generated/exports.ts";
import {
  type KernelName,
  MULTIPLY_RATE,
  products,
  type Split,
  search,
  splits,
  sums,
} from "../core/splits.ts";
import { now } from "../platform/workers.ts";
import { type Board, MOST_TASKS, NONE, pause } from "./board.ts";
import { ThreadError } from "./errors.ts";

type Kernel = (...values: number[]) => number;

/** The least work that is worth a share of its own, in nanoseconds of one thread. */
const LEAST_SHARE = 6_000;
/**
 * Sharing begins with a matrix product of so many least shares and ends with one below the second figure:
 * sharing the small calls of a small batch gains a third on a quiet machine and loses a third on a busy one.
 */
const SHARES_TO_BEGIN = 12;
const SHARES_TO_END = 5;
/**
 * The last share of a call is one part in so many of what each thread has to do, but no longer than this:
 * so much may one thread be late. Cutting a product of 0.5 ms in eight costs 1 to 4 % (every share packs the
 * other operand); cut in two, a core that was slow for a while held up the other by 20 %.
 */
const LAST_SHARE = 4;
const LONGEST_LAST_SHARE = 40_000;
/**
 * Sleeping workers are woken for so much work: at once, or in calls that follow each other closely. It
 * costs the caller 10 to 25 us, and a worker is there 30 to 40 us later (Node 24, measured).
 */
const WORTH_WAKING = 150_000;
/** Calls further apart than this do not add up: a woken worker would sleep again between them. */
const CLOSE_MILLISECONDS = 0.2;
/** How long the caller looks out for the others before it sleeps, where it may. */
const SPIN_MILLISECONDS = 0.2;
/** What the caller waits for a share that was taken and not finished: so many slices, and more after long work. */
const SLICE_MILLISECONDS = 100;
const PATIENCE_SLICES = 50;
const PATIENCE_FACTOR = 20;

/**
 * Sharing that loses so much time against one thread is given up for a rest, which doubles up to the
 * longest while it goes on losing: other programs have the machine, or two threads sit on one core.
 */
const LOSS_MILLISECONDS = 1;
const SHORTEST_REST = 10;
const LONGEST_REST = 640;

/** Kernels that change the model's parameters: interrupted half-way, they leave neither old nor new ones. */
const UPDATES: ReadonlySet<KernelName> = new Set(["sgd", "adam", "rmsprop", "adagrad"]);

/** Workspaces of two threads share no cache line. */
const ALIGNMENT = 64;
const NOT_FOUND = 0xffff_ffff;

export interface TeamOptions {
  readonly exports: KernelExports;
  readonly board: Board;
  /** The caller's thread included. */
  readonly threads: number;
  /** All of the linear memory. */
  readonly heap: () => Float32Array;
  /** Whether the caller's thread may block. */
  readonly maySleep: boolean;
  readonly crew: { readonly lost: string | undefined; disband(): void };
  /** Slices of a tenth of a second that a share may be overdue. */
  readonly patience?: number;
  /** Nanoseconds of work in the smallest share; for tests, which share what is not worth it. */
  readonly leastShare?: number;
}

export class Team {
  /** What the model calls. */
  readonly kernels: KernelExports;
  readonly #raw: Readonly<Record<KernelName, Kernel>>;
  readonly #names: readonly KernelName[];
  readonly #options: TeamOptions;
  readonly #leastShare: number;
  /** Whether the matrix products of late are worth sharing. */
  #engaged = false;
  /** Which element each share of the batch under way begins with, and how much of the work it is. */
  readonly #starts = new Float64Array(MOST_TASKS);
  readonly #weights = new Float64Array(MOST_TASKS);
  /** Threads that the batch under way is divided among. */
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
    this.#leastShare = options.leastShare ?? LEAST_SHARE;
    this.#raw = options.exports as unknown as Record<KernelName, Kernel>;
    this.#names = Object.keys(options.exports) as KernelName[];
    const shared: Record<KernelName, Kernel> = { ...this.#raw };
    for (const [name, split] of Object.entries(splits) as [KernelName, Split][]) {
      shared[name] = this.#shared(name, () => split);
    }
    for (const [name, { byRows, byColumns }] of Object.entries(products)) {
      const choose = (values: readonly number[]) => (dividesColumns(values) ? byColumns : byRows);
      shared[name as KernelName] = this.#shared(name as KernelName, choose);
    }
    shared.gramNT = this.#sharedGram("gramNT", "gemmNT");
    shared.gramTN = this.#sharedGram("gramTN", "gemmTN");
    for (const [name, split] of Object.entries(sums) as [KernelName, Split][]) {
      shared[name] = this.#sharedSum(name, split);
    }
    shared.firstOutside = this.#sharedSearch();
    shared.gemmWorkspace = (m, n, k) => options.threads * this.#workspaceOf(m ?? 0, n ?? 0, k ?? 0);
    this.kernels = shared as unknown as KernelExports;
  }

  /** Threads at work: one after a worker was lost. */
  get threads(): number {
    return this.#alone ? 1 : this.#options.threads;
  }

  /** Sends the workers home; what is called from then on runs on the caller's thread. */
  disband(): void {
    this.#alone = true;
    this.#options.crew.disband();
  }

  #shared(name: KernelName, choose: (values: readonly number[]) => Split): Kernel {
    const raw = this.#raw[name];
    return (...values) => {
      const split = choose(values);
      const cost = split.cost(values);
      if (split.workspace !== undefined) this.#engage(cost);
      const tasks = this.#divide(name, split, values, cost);
      return tasks < 2 ? raw(...values) : this.#run(name, tasks);
    };
  }

  /** The first share that holds something answers for all. */
  #sharedSearch(): Kernel {
    const raw = this.#raw.firstOutside;
    return (...values) => {
      const tasks = this.#divide("firstOutside", search, values, search.cost(values));
      if (tasks < 2) return raw(...values);
      this.#run("firstOutside", tasks);
      for (let i = 0; i < tasks; i++) {
        const found = this.#options.board.result(i) >>> 0;
        if (found !== NOT_FOUND) return (this.#starts[i] as number) + found;
      }
      return NOT_FOUND;
    };
  }

  /** Every block is a share; what they answer is added up in their order, as on one thread. */
  #sharedSum(name: KernelName, split: Split): Kernel {
    const raw = this.#raw[name];
    return (...values) => {
      const elements = values[split.count] as number;
      const blocks = Math.ceil(elements / split.unit);
      if (blocks < 2 || this.#handsFor(split.cost(values)) < 2) return raw(...values);
      let total = 0;
      for (let first = 0; first < blocks; first += MOST_TASKS) {
        const tasks = Math.min(blocks - first, MOST_TASKS);
        for (let i = 0; i < tasks; i++) {
          const start = (first + i) * split.unit;
          this.#write(i, name, split, values, start, Math.min(start + split.unit, elements), 0);
        }
        this.#run(name, tasks);
        for (let i = 0; i < tasks; i++) total += this.#options.board.result(i);
      }
      return total;
    };
  }

  /**
   * C in bands of rows: each its square on the diagonal, by the Gram kernel, and what is left of that,
   * by a product. The products are mirrored here.
   */
  #sharedGram(gram: "gramNT" | "gramTN", product: "gemmNT" | "gemmTN"): Kernel {
    const raw = this.#raw[gram];
    const gramNumber = this.#names.indexOf(gram);
    const productNumber = this.#names.indexOf(product);
    return (...values) => {
      const [n = 0, k = 0, a = 0, lda = 0, c = 0, ldc = 0, workspace = 0] = values;
      const cost = (n * n * k) / 2 / MULTIPLY_RATE;
      this.#engage(cost);
      const hands = this.#handsFor(cost);
      const bands = Math.floor(Math.min(2 * hands, cost / this.#leastShare, n / 16));
      if (hands < 2 || bands < 2) return raw(...values);
      const { board } = this.#options;
      const stride = this.#workspaceOf(n, n, k);
      const rowOfA = product === "gemmNT" ? 4 * lda : 4;
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
          board.write(tasks++, productNumber, left, 10, stride);
        }
        const square = [height, k, from, lda, to + row * 4, ldc, workspace];
        this.#weights[tasks] = (height * height) / 2;
        board.write(tasks++, gramNumber, square, 6, stride);
      }
      this.#run(gram, tasks);
      const heap = this.#options.heap();
      for (let band = 1; band < bands; band++) {
        mirrorLeft(heap, c / 4, ldc, edge(band), edge(band + 1));
      }
      return 0;
    };
  }

  /** Takes note of what a matrix product costs. */
  #engage(cost: number): void {
    const shares = cost / this.#leastShare;
    if (shares >= SHARES_TO_BEGIN) this.#engaged = true;
    else if (shares < SHARES_TO_END) this.#engaged = false;
  }

  /** Threads that will share a call of this cost: 1 leaves it as it is. */
  #handsFor(cost: number): number {
    if (cost < 2 * this.#leastShare || this.#alone || !this.#engaged) return 1;
    this.#parts = Math.min(this.#hands(cost), Math.floor(cost / this.#leastShare));
    return this.#parts;
  }

  /** Threads that will be there for work of this cost. Wakes the sleepers where that pays. */
  #hands(cost: number): number {
    const { board, threads } = this.#options;
    const time = now();
    if (time < this.#restsUntil) return 1;
    const asleep = board.asleep;
    if (asleep === 0) return threads;
    if (time > this.#closeUntil) this.#missed = 0;
    this.#closeUntil = time + cost / 1e6 + CLOSE_MILLISECONDS;
    this.#missed += cost;
    if (this.#missed < WORTH_WAKING) return threads - asleep;
    this.#missed = 0;
    board.wake();
    return threads;
  }

  /**
   * Writes a call's shares to the board and returns their number; below 2 it is left to be called as it
   * is. Every thread has an equal part of the work in shares of a half, a quarter and so on of it, the
   * smallest twice, so that threads end together although some started late or are slow. The last share
   * takes what is no whole unit.
   */
  #divide(name: KernelName, split: Split, values: readonly number[], cost: number): number {
    const hands = this.#handsFor(cost);
    const count = values[split.count] as number;
    const units = Math.floor(count / split.unit);
    if (hands < 2 || units < hands) return 1;
    const least = Math.max(
      this.#leastShare,
      Math.min(cost / hands / LAST_SHARE, LONGEST_LAST_SHARE),
    );
    const finest = Math.min(cost / hands / least, units / hands, 2 ** (MOST_TASKS / hands - 1));
    const halvings = Math.floor(Math.log2(finest));
    const [m = 0, n = 0, k = 0] = values;
    const stride = split.workspace === undefined ? 0 : this.#workspaceOf(m, n, k);
    const edge = (part: number) => Math.floor((units * part) / hands);
    let tasks = 0;
    for (let part = 0; part < hands; part++) {
      let start = edge(part);
      const end = edge(part + 1);
      for (let share = 0; share <= halvings; share++) {
        const isLast = share === halvings;
        const next = isLast ? end : start + ((end - start) >> 1);
        const until = isLast && part === hands - 1 ? count : next * split.unit;
        this.#write(tasks++, name, split, values, start * split.unit, until, stride);
        start = next;
      }
    }
    return tasks;
  }

  /** Writes the elements [start, end) of a call to the board as share `i`. */
  #write(
    i: number,
    name: KernelName,
    split: Split,
    values: readonly number[],
    start: number,
    end: number,
    stride: number,
  ): void {
    const { board } = this.#options;
    const number = this.#names.indexOf(name);
    board.write(i, number, values, split.workspace ?? -1, stride);
    board.set(i, split.count, end - start);
    for (const { argument, step, isPointer } of split.moves) {
      const value = values[argument] as number;
      if (value === 0 && isPointer) continue;
      board.set(i, argument, value + start * step(values));
    }
    this.#starts[i] = start;
    this.#weights[i] = end - start;
  }

  /** Has the batch done that stands on the board, by everyone. */
  #run(name: KernelName, tasks: number): 0 {
    const { board, crew } = this.#options;
    if (crew.lost !== undefined) this.#fail(`A worker of the model is gone: ${crew.lost}`, true);
    const start = now();
    board.post(tasks, this.#parts);
    let own = 0;
    for (let i = board.work(); i !== NONE; i = board.work()) own += this.#weights[i] as number;
    const worked = now() - start;
    if (!board.finished && !this.#allDone(worked)) {
      this.#fail("A worker of the model took work and did not finish it", !UPDATES.has(name));
    }
    if (board.failed) this.#fail("A kernel trapped", !UPDATES.has(name));
    if (own > 0) {
      let all = 0;
      for (let i = 0; i < tasks; i++) all += this.#weights[i] as number;
      this.#keepBooks((worked / own) * all - (now() - start));
    }
    return 0;
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

  /** Bytes of workspace of one thread. */
  #workspaceOf(m: number, n: number, k: number): number {
    const bytes = this.#raw.gemmWorkspace(m, n, k) >>> 0;
    return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
  }
}

/** Whether a product is cut by columns of C rather than by rows. */
function dividesColumns([m = 0, n = 0]: readonly number[]): boolean {
  return n >= m;
}

/** c[j][i] = c[i][j] for rows i in [first, end) and columns j < first; `c` counts floats. */
function mirrorLeft(heap: Float32Array, c: number, ldc: number, first: number, end: number): void {
  for (let i = first; i < end; i++) {
    for (let j = 0; j < first; j++) heap[c + j * ldc + i] = heap[c + i * ldc + j] as number;
  }
}
