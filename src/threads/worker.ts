// The program of a worker: waits for its one message, instantiates the core over the shared memory that the
// message brings, and runs kernels until the team stops. It is bundled twice: as a string, from which the package
// starts workers, and as the entry "tied-autoencoder/thread-worker" for pages that may not run strings.

import type { HostModule, HostWebAssembly } from "../platform/webassembly.ts";
import { Board } from "./board.ts";

/** What the caller's thread sends. */
export interface WorkerOrders {
  /** The core, compiled. */
  readonly module: HostModule;
  /** The shared memory. */
  readonly memory: object;
  /** Where calls are posted. */
  readonly board: SharedArrayBuffer;
  /** Which share of each call is this worker's. */
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

// A worker of node:worker_threads has a port; any other gets messages at its global scope.
const port = scope.process?.getBuiltinModule?.("node:worker_threads")?.parentPort;
if (port) port.once("message", serve);
else scope.onmessage = ({ data }) => serve(data);
