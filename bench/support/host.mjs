// What the benches need of a host, on Node, Deno and Bun alike.

import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** "Node 20.20.2, AMD EPYC" and the like. */
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
