// Starts a worker from the program that the package contains as text, or uses a worker of the caller.

import { readmeLink, show, UnsupportedHostError } from "../errors.ts";
import { spawn } from "../platform/workers.ts";
import { isReply, type Reply, type Request } from "./messages.ts";

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
  /** Whether the worker keeps the process alive. */
  hold(busy: boolean): void;
  end(): void;
}

/** The time within which a worker must report that it runs. */
const START_MILLISECONDS = 10_000;
/** After that time, a thread that was busy meanwhile still hears a report that has arrived. */
const GRACE_MILLISECONDS = 50;

interface TimerHost {
  setTimeout(callback: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

/**
 * Opens the channel to a worker that runs the text `program`, or to a worker of `createWorker`. `receive` gets every
 * message. `lost` gets the reason if the worker ends, does not report at the start, or runs another program.
 */
export function openChannel(
  program: string,
  createWorker: (() => WorkerLike) | undefined,
  startTimeout: number | undefined,
  receive: (message: Reply) => void,
  lost: (error: Error) => void,
): Channel {
  let worker: AnyWorker;
  try {
    worker = createWorker ? createWorker() : (spawn(program) as AnyWorker);
  } catch (cause) {
    throw refused((cause as Error).message, cause);
  }
  const { setTimeout, clearTimeout } = globalThis as unknown as TimerHost;
  const limit = startTimeout ?? START_MILLISECONDS;
  const silent = () =>
    lost(
      refused(`it said nothing for ${limit / 1000} s, so it may not run worker-script`, undefined),
    );
  let timer = setTimeout(() => {
    timer = setTimeout(silent, GRACE_MILLISECONDS);
  }, limit);
  const failed = (event: { message?: string; preventDefault?(): void }) => {
    event.preventDefault?.();
    lost(refused(event.message || "it could not start", event));
  };
  const arrived = (message: unknown) => {
    clearTimeout(timer);
    if (isReply(message)) receive(message);
    else lost(refused(`it posted ${show(message)}, so it does not run worker-script`, undefined));
  };
  const unreadable = () => lost(refused("a message could not be read", undefined));
  if (worker.on) {
    worker.on("message", arrived);
    worker.on("messageerror", unreadable);
    worker.on("error", failed);
    worker.on("exit", (code: number) => lost(refused(`it ended with code ${code}`, undefined)));
  } else {
    worker.addEventListener?.("message", ({ data }: { data: unknown }) => arrived(data));
    worker.addEventListener?.("messageerror", unreadable);
    worker.addEventListener?.("error", failed);
  }
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: (busy) => (busy ? worker.ref?.() : worker.unref?.()),
    end() {
      clearTimeout(timer);
      void worker.terminate();
    },
  };
}

function refused(reason: string, cause: unknown): UnsupportedHostError {
  return new UnsupportedHostError(
    `This runtime runs no worker for the model: ${reason}. A page needs "worker-src blob:" in its Content-Security-Policy, or createWorker with a worker of tied-autoencoder/worker-script. ${readmeLink("in-a-worker")}`,
    { cause },
  );
}
