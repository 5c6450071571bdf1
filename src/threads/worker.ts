// The program of a worker of a team. It waits for one message, instantiates the core over the shared memory in that
// message, and runs kernels until the team stops. It is bundled twice: as a string, from which the package starts workers,
// and as the entry "tied-autoencoder/thread-worker", for pages that do not allow running strings.

import type { HostModule, HostWebAssembly } from "../platform/webassembly.ts";
import { Board } from "./board.ts";

/** The message from the caller's thread. */
export interface WorkerOrders {
  /** The compiled core. */
  readonly module: HostModule;
  /** The shared memory. */
  readonly memory: object;
  /** The memory of the board. */
  readonly board: SharedArrayBuffer;
  /** The number of the worker, from 1. */
  readonly lane: number;
}

interface WorkerScope {
  readonly WebAssembly: HostWebAssembly;
  readonly performance: { now(): number };
  readonly process?: {
    getBuiltinModule?(name: string): { parentPort?: Port | null } | undefined;
  };
  onmessage: ((event: { data: WorkerOrders }) => void) | null;
  close?(): void;
}

interface Port {
  once(event: "message", listener: (orders: WorkerOrders) => void): void;
}

const scope = globalThis as unknown as WorkerScope;

function serve({ module, memory, board, lane }: WorkerOrders): void {
  const { exports } = new scope.WebAssembly.Instance(module, { env: { memory } });
  new Board(board, exports, lane).serve(() => scope.performance.now());
  scope.close?.();
}

// A worker of node:worker_threads has a port. Any other worker gets messages at its global scope.
const port = scope.process?.getBuiltinModule?.("node:worker_threads")?.parentPort;
if (port) port.once("message", serve);
else scope.onmessage = ({ data }) => serve(data);
