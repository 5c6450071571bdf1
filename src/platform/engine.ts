// What is known of the engine beyond its features.

interface EngineHost {
  readonly process?: { readonly versions?: { readonly v8?: string; readonly bun?: string } };
}

/**
 * Whether the engine is a V8 that runs out of registers in the relaxed build's tile, so that the baseline
 * build is the faster one: Node 22, whose V8 is 12.4, reaches 39 to 43 GFLOP/s with that and 24 to 26 with
 * the relaxed one (docs/decisions/030-gemm-tile.md). Bun says it is such a V8, and is none.
 */
export function spillsWideTiles(): boolean {
  const { versions } = (globalThis as EngineHost).process ?? {};
  return versions?.v8 !== undefined && !versions.bun && Number.parseInt(versions.v8, 10) < 13;
}
