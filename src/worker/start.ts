// Starts the worker, on whatever the host has, from the program that the package carries as text; or
// takes one that the caller made.

import { readmeLink, UnsupportedHostError } from "../errors.ts";
import { spawn } from "../platform/workers.ts";
import type { Reply, Request } from "./messages.ts";

/** The program, put here by scripts/build-js.mjs. */
declare const WORKER_PROGRAM: string;

/** A Web Worker, or one of node:worker_threads. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  terminate(): unknown;
}

interface AnyWorker extends WorkerLike {
  addEventListener?(type: string, listener: (event: never) => void): void;
  on?(type: string, listener: (value: never) => void): void;
  ref?(): void;
  unref?(): void;
}

export interface Channel {
  post(message: Request, transfer: ArrayBuffer[]): void;
  /** Whether a program must stay alive for what the worker still does. */
  hold(busy: boolean): void;
  end(): void;
}

/** Opens the channel: `receive` gets every message, `lost` the reason when the worker is gone. */
export function openChannel(
  createWorker: (() => WorkerLike) | undefined,
  receive: (message: Reply) => void,
  lost: (error: Error) => void,
): Channel {
  let worker: AnyWorker;
  try {
    worker = createWorker ? createWorker() : (spawn(WORKER_PROGRAM) as AnyWorker);
  } catch (cause) {
    throw refused((cause as Error).message, cause);
  }
  const failed = (event: { message?: string; preventDefault?(): void }) => {
    event.preventDefault?.();
    lost(refused(event.message || "it could not start", event));
  };
  if (worker.on) {
    worker.on("message", receive);
    worker.on("error", failed);
    worker.on("exit", (code: number) => lost(refused(`it ended with code ${code}`, undefined)));
  } else {
    worker.addEventListener?.("message", ({ data }: { data: Reply }) => receive(data));
    worker.addEventListener?.("error", failed);
  }
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: (busy) => (busy ? worker.ref?.() : worker.unref?.()),
    end: () => void worker.terminate(),
  };
}

function refused(reason: string, cause: unknown): UnsupportedHostError {
  return new UnsupportedHostError(
    `This runtime runs no worker for the model: ${reason}. A page needs "worker-src blob:" in its Content-Security-Policy, or createWorker with a worker of tied-autoencoder/worker-script. ${readmeLink("in-a-worker")}`,
    { cause },
  );
}
