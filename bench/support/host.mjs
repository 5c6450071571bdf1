// Information about the host, and the files of a build. Works on Node, Deno and Bun.

import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** Runtime, system and processor, for example "Node 20.20.2, linux x64, AMD EPYC". */
export function describeHost() {
  const runtime = globalThis.Deno
    ? `Deno ${globalThis.Deno.version.deno}`
    : globalThis.Bun
      ? `Bun ${globalThis.Bun.version}`
      : `Node ${process.versions.node}`;
  return `${runtime}, ${process.platform} ${process.arch}, ${cpus()[0]?.model ?? "unknown processor"}`;
}

/** The bytes of build/NAME.wasm. */
export function readBuild(name) {
  return readFileSync(new URL(`../../build/${name}.wasm`, import.meta.url));
}
