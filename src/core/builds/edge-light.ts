// For edge runtimes under the condition edge-light. Like workerd they only run modules that were compiled
// beforehand. Their tools compile every module that the program imports, and under Node 20 that fails for the
// relaxed build. So only the baseline build is imported here.

// @ts-expect-error: the bundler or loader of the host turns this import into a module
import baseline from "../wasm/baseline.wasm?module";
import type { BuildSource } from "./source.ts";

const now = () => baseline;

export const builds: BuildSource = { has: ["baseline"], compiled: true, now, later: now };
