import { builds } from "./core.ts";

/** Names of the builds that this engine can run, for `simd`. */
export const availableBuilds = builds.map(({ name }) => name as "baseline" | "relaxed");
