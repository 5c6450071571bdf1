// The builds that the package carries inside its JavaScript, unpacked when a model first asks. A file
// beside the code is lost by too many bundlers, policies and file:// pages to be the default.
// scripts/build-js.mjs puts none.ts or edge.ts in this file's place for the entries that need it.

import { bothLength, packed, relaxedLength } from "../generated/packed.ts";
import type { CarriedBuild } from "./carried.ts";
import { unpack } from "./unpack.ts";

export const carriedBuild: CarriedBuild = (build) =>
  build === "relaxed"
    ? unpack(packed, relaxedLength)
    : unpack(packed, bothLength).subarray(relaxedLength);

/** What is carried is bytes, of which a twin for shared memory can be made. */
export const carriesModules: boolean = false;
