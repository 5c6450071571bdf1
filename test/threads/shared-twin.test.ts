import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sharedTwin } from "../../src/threads/shared-twin.ts";

const bytes = new Uint8Array(readFileSync(new URL("../../build/baseline.wasm", import.meta.url)));

/** Whether a module links with a memory. */
function links(code: Uint8Array, shared: boolean): boolean {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared });
  try {
    new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(code)), { env: { memory } });
    return true;
  } catch {
    return false;
  }
}

test("the twin links with shared memory, and differs in one byte", () => {
  const twin = sharedTwin(bytes);
  expect([links(bytes, false), links(bytes, true)]).toEqual([true, false]);
  expect([links(twin, false), links(twin, true)]).toEqual([false, true]);
  expect(twin.filter((byte, i) => byte !== bytes[i])).toHaveLength(1);
});

test.each<[string, Uint8Array]>([
  ["a module that is shared already", sharedTwin(bytes)],
  ["a module without imports", bytes.slice(0, 8)],
  ["a module that ends within its imports", bytes.slice(0, 30)],
  ["no module", new TextEncoder().encode("<!doctype html><title>Not found</title>")],
  ["nothing", new Uint8Array(0)],
])("%s stays as it is", (_, code) => {
  expect(sharedTwin(code)).toEqual(code);
});
