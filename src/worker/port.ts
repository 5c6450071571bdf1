// The message port of a worker's program to the page.

import type { Port } from "./call-server.ts";

interface WorkerScope {
  readonly process?: {
    getBuiltinModule?(name: string): { parentPort: NodePort | null } | undefined;
  };
  onmessage: ((event: { data: never }) => void) | null;
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

interface NodePort {
  on(type: "message", listener: (message: never) => void): void;
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
}

/** The port to the page, in a Web Worker or one of node:worker_threads. */
export function portOfWorker(): Port {
  const scope = globalThis as unknown as WorkerScope;
  const nodePort = scope.process?.getBuiltinModule?.("node:worker_threads")?.parentPort;
  return nodePort
    ? {
        post: (message, transfer) => nodePort.postMessage(message, transfer),
        listen: (listener) => nodePort.on("message", listener),
      }
    : {
        post: (message, transfer) => scope.postMessage(message, transfer),
        listen(listener) {
          scope.onmessage = ({ data }) => listener(data);
        },
      };
}
