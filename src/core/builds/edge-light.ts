// For edge runtimes under the condition edge-light, which like workerd run modules that were compiled
// beforehand. Their tools compile every module that the program names, and under Node 20 that fails for
// the relaxed build, so only the baseline build is named here.

// @ts-expect-error: the host's bundler or loader makes a module of it
import baseline from "../wasm/baseline.wasm?module";
import type { BuildSource } from "./source.ts";

const now = () => baseline;

export const builds: BuildSource = { has: ["baseline"], compiled: true, now, later: now };
