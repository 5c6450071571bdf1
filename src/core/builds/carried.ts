// The builds of the core that an entry of the package carries: embedded.ts, edge.ts or none.ts.

import type { HostModule, HostWebAssembly } from "../../platform/webassembly.ts";

export type Build = "baseline" | "relaxed";

/** Which build to run: `auto` takes relaxed SIMD where the host has it. */
export type Simd = "auto" | Build;

export interface Carried {
  /** The build for a wish of `simd`, which is checked here. */
  choose(host: HostWebAssembly, simd: unknown): Build;
  /** A build's bytes, or its module where the host compiled it beforehand. */
  module(build: Build): Uint8Array | HostModule;
  /** Whether they are modules, for memory that is not shared: of bytes a twin for shared memory can be made. */
  readonly compiled: boolean;
}
