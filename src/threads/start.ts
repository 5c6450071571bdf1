// From `threads: n` to a team at work: memory that threads can share, workers, and the handshake. All of
// it happens within an awaited call, because a page starts no worker while its main thread is busy.
// Where something is missing, the model runs on one thread and the caller is told once.

import { MAXIMUM_PAGES } from "../core/arena.ts";
import { builds } from "../core/builds/package.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { type Core, instantiate, loadCore, loadModule, requireSimd } from "../core/load.ts";
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
import { ThreadsUnavailableWarning } from "./errors.ts";
import { threadWorker } from "./generated/thread-worker.ts";
import type { ThreadedCoreOptions, ThreadOptions } from "./options.ts";
import { sharedTwin } from "./shared-twin.ts";
import { Team, type TeamOptions } from "./team.ts";
import type { WorkerOrders } from "./worker.ts";

const START_MILLISECONDS = 10_000;
/**
 * Pages of 64 KB that a shared memory may grow to in a page, the first that the host gives. They are
 * reserved at once, which phones refuse early.
 */
const PAGE_PAGES = [16384, 8192, 4096];

let warned = false;

/** The core for at most `wanted` threads, or for one thread where something stands in the way. */
export async function loadTeam(options: ThreadedCoreOptions, wanted: number): Promise<Core> {
  const threads = options.threads === "auto" ? Math.min(wanted, hardwareThreads()) : wanted;
  if (threads === 1) return loadCore(options);
  const host = requireSimd();
  // A twin for shared memory is made of bytes, and an edge runtime carries modules.
  const isModule = options.wasm === undefined && builds.compiled;
  const shared = isModule ? undefined : sharedMemory(host);
  if (!shared) {
    const remedy = isModule
      ? "an edge runtime takes modules compiled beforehand, which share no memory"
      : "this host has no memory that threads can share; a page needs the headers " +
        "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp";
    const core = await loadCore(options);
    warnOfOneThread(options, threads, "sharedMemory", remedy);
    return core;
  }
  const module = await loadModule(options, sharedTwin);
  const core = instantiate(host, module, options.simd, shared);
  try {
    const team = await startTeam(module, shared, core.kernels, threads, options.createWorker);
    return {
      ...core,
      kernels: team.kernels,
      get threads() {
        return team.threads;
      },
      dispose: () => team.disband(),
      guard: (address, bytes) => team.guard(address, bytes),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    warnOfOneThread(options, threads, "workers", `its workers could not start (${reason})`);
    return core;
  }
}

/** A memory that threads can share, or undefined where the host refuses one. */
function sharedMemory(host: HostWebAssembly): HostMemory | undefined {
  for (const maximum of isServer() ? [MAXIMUM_PAGES] : PAGE_PAGES) {
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
  limits: Pick<TeamOptions, "patience" | "always"> = {},
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
