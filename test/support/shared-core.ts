// A core whose kernels several threads share, for tests: every call that can be divided is shared, even if it is small.

import { readFileSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import type { KernelExports } from "../../src/core/generated/exports.ts";
import type { Build, Core } from "../../src/core/load.ts";
import { sharedTwin } from "../../src/threads/shared-twin.ts";
import { startTeam } from "../../src/threads/start.ts";

interface SharedCoreOptions {
  build?: Build;
  createWorker?: () => Worker;
  /** How many slices of 0.1 s a share may be overdue. */
  patience?: number;
  /** Puts other functions in the place of the module's, on the caller's thread. */
  wrap?: (exports: KernelExports) => KernelExports;
}

/** One thread has the same memory and no team. */
export async function sharedCore(threads: number, options: SharedCoreOptions = {}): Promise<Core> {
  const { build = "baseline", createWorker, patience, wrap = (exports) => exports } = options;
  const bytes = new Uint8Array(readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)));
  const module = new WebAssembly.Module(sharedTwin(bytes) as Uint8Array<ArrayBuffer>);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4096, shared: true });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = wrap(exports as unknown as KernelExports);
  if (threads === 1) return { build, kernels, memory, threads, dispose() {}, guard() {} };
  const limits = { always: true, ...(patience === undefined ? {} : { patience }) };
  const team = await startTeam(module, memory, kernels, threads, createWorker, limits);
  return {
    build,
    kernels: team.kernels,
    memory,
    threads,
    dispose: () => team.terminate(),
    guard: (address, length) => team.guard(address, length),
  };
}
