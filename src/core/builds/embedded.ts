// The builds that the package carries inside its JavaScript, unpacked when a model first asks. A file
// beside the code is lost by too many bundlers, policies and file:// pages to be the default.
// scripts/build-js.mjs puts edge.ts in this file's place for the entries of edge runtimes.

import { bothLength, packed, relaxedLength } from "../generated/packed.ts";
import type { Carried } from "./carried.ts";
import { chooseBuild } from "./choose.ts";
import { unpack } from "./unpack.ts";

export const carried: Carried = {
  compiled: false,
  choose: chooseBuild,
  module: (build) =>
    build === "relaxed"
      ? unpack(packed, relaxedLength)
      : unpack(packed, bothLength).subarray(relaxedLength),
};
