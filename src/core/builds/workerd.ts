// For workerd, which refuses to compile bytes inside a request. Both builds are imported as modules, which
// workerd compiles when the script is deployed.

// @ts-expect-error: the bundler or loader of the host turns this import into a module
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
