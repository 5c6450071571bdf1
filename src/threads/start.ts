// Starts a team of threads: allocates shared memory, starts workers, and waits until they have started. All of this
// happens in an awaited call, because a page starts no worker while its main thread is busy. If threads are unavailable,
// the model runs on one thread and the caller gets one warning.

import { MAXIMUM_PAGES } from "../core/arena.ts";
import { builds } from "../core/builds/package.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { type Core, instantiate, loadCore, loadModule, requireSimd } from "../core/load.ts";
import type { HostMemory, HostModule, HostWebAssembly } from "../platform/webassembly.ts";
import {
  delay,
  hardwareThreads,
  isServer,
  lacksIsolation,
  maySleep,
  spawn,
  type WorkerLike,
  watch,
} from "../platform/workers.ts";
import { now } from "../platform/yield.ts";
import { Board } from "./board.ts";
import { ThreadsUnavailableWarning } from "./errors.ts";
import { threadWorker } from "./generated/thread-worker.ts";
import type { ThreadedCoreOptions, ThreadOptions } from "./options.ts";
import { sharedTwin } from "./shared-twin.ts";
import { Team, type TeamOptions } from "./team.ts";
import type { WorkerOrders } from "./worker.ts";

const START_MILLISECONDS = 10_000;
/**
 * The largest sizes to try for a shared memory in a page, in units of 64 KB. The host reserves the whole size at once, and
 * phones refuse large sizes.
 */
const PAGE_PAGES = [16384, 8192, 4096];

let warned = false;

/** The core on at most `wanted` threads, or on one thread if threads are unavailable. */
export async function loadTeam(options: ThreadedCoreOptions, wanted: number): Promise<Core> {
  const threads = options.threads === "auto" ? Math.min(wanted, hardwareThreads()) : wanted;
  if (threads === 1) return loadCore(options);
  const host = requireSimd();
  const shared = sharedMemory(host, options);
  if (typeof shared === "string") {
    const core = await loadCore(options);
    warnOfOneThread(options, threads, "sharedMemory", shared);
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
      dispose: () => team.terminate(),
      guard: (address, bytes) => team.guard(address, bytes),
    };
  } catch (cause) {
    const reason = `its workers could not start (${reasonOf(cause)})`;
    warnOfOneThread(options, threads, "workers", reason);
    return core;
  }
}

/** A shared memory, or the reason why there is none. */
function sharedMemory(host: HostWebAssembly, { wasm }: ThreadedCoreOptions): HostMemory | string {
  // A build for shared memory is made from bytes, and an edge runtime has modules instead.
  if (wasm === undefined && builds.compiled) {
    return "an edge runtime takes modules compiled beforehand, which share no memory";
  }
  let cause: unknown;
  for (const maximum of isServer() ? [MAXIMUM_PAGES] : PAGE_PAGES) {
    try {
      // Without cross-origin isolation the memory may exist, but it cannot be sent to a worker.
      Board.allocate();
      return new host.Memory({ initial: 1, maximum, shared: true });
    } catch (refusal) {
      cause = refusal;
    }
  }
  if (lacksIsolation()) {
    return (
      "threads need memory that they can share, which a page has only with the headers " +
      "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp"
    );
  }
  return `this host gave no memory that threads can share (${reasonOf(cause)})`;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Warns that the model runs on one thread. Without `onWarning` it warns once on the console. */
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
 * Starts the workers and returns the team when all have started.
 * @throws (rejects) the reason why a worker did not start. No worker keeps running.
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
  const workers = new Workers(board);
  try {
    for (let lane = 1; lane < threads; lane++) {
      const worker = createWorker ? await createWorker() : spawn(threadWorker);
      workers.add(worker, { module, memory, board: buffer, lane });
    }
    await workers.started();
  } catch (cause) {
    workers.terminate();
    throw cause;
  }
  const team = new Team({ exports, board, threads, maySleep: maySleep(), workers, ...limits });
  unreferenced?.register(team, workers);
  return team;
}

/** The workers of a model. It has no reference to the team, so that an unreferenced model can be collected. */
class Workers {
  /** The reason why a worker ended. Undefined while all run. */
  lost: string | undefined;
  readonly #board: Board;
  readonly #workers: WorkerLike[] = [];

  constructor(board: Board) {
    this.#board = board;
  }

  add(worker: WorkerLike, orders: WorkerOrders): void {
    this.#workers.push(worker);
    watch(worker, (reason) => {
      this.lost ??= reason;
    });
    worker.postMessage(orders);
  }

  /** Resolves when every worker has started. */
  async started(): Promise<void> {
    const end = now() + START_MILLISECONDS;
    while (this.#board.ready < this.#workers.length) {
      if (this.lost !== undefined) throw new Error(this.lost);
      if (now() > end) throw new Error("a worker did not start within ten seconds");
      await delay(1);
    }
  }

  terminate(): void {
    this.#board.stop();
    for (const worker of this.#workers.splice(0)) worker.terminate();
  }
}

/** Ends the workers of models that were garbage collected without `dispose`. */
const unreferenced =
  typeof FinalizationRegistry === "undefined"
    ? undefined
    : new FinalizationRegistry<Workers>((workers) => workers.terminate());
