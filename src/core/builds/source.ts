// Where the builds of the core come from. Each entry of the package has one source: package.ts,
// workerd.ts, edge-light.ts, script.ts or worker.ts.

import type { HostModule } from "../../platform/webassembly.ts";

/** A build of the core: `"baseline"` runs everywhere with the same bits, `"relaxed"` uses relaxed SIMD. */
export type Build = "baseline" | "relaxed";

/** Which build to run. `auto` chooses the relaxed build where the host supports it and runs it faster. */
export type Simd = "auto" | Build;

/** The bytes of a build, or its module where the host compiled it beforehand. */
export type BuildCode = Uint8Array | HostModule;

export interface BuildSource {
  /** The available builds. The baseline build is always available. */
  readonly has: readonly Build[];
  /**
   * Whether builds are compiled modules. A compiled module only links to unshared memory. From bytes a version
   * for shared memory can be made.
   */
  readonly compiled: boolean;
  /** A build, or undefined where it is only available asynchronously. */
  now(build: Build): BuildCode | undefined;
  /** A build, as a promise where it is only available asynchronously. */
  later(build: Build): BuildCode | Promise<BuildCode>;
}
