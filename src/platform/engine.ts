// Facts about the JavaScript engine that feature tests cannot find.

interface EngineHost {
  readonly process?: { readonly versions?: { readonly v8?: string; readonly bun?: string } };
}

/**
 * Whether the engine is a V8 that runs out of registers in the tile of the relaxed build, so that the baseline build
 * is faster. Node 22 with V8 12.4 reaches 39 to 43 GFLOP/s with the baseline build, and 24 to 26 with the relaxed build
 * (docs/decisions/030-gemm-tile.md). Bun reports such a V8 version but is not V8.
 */
export function spillsWideTiles(): boolean {
  const { versions } = (globalThis as EngineHost).process ?? {};
  return versions?.v8 !== undefined && !versions.bun && Number.parseInt(versions.v8, 10) < 13;
}
