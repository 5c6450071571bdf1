// The builds of the package's own files. Node, Deno and Bun read dist/wasm/*.wasm where they can: nothing
// to decode, and no waiting. Everyone else imports the chunk that carries the build as text: pages,
// bundled programs that left the file behind, programs without permission to read. Only the build that is
// used is loaded. scripts/build-js.mjs puts another source in this file's place where an entry needs it.

import { readFileIfAllowed } from "../../platform/files.ts";
import { lengths } from "../generated/lengths.ts";
import { decodeHex } from "../hex.ts";
import type { Build, BuildSource } from "./source.ts";

/** The folder of the modules relative to the file that holds this code, put here by scripts/build-js.mjs. */
declare const WASM_FOLDER: string | undefined;

const folder = typeof WASM_FOLDER === "undefined" ? "../../../build/" : WASM_FOLDER;

/**
 * Where this code is, as far as the host or a bundler tells. Not written as `new URL(…, import.meta.url)`,
 * which bundlers take for a file to copy: their programs have the chunk.
 */
const here = (import.meta as { readonly url?: string }).url;

const loaders = {
  baseline: () => import("../generated/baseline.ts"),
  relaxed: () => import("../generated/relaxed.ts"),
};
const loaded = new Map<Build, Uint8Array>();

/** The build's file beside this code. A bundle may have another file of that name there, or an older one. */
function fromFile(build: Build): Uint8Array | undefined {
  const bytes = here === undefined ? undefined : readFileIfAllowed(`${folder}${build}.wasm`, here);
  return bytes?.length === lengths[build] ? bytes : undefined;
}

async function fromText(build: Build): Promise<Uint8Array> {
  const { hex } = await loaders[build]();
  const bytes = decodeHex(hex);
  loaded.set(build, bytes);
  return bytes;
}

export const builds: BuildSource = {
  has: ["baseline", "relaxed"],
  compiled: false,
  now: (build) => loaded.get(build) ?? fromFile(build),
  later: (build) => builds.now(build) ?? fromText(build),
};
