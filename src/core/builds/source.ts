// Where the builds of the core come from. Each entry of the package has one source: package.ts,
// workerd.ts, edge-light.ts, script.ts or worker.ts.

import type { HostModule } from "../../platform/webassembly.ts";

/** A build of the core: `"baseline"` runs everywhere with the same bits, `"relaxed"` uses relaxed SIMD. */
export type Build = "baseline" | "relaxed";

/** Which build to run. `auto` takes the relaxed build where the host runs it, and runs it faster. */
export type Simd = "auto" | Build;

/** A build's bytes, or its module where the host compiled it beforehand. */
export type BuildCode = Uint8Array | HostModule;

export interface BuildSource {
  /** The builds that there are. The baseline build always is. */
  readonly has: readonly Build[];
  /**
   * Whether builds come as modules. Modules link to plain memory only; a twin for shared memory can be
   * made of bytes.
   */
  readonly compiled: boolean;
  /** A build, or undefined where it must be waited for. */
  now(build: Build): BuildCode | undefined;
  /** A build, by waiting where that is needed. */
  later(build: Build): BuildCode | Promise<BuildCode>;
}
