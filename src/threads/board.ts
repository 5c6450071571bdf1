// The board that a team of threads works from: a batch of tasks in shared memory, each a kernel and its
// arguments. Every thread begins with its own part of the batch, the same part in every call, so that what it
// wrote is in its cache when it reads it. Then it takes tasks that others have not reached. The caller's thread
// takes tasks too: the work gets done even if a worker sleeps, starts late or has died. Callers and workers both
// use this file, so it imports nothing.
//
//   int32   posted | done | signal | sleeping | waiting | failed | ready | stop | hands   a cache line each
//   float64 tasks[128]: state (int32), 16 arguments, kernel, place of the workspace argument, its stride, result
//
// `posted` holds the number of the batch and how many tasks it has. A task is free while its state equals the
// number of the batch, and taken when its state is minus that number. A batch is posted only after the batch
// before it is done, so a taken task is never overwritten.

/** Written last, so that whoever sees it sees the tasks. */
const POSTED = 0;
const COUNT_BITS = 8;
const COUNT_MASK = 255;
/** Batches are numbered from 1 to this, then from 1 again: `posted` stays a positive int32. */
const LAST_BATCH = 2 ** 23 - 1;
/** Tasks of the batch that are done. */
const DONE = 16;
/** Changes whenever a sleeping worker should look: with every batch, and when the team has to stop. */
const SIGNAL = 32;
/** How many workers sleep, or are about to. */
const SLEEPING = 48;
/** 1 while the caller sleeps, or is about to. */
const WAITING = 64;
/** 1 after a kernel trapped. */
const FAILED = 80;
/** Workers that have started. */
const READY = 96;
const STOP = 112;
/** Into how many parts the batch is divided. */
const HANDS = 128;
const HEADER_BYTES = 1024;

/** No task. */
export const NONE = -1;

/** The most tasks that a batch may have. */
export const MOST_TASKS = 128;
/** The most parameters that a kernel may have. */
export const MOST_ARGUMENTS = 16;
const STATE = 0;
const ARGUMENTS = 1;
const KERNEL = 17;
const WORKSPACE = 18;
const STRIDE = 19;
const RESULT = 20;
/** Three cache lines. */
const TASK_WORDS = 24;

/**
 * How long a worker looks for the next task before it sleeps: longer than the gaps within a step and between
 * steps. Copying in 1024 rows of 784 takes 0.3 to 0.7 ms, which is less than waking a worker costs.
 */
const SPIN_MILLISECONDS = 2;
const LOOKS_BETWEEN_CLOCKS = 64;

/** Tells the processor that its thread only waits, where the runtime can say so. */
export const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => {});

/** Any kernel: it takes as many of the numbers as it has parameters. */
export type AnyKernel = (...values: number[]) => number | undefined;

export class Board {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #tasks: Float64Array;
  /** The tasks again, for their states. */
  readonly #states: Int32Array;
  readonly #kernels: readonly AnyKernel[];
  readonly #lane: number;
  /** On the caller's side: the number of the batch that is being written, and the tasks of the posted one. */
  #batch = 1;
  #count = 0;
  /** What `posted` was when nothing was left to take. */
  #exhausted = 0;

