// The program that runs in the worker: tied-autoencoder/worker carries it as text and starts it from
// there; a page whose policy forbids that serves this file and gives a worker made of it.

import { type Port, serve } from "./worker/host.ts";

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

const scope = globalThis as unknown as WorkerScope;
const nodePort = scope.process?.getBuiltinModule?.("node:worker_threads")?.parentPort;

const port: Port = nodePort
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

serve(port);
