// The board that a team of threads works from: a batch of tasks in shared memory, each a kernel and its
// arguments. Every thread begins with its own part of the batch, the same part of call after call, so that
// what it wrote is in its cache when it reads it; then it takes what others have not come to. The caller's
// thread takes tasks too, so a worker that sleeps, starts late or has died costs nothing but its help.
// Used on both sides, and so imports nothing.
//
//   int32   posted | done | signal | sleeping | waiting | failed | ready | stop | hands   a cache line each
//   float64 tasks[128]: state (int32), 16 arguments, kernel, place of the workspace argument, its stride, result
//
// `posted` is the number of the batch and how many tasks it has. A task is free while its state is that
// number, and taken when it is minus that. A batch is posted only after the one before it is done, so a
// taken task is never written over.

/** Written last, so that whoever sees it sees the tasks. */
const POSTED = 0;
const COUNT_BITS = 8;
const COUNT_MASK = 255;
/** Batches are numbered from 1 to this and over again: `posted` stays a positive int32. */
const LAST_BATCH = 2 ** 23 - 1;
/** Tasks of the batch that are done. */
const DONE = 16;
/** Changes whenever a sleeper should look: with every batch, and when the team is to stop. */
const SIGNAL = 32;
/** How many workers are asleep, or about to be. */
const SLEEPING = 48;
/** 1 while the caller is asleep, or about to be. */
const WAITING = 64;
/** 1 after a kernel trapped. */
const FAILED = 80;
/** Workers that have reported for work. */
const READY = 96;
const STOP = 112;
/** Into how many parts the batch is divided. */
const HANDS = 128;
const HEADER_BYTES = 1024;

/** No task. */
export const NONE = -1;

/** Most tasks a batch may have. */
export const MOST_TASKS = 128;
const STATE = 0;
const ARGUMENTS = 1;
const KERNEL = 17;
const WORKSPACE = 18;
const STRIDE = 19;
const RESULT = 20;
/** Three cache lines. */
const TASK_WORDS = 24;

/**
 * How long a worker looks for the next task before it sleeps: longer than the gaps within a step and from
 * one step to the next. Copying in 1024 rows of 784 takes .3 to .7 ms, and to wake a worker costs more.
 */
const SPIN_MILLISECONDS = 2;
const LOOKS_BETWEEN_CLOCKS = 64;

/** Tells the processor that its thread only looks out, where the runtime has a word for that. */
export const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => {});

/** A kernel as a table of them sees it: sixteen numbers in, of which it takes as many as it has parameters. */
export type AnyKernel = (...values: number[]) => number | undefined;

export class Board {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #tasks: Float64Array;
  /** The tasks again, for their states. */
  readonly #states: Int32Array;
  readonly #kernels: readonly AnyKernel[];
  readonly #lane: number;
  /** The caller's: number of the batch that is being written, and tasks of the one posted. */
  #batch = 1;
  #count = 0;
  /** What was posted when nothing was left to take. */
  #exhausted = 0;

  /** `lane` numbers the thread: 0 is the caller's. Kernels come in the order of the module's exports. */
  constructor(buffer: SharedArrayBuffer, exports: object, lane: number) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.#tasks = new Float64Array(buffer, HEADER_BYTES, MOST_TASKS * TASK_WORDS);
    this.#states = new Int32Array(buffer, HEADER_BYTES, 2 * MOST_TASKS * TASK_WORDS);
    this.#kernels = Object.values(exports) as AnyKernel[];
    this.#lane = lane;
  }

  /** A buffer to make boards over. Throws where the host has no shared memory. */
  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + MOST_TASKS * TASK_WORDS * 8);
  }

  // The caller's side

  /**
   * Writes task `i` of the next batch: kernel number and arguments. `workspace` says which argument is
   * a thread's own room, `stride` bytes apart from thread to thread; -1 for none.
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
    for (let a = 0; a < values.length; a++) tasks[at + ARGUMENTS + a] = values[a] as number;
    tasks[at + KERNEL] = kernel;
    tasks[at + WORKSPACE] = workspace;
    tasks[at + STRIDE] = stride;
  }

  /** Changes an argument of task `i`, once it is written. */
  set(i: number, argument: number, value: number): void {
    this.#tasks[i * TASK_WORDS + ARGUMENTS + argument] = value;
  }

  /** What the kernel of a finished task returned. */
  result(i: number): number {
    return this.#tasks[i * TASK_WORDS + RESULT] as number;
  }

  /** Opens the first `count` tasks written to everyone, the first of `hands` equal parts to the caller. */
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

  /** Workers that will not see a batch unless they are woken. */
  get asleep(): number {
    return Atomics.load(this.#words, SLEEPING);
  }

  /** Wakes all workers: they look for work a while before they sleep again. */
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

  /** Sends every worker home. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    Atomics.add(this.#words, SIGNAL, 1);
    Atomics.notify(this.#words, SIGNAL);
  }

  // Both sides

  /** Takes a task that nobody has, does it and returns its number: NONE when all are taken. */
  work(): number {
    const posted = Atomics.load(this.#words, POSTED);
    if (posted === this.#exhausted) return NONE;
    const task = this.#claim(posted);
    if (task === NONE) {
      this.#exhausted = posted;
      return NONE;
    }
    const at = task * TASK_WORDS;
    const t = this.#tasks;
    const workspace = t[at + WORKSPACE] as number;
    if (workspace >= 0) {
      (t[at + ARGUMENTS + workspace] as number) += this.#lane * (t[at + STRIDE] as number);
    }
    const kernel = this.#kernels[t[at + KERNEL] as number] as AnyKernel;
    try {
      // biome-ignore format: one row
      const result = kernel(t[at + 1]!, t[at + 2]!, t[at + 3]!, t[at + 4]!, t[at + 5]!, t[at + 6]!, t[at + 7]!, t[at + 8]!, t[at + 9]!, t[at + 10]!, t[at + 11]!, t[at + 12]!, t[at + 13]!, t[at + 14]!, t[at + 15]!, t[at + 16]!);
      if (result !== undefined) t[at + RESULT] = result;
    } catch {
      Atomics.store(this.#words, FAILED, 1);
    }
    Atomics.add(this.#words, DONE, 1);
    if (Atomics.load(this.#words, WAITING) !== 0) Atomics.notify(this.#words, DONE);
    return task;
  }

  /** A task for this thread: its own in their order, then others' from the end. */
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

  // The worker's side

  /** Reports for work, and works until told to stop. */
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
        Atomics.wait(words, SIGNAL, signal); // passes at once if the signal has changed since
        Atomics.sub(words, SLEEPING, 1);
        looks = 0;
      }
    }
  }
}

/** Where the state of a task stands among int32. */
function stateOf(task: number): number {
  return 2 * (task * TASK_WORDS + STATE);
}
