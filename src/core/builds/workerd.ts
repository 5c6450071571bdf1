// For workerd, which refuses to compile bytes inside a request: both builds are imported as modules,
// which it compiles when the script is deployed.

// @ts-expect-error: the host's bundler or loader makes a module of it
import baseline from "../wasm/baseline.wasm?module";
// @ts-expect-error: as above
import relaxed from "../wasm/relaxed.wasm?module";
import type { Build, BuildSource } from "./source.ts";

const now = (build: Build) => (build === "relaxed" ? relaxed : baseline);

export const builds: BuildSource = {
  has: ["baseline", "relaxed"],
  compiled: true,
  now,
  later: now,
};
