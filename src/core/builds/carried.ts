// What the three ways of carrying builds have in common.

import type { HostModule } from "../../platform/webassembly.ts";

export type Build = "baseline" | "relaxed";

/** A build's bytes, or its module where the host compiled it beforehand; nothing where none is carried. */
export type CarriedBuild = (build: Build) => Uint8Array | HostModule | undefined;
