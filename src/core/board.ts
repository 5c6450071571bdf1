// The board that a team of threads works from: a batch of tasks in shared memory, each a kernel and its
// arguments, which whoever is free takes in turn. The caller's thread takes tasks too, so a worker that
// sleeps, starts late or has died costs nothing but its help. Used on both sides, and so imports nothing.
//
//   int32   limit | claimed | done | signal | sleeping | waiting | failed | ready | stop   a cache line each
//   float64 tasks[64]: 16 arguments, kernel, place of the workspace argument, its stride, result
//
// Tickets count tasks since the start and wrap with int32: ticket t stands in place t mod 64. A batch is
// posted only after the one before it is done, so a claimed task is never written over.

/** Tasks posted so far; written last, so that whoever sees it sees the tasks. */
const LIMIT = 0;
const CLAIMED = 16;
const DONE = 32;
/** Changes whenever a sleeper should look: with every batch, and when the team is to stop. */
const SIGNAL = 48;
/** How many workers are asleep, or about to be. */
const SLEEPING = 64;
/** 1 while the caller is asleep, or about to be. */
const WAITING = 80;
/** 1 after a kernel trapped. */
const FAILED = 96;
/** Workers that have reported for work. */
const READY = 112;
const STOP = 128;
const HEADER_BYTES = 1024;

/** Most tasks a batch may have. */
export const MOST_TASKS = 64;
const KERNEL = 16;
const WORKSPACE = 17;
const STRIDE = 18;
const RESULT = 19;
const TASK_WORDS = 24;

/** How long a worker looks for the next task before it sleeps: longer than the gaps within a step. */
const SPIN_MILLISECONDS = 0.2;
const LOOKS_BETWEEN_CLOCKS = 64;

/** No int32, and so no ticket. */
const NONE = 2 ** 32;

/** A kernel as a table of them sees it: sixteen numbers in, of which it takes as many as it has parameters. */
export type AnyKernel = (...values: number[]) => number | undefined;

export class Board {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #tasks: Float64Array;
  readonly #kernels: readonly AnyKernel[];
  readonly #lane: number;

  /** `lane` numbers the thread: 0 is the caller's. Kernels come in the order of the module's exports. */
  constructor(buffer: SharedArrayBuffer, exports: object, lane: number) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.#tasks = new Float64Array(buffer, HEADER_BYTES, MOST_TASKS * TASK_WORDS);
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
  ): number {
    const ticket = (this.#words[LIMIT] as number) + i;
    const at = place(ticket);
    const tasks = this.#tasks;
    for (let a = 0; a < values.length; a++) tasks[at + a] = values[a] as number;
    tasks[at + KERNEL] = kernel;
    tasks[at + WORKSPACE] = workspace;
    tasks[at + STRIDE] = stride;
    return at;
  }

  /** Changes an argument of a task at `at`, as `write` gave it. */
  set(at: number, argument: number, value: number): void {
    this.#tasks[at + argument] = value;
  }

  /** What the kernel of a finished task returned. */
  result(at: number): number {
    return this.#tasks[at + RESULT] as number;
  }

  /** Opens the first `count` tasks written to everyone. */
  post(count: number): void {
    Atomics.add(this.#words, LIMIT, count);
    Atomics.add(this.#words, SIGNAL, 1);
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
    return Atomics.load(this.#words, DONE) === Atomics.load(this.#words, LIMIT);
  }

  /** Sleeps until a task is done, at most `milliseconds`. Not for a page's main thread. */
  waitForDone(milliseconds: number): void {
    Atomics.store(this.#words, WAITING, 1);
    const done = Atomics.load(this.#words, DONE);
    if (done !== Atomics.load(this.#words, LIMIT)) {
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

  /** Takes a task that nobody has and does it. False when there is none. */
  work(): boolean {
    const ticket = this.#claim();
    if (ticket === NONE) return false;
    const at = place(ticket);
    const t = this.#tasks;
    const workspace = t[at + WORKSPACE] as number;
    if (workspace >= 0) (t[at + workspace] as number) += this.#lane * (t[at + STRIDE] as number);
    const kernel = this.#kernels[t[at + KERNEL] as number] as AnyKernel;
    try {
      // biome-ignore format: one row
      const result = kernel(t[at]!, t[at + 1]!, t[at + 2]!, t[at + 3]!, t[at + 4]!, t[at + 5]!, t[at + 6]!, t[at + 7]!, t[at + 8]!, t[at + 9]!, t[at + 10]!, t[at + 11]!, t[at + 12]!, t[at + 13]!, t[at + 14]!, t[at + 15]!);
      if (result !== undefined) t[at + RESULT] = result;
    } catch {
      Atomics.store(this.#words, FAILED, 1);
    }
    Atomics.add(this.#words, DONE, 1);
    if (Atomics.load(this.#words, WAITING) !== 0) Atomics.notify(this.#words, DONE);
    return true;
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
      if (this.work()) {
        looks = 0;
      } else if (++looks === 1) {
        sleepAt = now() + SPIN_MILLISECONDS;
      } else if (looks % LOOKS_BETWEEN_CLOCKS === 0 && now() > sleepAt) {
        Atomics.add(words, SLEEPING, 1);
        Atomics.wait(words, SIGNAL, signal); // passes at once if the signal has changed since
        Atomics.sub(words, SLEEPING, 1);
        looks = 0;
      }
    }
  }

  #claim(): number {
    const words = this.#words;
    for (;;) {
      const ticket = Atomics.load(words, CLAIMED);
      if (ticket === Atomics.load(words, LIMIT)) return NONE;
      if (Atomics.compareExchange(words, CLAIMED, ticket, (ticket + 1) | 0) === ticket)
        return ticket;
    }
  }
}

function place(ticket: number): number {
  return (ticket & (MOST_TASKS - 1)) * TASK_WORDS;
}
