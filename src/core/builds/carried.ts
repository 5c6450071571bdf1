// The builds of the core that an entry of the package carries: embedded.ts or edge.ts, or none.

import type { HostModule } from "../../platform/webassembly.ts";

export type Build = "baseline" | "relaxed";

export interface Carried {
  /** A build's bytes, or its module where the host compiled it beforehand. */
  module(build: Build): Uint8Array | HostModule;
  /** Whether they are modules, for memory that is not shared: of bytes a twin for shared memory can be made. */
  readonly compiled: boolean;
}
