// Starts workers with node:worker_threads (Node, Deno, Bun) or with the web's Worker. The program is a string, so no URL is
// needed.

/** A worker of either kind, with the methods that the package uses. */
export interface WorkerLike {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

interface AnyWorker extends WorkerLike {
  addEventListener?(type: string, listener: (event: unknown) => void): void;
  on?(type: string, listener: (event: unknown) => void): void;
  unref?(): void;
}

interface Builtins {
  "node:worker_threads": {
    Worker: new (source: string, options: object) => AnyWorker;
  };
  "node:os": { availableParallelism(): number };
}

interface WorkerHost {
  readonly process?: {
    getBuiltinModule?<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined;
  };
  readonly navigator?: { hardwareConcurrency?: number };
  readonly crossOriginIsolated?: boolean;
  readonly Worker?: new (url: string) => AnyWorker;
  readonly Blob?: new (parts: string[], options: { type: string }) => object;
  readonly URL?: { createObjectURL(blob: object): string };
  setTimeout(callback: () => void, milliseconds: number): unknown;
}

function host(): WorkerHost {
  return globalThis as unknown as WorkerHost;
}

/** Starts a worker that runs a program. Throws if the host has no workers or refuses this one. */
export function spawn(source: string): WorkerLike {
  const threads = host().process?.getBuiltinModule?.("node:worker_threads");
  let refusal: unknown;
  if (threads) {
    try {
      // Without execArgv a worker would also run the --import modules of the program.
      return new threads.Worker(source, { eval: true, execArgv: [] });
    } catch (cause) {
      refusal = cause; // Electron's pages have the module but only support the web's workers.
    }
  }
  const { Worker, Blob, URL } = host();
  if (Worker && Blob && URL) {
    return new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  }
  throw refusal ?? new Error("the host has no workers");
}

/** Calls `lost` with a reason when the worker ends or fails. The worker does not keep the process alive. */
export function watch(worker: WorkerLike, lost: (reason: string) => void): void {
  const any = worker as AnyWorker;
  const failed = (event: unknown) => {
    (event as { preventDefault?(): void }).preventDefault?.();
    lost((event as { message?: string }).message || "it could not start");
  };
  if (any.on) {
    any.on("error", failed);
    any.on("exit", (code) => lost(`it ended with code ${code}`));
  } else {
    any.addEventListener?.("error", failed);
    any.addEventListener?.("close", () => lost("it ended")); // Bun, Deno
  }
  any.unref?.();
}

/** The number of hardware threads that the host reports, or 1. */
export function hardwareThreads(): number {
  return (
    host().process?.getBuiltinModule?.("node:os")?.availableParallelism() ??
    host().navigator?.hardwareConcurrency ??
    1
  );
}

/** Whether the host runs programs (Node, Deno, Bun) and not pages. */
export function isServer(): boolean {
  return host().process?.getBuiltinModule !== undefined;
}

/** Whether this is a page, or a worker of a page, whose headers forbid shared memory. */
export function lacksIsolation(): boolean {
  return host().crossOriginIsolated === false;
}

/** Whether this thread may block. Only the main thread of a page may not. */
export function maySleep(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves after about `milliseconds`. */
export function delay(milliseconds: number): Promise<void> {
  const { setTimeout } = host();
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
