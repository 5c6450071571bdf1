// From `threads: n` to a team at work: memory that threads can share, workers, and the handshake. All of
// it happens within an awaited call, because a page starts no worker while its main thread is busy.
// Where something is lacking the model runs on one thread and the caller hears of it once.

import type { HostMemory, HostModule, HostWebAssembly } from "../platform/webassembly.ts";
import {
  delay,
  hardwareThreads,
  isServer,
  maySleep,
  now,
  spawn,
  type WorkerLike,
  watch,
} from "../platform/workers.ts";
import { Board } from "./board.ts";
import type { KernelExports } from "./generated/exports.ts";
import { threadWorker } from "./generated/thread-worker.ts";
import type { Core } from "./load.ts";
import { sharedTwin } from "./memory-import.ts";
import { Team, type TeamOptions } from "./team.ts";
import { ThreadsUnavailableWarning } from "./thread-errors.ts";
import type { ThreadOptions } from "./thread-options.ts";
import type { WorkerOrders } from "./thread-worker.ts";

const START_MILLISECONDS = 10_000;
/** Pages of 64 KB that a shared memory may grow to. It is reserved at once, which phones refuse early. */
const SERVER_PAGES = 65536;
const PAGE_PAGES = [16384, 8192, 4096];

let warned = false;

/** What load.ts does of it: a module, of bytes that were changed as asked, and a core on one thread. */
export interface OneThread {
  module(change?: (bytes: Uint8Array) => Uint8Array): Promise<HostModule>;
  core(module: HostModule, memory?: HostMemory): Core;
}

/**
 * The core for as many threads as are wanted, at most, or for one where something stands in the way.
 * `isModule` says that there are no bytes, of which a twin for shared memory could be made.
 */
export async function loadTeam(
  host: HostWebAssembly,
  options: ThreadOptions,
  wanted: number,
  isModule: boolean,
  one: OneThread,
): Promise<Core> {
  const threads = options.threads === "auto" ? Math.min(wanted, hardwareThreads()) : wanted;
  if (threads === 1) return one.core(await one.module());
  const shared = isModule ? undefined : sharedMemory(host);
  if (!shared) {
    const remedy = isModule
      ? "an edge runtime takes modules compiled beforehand, which share no memory"
      : "this host has no memory that threads can share; a page needs the headers " +
        "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";
    const core = one.core(await one.module());
    warnOfOneThread(options, threads, "sharedMemory", remedy);
    return core;
  }
  const module = await one.module(sharedTwin);
  const core = one.core(module, shared);
  try {
    const team = await startTeam(module, shared, core.kernels, threads, options.createWorker);
    return {
      ...core,
      kernels: team.kernels,
      get threads() {
        return team.threads;
      },
      dispose: () => team.disband(),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    warnOfOneThread(options, threads, "workers", `its workers could not start (${reason})`);
    return core;
  }
}

/** A memory that threads can share, or undefined where the host refuses one. */
function sharedMemory(host: HostWebAssembly): HostMemory | undefined {
  for (const maximum of isServer() ? [SERVER_PAGES] : PAGE_PAGES) {
    try {
      // Outside cross-origin isolation the memory may exist, but nothing can be posted.
      Board.allocate();
      return new host.Memory({ initial: 1, maximum, shared: true });
    } catch {}
  }
  return undefined;
}

/** Tells the caller, once, that there will be one thread. */
function warnOfOneThread(
  options: ThreadOptions,
  threads: number,
  lacking: ThreadsUnavailableWarning["lacking"],
  cause: string,
): void {
  const warning = new ThreadsUnavailableWarning(threads, lacking, cause);
  if (options.onWarning) options.onWarning(warning);
  else if (options.threads !== "auto" && !warned) {
    warned = true;
    (globalThis as { console?: { warn(warning: unknown): void } }).console?.warn(warning);
  }
}

/**
 * Starts the workers and returns the team once all have reported.
 * @throws whatever stands in the way; nothing is left running.
 */
export async function startTeam(
  module: HostModule,
  memory: HostMemory,
  exports: KernelExports,
  threads: number,
  createWorker: ThreadOptions["createWorker"],
  limits: Pick<TeamOptions, "patience" | "leastShare"> = {},
): Promise<Team> {
  const buffer = Board.allocate();
  const board = new Board(buffer, exports, 0);
  const crew = new Crew(board);
  try {
    for (let lane = 1; lane < threads; lane++) {
      const worker = createWorker ? await createWorker() : spawn(threadWorker);
      crew.hire(worker, { module, memory, board: buffer, lane });
    }
    await crew.report();
  } catch (cause) {
    crew.disband();
    throw cause;
  }
  const heap = () => new Float32Array(memory.buffer);
  const team = new Team({ exports, board, threads, heap, maySleep: maySleep(), crew, ...limits });
  forgotten?.register(team, crew);
  return team;
}

/** The workers of a model. Knows nothing of the team, so that a forgotten model can be collected. */
class Crew {
  /** Why a worker is gone, once one is. */
  lost: string | undefined;
  readonly #board: Board;
  readonly #workers: WorkerLike[] = [];

  constructor(board: Board) {
    this.#board = board;
  }

  hire(worker: WorkerLike, orders: WorkerOrders): void {
    this.#workers.push(worker);
    watch(worker, (reason) => {
      this.lost ??= reason;
    });
    worker.postMessage(orders);
  }

  /** Resolves when every worker is at its post. */
  async report(): Promise<void> {
    const end = now() + START_MILLISECONDS;
    while (this.#board.ready < this.#workers.length) {
      if (this.lost !== undefined) throw new Error(this.lost);
      if (now() > end) throw new Error("a worker did not start within ten seconds");
      await delay(1);
    }
  }

  disband(): void {
    this.#board.stop();
    for (const worker of this.#workers.splice(0)) worker.terminate();
  }
}

/** Ends the workers of models that were let go without `dispose`. */
const forgotten =
  typeof FinalizationRegistry === "undefined"
    ? undefined
    : new FinalizationRegistry<Crew>((crew) => crew.disband());
