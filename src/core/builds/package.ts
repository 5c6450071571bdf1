// The builds in the package's own files. Node, Deno and Bun read dist/wasm/*.wasm where they can: that is
// synchronous and needs no decoding. All others import the chunk that holds the build as text: pages, bundled
// programs without the file, and programs without permission to read. Only the build that is used is loaded.
// scripts/build-js.mjs replaces this file by another source where an entry needs one.

import { readFileIfAllowed } from "../../platform/files.ts";
import { lengths } from "../generated/lengths.ts";
import { decodeHex } from "../hex.ts";
import type { Build, BuildSource } from "./source.ts";

/** The folder of the modules relative to the file with this code. scripts/build-js.mjs defines it. */
declare const WASM_FOLDER: string | undefined;

const folder = typeof WASM_FOLDER === "undefined" ? "../../../build/" : WASM_FOLDER;

/**
 * The URL of this code, where the host or the bundler provides it. It is not written as
 * `new URL(…, import.meta.url)`, because bundlers would copy that file, and their programs use the chunk.
 */
const here = (import.meta as { readonly url?: string }).url;

const loaders = {
  baseline: () => import("../generated/baseline.ts"),
  relaxed: () => import("../generated/relaxed.ts"),
};
const loaded = new Map<Build, Uint8Array>();

/** The build's file next to this code. Next to a bundle there may be another file of that name, or an older one. */
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
