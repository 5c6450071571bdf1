// The task board of a team of threads: a batch of tasks in shared memory. A task is a kernel and its arguments. Every
// thread begins with its own part of the batch, which is the same part in every call, so that the data it wrote is still
// in its cache. Then it takes free tasks of other parts. The caller's thread takes tasks too, so the work is done even if
// a worker sleeps, starts late or has died. Callers and workers both use this file, so it imports nothing.
//
//   int32   posted | done | signal | sleeping | waiting | failed | ready | stop | parts   a cache line each
//   float64 tasks[128]: state (int32), 16 arguments, kernel, index of the workspace argument, its stride, result
//
// `posted` holds the number of the batch and its number of tasks. A task is free while its state equals the number of
// the batch, and taken when its state is minus that number. A batch is only posted after the batch before it is done, so
// a taken task is never overwritten.

/** Written last, so that a thread that reads it also sees the tasks. */
const POSTED = 0;
const COUNT_BITS = 8;
const COUNT_MASK = 255;
/** Batches are numbered from 1 to this, then from 1 again, so that `posted` stays a positive int32. */
const LAST_BATCH = 2 ** 23 - 1;
/** The number of tasks of the batch that are done. */
const DONE = 16;
/** Changes with every batch and when the team stops, so that sleeping workers can wait for a change. */
const SIGNAL = 32;
/** The number of workers that sleep, or are about to. */
const SLEEPING = 48;
/** 1 while the caller sleeps, or is about to. */
const WAITING = 64;
/** 1 after a kernel trapped. */
const FAILED = 80;
/** The number of workers that have started. */
const READY = 96;
const STOP = 112;
/** The number of parts of the batch, one per thread. */
const PARTS = 128;
const HEADER_BYTES = 1024;

/** No task. */
export const NONE = -1;

/** The largest number of tasks of a batch. */
export const MOST_TASKS = 128;
/** The largest number of parameters of a kernel. */
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
 * How long a worker spins for the next task before it sleeps. This is longer than the gaps within a step and between
 * steps: copying 1024 rows of 784 values takes 0.3 to 0.7 ms.
 */
const SPIN_MILLISECONDS = 2;
const LOOKS_BETWEEN_CLOCKS = 64;

/** Tells the processor that its thread is waiting, where the runtime supports that. */
export const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => {});

/** Any kernel. It ignores additional arguments. */
export type AnyKernel = (...values: number[]) => number | undefined;

export class Board {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #tasks: Float64Array;
  /** The tasks as int32, for their states. */
  readonly #states: Int32Array;
  readonly #kernels: readonly AnyKernel[];
  readonly #lane: number;
  /** For the caller: the number of the next batch, and the number of tasks of the posted batch. */
  #batch = 1;
  #count = 0;
  /** The value of `posted` for which there are no free tasks left. */
  #exhausted = 0;

  /** `lane` is the number of the thread; 0 is the caller's. Kernels are numbered in the order of the module's exports. */
  constructor(buffer: SharedArrayBuffer, exports: object, lane: number) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.#tasks = new Float64Array(buffer, HEADER_BYTES, MOST_TASKS * TASK_WORDS);
    this.#states = new Int32Array(buffer, HEADER_BYTES, 2 * MOST_TASKS * TASK_WORDS);
    this.#kernels = Object.values(exports) as AnyKernel[];
    this.#lane = lane;
  }

  /** A buffer for the boards of all threads. Throws if the host has no shared memory. */
  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + MOST_TASKS * TASK_WORDS * 8);
  }

  // The caller's side

  /**
   * Writes task `i` of the next batch: the number of the kernel, and its arguments. `workspace` is the index of the
   * workspace argument, or -1 for none. Every thread has its own workspace; they lie `stride` bytes apart.
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

  /** The result of the kernel of a finished task. */
  result(i: number): number {
    return this.#word(i * TASK_WORDS + RESULT);
  }

  /** Posts the first `count` tasks to all threads, in `parts` equal parts. The first part is the caller's own. */
  post(count: number, parts: number): void {
    const words = this.#words;
    for (let i = 0; i < count; i++) Atomics.store(this.#states, stateOf(i), this.#batch);
    Atomics.store(words, DONE, 0);
    Atomics.store(words, PARTS, parts);
    Atomics.store(words, POSTED, (this.#batch << COUNT_BITS) | count);
    Atomics.add(words, SIGNAL, 1);
    this.#count = count;
    this.#batch = this.#batch === LAST_BATCH ? 1 : this.#batch + 1;
  }

  /** The number of sleeping workers, which must be woken for a batch. */
  get asleep(): number {
    return Atomics.load(this.#words, SLEEPING);
  }

  /** Wakes all workers. They spin for a while before they sleep again. */
  wake(): void {
    Atomics.add(this.#words, SIGNAL, 1);
    Atomics.notify(this.#words, SIGNAL);
  }

  get finished(): boolean {
    return Atomics.load(this.#words, DONE) === this.#count;
  }

  /** Sleeps until a task is done, for at most `milliseconds`. Not allowed on the main thread of a page. */
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

  /** Stops every worker. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    Atomics.add(this.#words, SIGNAL, 1);
    Atomics.notify(this.#words, SIGNAL);
  }

  // Both sides

  /** Takes a free task, runs it and returns its number. Returns NONE if all tasks are taken. */
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
    // The arguments are written one by one, because spreading an array takes 0.1 us longer.
    const w = (argument: number) => this.#word(at + ARGUMENTS + argument);
    try {
      // An invalid kernel number fails like a kernel that traps.
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

  /** Claims a task for this thread: first its own tasks in order, then those of other threads from the end. */
  #claim(posted: number): number {
    const batch = posted >> COUNT_BITS;
    const count = posted & COUNT_MASK;
    const part = Math.ceil(count / Math.max(1, Atomics.load(this.#words, PARTS)));
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

  /** Reports that the worker has started, and runs tasks until the team stops. */
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
        Atomics.wait(words, SIGNAL, signal); // returns immediately if the signal has changed
        Atomics.sub(words, SLEEPING, 1);
        looks = 0;
      }
    }
  }
}

/** The index of a task's state among the int32 words. */
function stateOf(task: number): number {
  return 2 * (task * TASK_WORDS + STATE);
}