  /** `lane` numbers the thread: 0 is the caller's. Kernels are numbered in the order of the module's exports. */
  constructor(buffer: SharedArrayBuffer, exports: object, lane: number) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.#tasks = new Float64Array(buffer, HEADER_BYTES, MOST_TASKS * TASK_WORDS);
    this.#states = new Int32Array(buffer, HEADER_BYTES, 2 * MOST_TASKS * TASK_WORDS);
    this.#kernels = Object.values(exports) as AnyKernel[];
    this.#lane = lane;
  }

  /** A buffer for the boards of all threads. Throws where the host has no shared memory. */
  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + MOST_TASKS * TASK_WORDS * 8);
  }

  // The caller's side

  /**
   * Writes task `i` of the next batch: the number of the kernel, and its arguments. `workspace` says which argument
   * is room that every thread has for itself, `stride` bytes apart from thread to thread; -1 for none.
   */
  write(
    i: number,
    kernel: number,
    values: readonly number[],
    workspace: number,
    stride: number,
  ): void {
    const at = i * TASK_WORDS;
    const tasks = this.#tasks;
    for (let a = 0; a < values.length; a++) tasks[at + ARGUMENTS + a] = values[a] ?? 0;
    tasks[at + KERNEL] = kernel;
    tasks[at + WORKSPACE] = workspace;
    tasks[at + STRIDE] = stride;
  }

  /** Changes an argument of task `i`, after `write`. */
  set(i: number, argument: number, value: number): void {
    this.#tasks[i * TASK_WORDS + ARGUMENTS + argument] = value;
  }

  /** What the kernel of a finished task returned. */
  result(i: number): number {
    return this.#word(i * TASK_WORDS + RESULT);
  }

  /** Opens the first `count` tasks to all threads; the first of `hands` equal parts is the caller's own. */
  post(count: number, hands: number): void {
    const words = this.#words;
    for (let i = 0; i < count; i++) Atomics.store(this.#states, stateOf(i), this.#batch);
    Atomics.store(words, DONE, 0);
    Atomics.store(words, HANDS, hands);
    Atomics.store(words, POSTED, (this.#batch << COUNT_BITS) | count);
    Atomics.add(words, SIGNAL, 1);
    this.#count = count;
    this.#batch = this.#batch === LAST_BATCH ? 1 : this.#batch + 1;
  }

  /** Workers that do not see a batch unless they are woken. */
  get asleep(): number {
    return Atomics.load(this.#words, SLEEPING);
  }

  /** Wakes all workers: they look for work for a while before they sleep again. */
  wake(): void {
    Atomics.add(this.#words, SIGNAL, 1);
    Atomics.notify(this.#words, SIGNAL);
  }

  get finished(): boolean {
    return Atomics.load(this.#words, DONE) === this.#count;
  }

  /** Sleeps until a task is done, at most `milliseconds`. Not for a page's main thread. */
  waitForDone(milliseconds: number): void {
    Atomics.store(this.#words, WAITING, 1);
    const done = Atomics.load(this.#words, DONE);
    if (done !== this.#count) {
      Atomics.wait(this.#words, DONE, done, milliseconds);
    }
    Atomics.store(this.#words, WAITING, 0);
  }

  get failed(): boolean {
    return Atomics.load(this.#words, FAILED) !== 0;
  }

  get ready(): number {
    return Atomics.load(this.#words, READY);
  }

  /** Ends every worker. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    Atomics.add(this.#words, SIGNAL, 1);
    Atomics.notify(this.#words, SIGNAL);
  }

  // Both sides

  /** Takes a task that is free, does it and returns its number: NONE when all are taken. */
  work(): number {
    const posted = Atomics.load(this.#words, POSTED);
    if (posted === this.#exhausted) return NONE;
    const task = this.#claim(posted);
    if (task === NONE) {
      this.#exhausted = posted;
      return NONE;
    }
    const at = task * TASK_WORDS;
    const workspace = this.#word(at + WORKSPACE);
    if (workspace >= 0) {
      const moved = this.#word(at + ARGUMENTS + workspace) + this.#lane * this.#word(at + STRIDE);
      this.#tasks[at + ARGUMENTS + workspace] = moved;
    }
    // The arguments one by one: spreading an array of them took 0.1 us longer.
    const w = (argument: number) => this.#word(at + ARGUMENTS + argument);
    try {
      // A number that names no kernel fails like a kernel that traps.
      const kernel = this.#kernels[this.#word(at + KERNEL)] as AnyKernel;
      // biome-ignore format: MOST_ARGUMENTS in two rows
      const result = kernel(w(0), w(1), w(2), w(3), w(4), w(5), w(6), w(7),
        w(8), w(9), w(10), w(11), w(12), w(13), w(14), w(15));
      if (result !== undefined) this.#tasks[at + RESULT] = result;
    } catch {
      Atomics.store(this.#words, FAILED, 1);
    }
    Atomics.add(this.#words, DONE, 1);
    if (Atomics.load(this.#words, WAITING) !== 0) Atomics.notify(this.#words, DONE);
    return task;
  }

  /** A task for this thread: its own in order, then those of others from the end. */
  #claim(posted: number): number {
    const batch = posted >> COUNT_BITS;
    const count = posted & COUNT_MASK;
    const part = Math.ceil(count / Math.max(1, Atomics.load(this.#words, HANDS)));
    const home = this.#lane * part;
    for (let i = home; i < home + part && i < count; i++) if (this.#take(i, batch)) return i;
    for (let i = count - 1; i >= 0; i--) if (this.#take(i, batch)) return i;
    return NONE;
  }

  #take(task: number, batch: number): boolean {
    const at = stateOf(task);
    if (Atomics.load(this.#states, at) !== batch) return false;
    return Atomics.compareExchange(this.#states, at, batch, -batch) === batch;
  }

  /** A word of the tasks. */
  #word(index: number): number {
    return this.#tasks[index] ?? 0;
  }

  // The worker's side

  /** Reports that the worker has started, and works until the team stops. */
  serve(now: () => number): void {
    const words = this.#words;
    Atomics.add(words, READY, 1);
    let sleepAt = now() + SPIN_MILLISECONDS;
    let looks = 0;
    while (Atomics.load(words, STOP) === 0) {
      const signal = Atomics.load(words, SIGNAL);
      if (this.work() !== NONE) {
        looks = 0;
      } else if (++looks === 1) {
        sleepAt = now() + SPIN_MILLISECONDS;
      } else if (looks % LOOKS_BETWEEN_CLOCKS !== 0 || now() <= sleepAt) {
        pause();
      } else {
        Atomics.add(words, SLEEPING, 1);
        Atomics.wait(words, SIGNAL, signal); // returns at once if the signal has changed since
        Atomics.sub(words, SLEEPING, 1);
        looks = 0;
      }
    }
  }
}

/** The place of a task's state among the int32 words. */
function stateOf(task: number): number {
  return 2 * (task * TASK_WORDS + STATE);
}
