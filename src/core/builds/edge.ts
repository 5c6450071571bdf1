// For edge runtimes, which refuse to compile bytes inside a request: both builds are imported as
// modules and compiled when the script is deployed.

// @ts-expect-error: the host's bundler or loader makes a module of it
import baseline from "../wasm/baseline.wasm?module";
// @ts-expect-error: as above
import relaxed from "../wasm/relaxed.wasm?module";
import type { Carried } from "./carried.ts";
import { chooseBuild } from "./choose.ts";

export const carried: Carried = {
  compiled: true,
  choose: chooseBuild,
  module: (build) => (build === "relaxed" ? relaxed : baseline),
};
