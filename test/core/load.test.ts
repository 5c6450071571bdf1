import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { WasmSource } from "../../src/core/load.ts";
import { MemoryLimitError, TiedAutoencoder, UnsupportedHostError } from "../../src/index.ts";
import { builds } from "../support/core.ts";

const layers = [5, 2];
const bytes = new Uint8Array(readFileSync(new URL("../../build/baseline.wasm", import.meta.url)));
const module = new WebAssembly.Module(bytes);
const expected = TiedAutoencoder.createSync({ layers, simd: "baseline" }).weights();

afterEach(() => vi.unstubAllGlobals());

describe("the core's module", () => {
  test("auto chooses the relaxed build if the host supports it and runs it faster", async () => {
    const { build } = await TiedAutoencoder.create({ layers });
    const hasRelaxed = builds.some(({ name }) => name === "relaxed");
    const isFaster = Number.parseInt(process.versions.v8, 10) >= 13;
    expect(build).toBe(hasRelaxed && isFaster ? "relaxed" : "baseline");
  });

  test.runIf(builds.some(({ name }) => name === "relaxed"))(
    "the relaxed build runs if it is requested, even if the baseline is faster",
    async () => {
      const { build } = await TiedAutoencoder.create({ layers, simd: "relaxed" });
      expect(build).toBe("relaxed");
    },
  );

  const foreign = runInContext("new WebAssembly.Module(bytes)", createContext({ bytes }));
  const forms: [string, WasmSource | Promise<WasmSource> | (() => unknown)][] = [
    ["a module", module],
    ["a module of another realm", foreign],
    ["bytes", bytes],
    ["an ArrayBuffer", bytes.buffer],
    ["a Response", new Response(bytes)],
    ["a promise", Promise.resolve(module)],
    ["a function that gives a promise", async () => bytes],
  ];
  test.each(forms)("may be given as %s", async (_, wasm) => {
    const model = await TiedAutoencoder.create({ layers, wasm: wasm as WasmSource });
    expect(model.build).toBe("baseline");
    expect(model.weights()).toEqual(expected);
  });

  test("createSync takes a module or bytes, and the error for other values says so", () => {
    for (const wasm of [module, bytes]) {
      expect(TiedAutoencoder.createSync({ layers, wasm }).weights()).toEqual(expected);
    }
    const wasm = Promise.resolve(module);
    expect(() => TiedAutoencoder.createSync({ layers, wasm })).toThrow(
      /Module or bytes; got a Promise/,
    );
  });

  test.each<[string, unknown, RegExp]>([
    ["an HTML page", new TextEncoder().encode("<!doctype html>"), /begin with "<!doctype html>"/],
    ["a truncated module", bytes.subarray(0, 99), /99 bytes that this runtime does not take/],
    ["another module", new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]), /exports no abi/],
    ["a number", 7, /must be a WebAssembly.Module, its bytes.*got 7/],
  ])("%s is refused with a clear message", async (_, wasm, message) => {
    const create = TiedAutoencoder.create({ layers, wasm: wasm as WasmSource });
    await expect(create).rejects.toThrow(message);
  });

  test("a module that contradicts simd is an error", async () => {
    const create = TiedAutoencoder.create({ layers, wasm: module, simd: "relaxed" });
    await expect(create).rejects.toThrow(/relaxed SIMD|is the baseline build/);
  });
});

/** Replaces the host's WebAssembly by one with some changed members. */
function stubWebAssembly(members: object) {
  const { validate, compile, Memory, Module, Instance } = WebAssembly;
  vi.stubGlobal("WebAssembly", { validate, compile, Memory, Module, Instance, ...members });
}

describe("a host that lacks something", () => {
  test("no WebAssembly", async () => {
    vi.stubGlobal("WebAssembly", undefined);
    await expect(TiedAutoencoder.create({ layers })).rejects.toThrow(UnsupportedHostError);
    expect(() => TiedAutoencoder.createSync({ layers })).toThrow(/has no WebAssembly/);
  });

  test("no SIMD", async () => {
    vi.stubGlobal("WebAssembly", { ...WebAssembly, validate: () => false });
    await expect(TiedAutoencoder.create({ layers })).rejects.toThrow(/has no SIMD/);
  });

  // Bytes as wasm, and a build that no earlier test has compiled.
  const own: [string, object][] = [
    ["wasm", { wasm: bytes }],
    ["the package's build", { simd: "baseline", threads: 2 }],
  ];
  test.each(own)("a policy that forbids compiling %s names the remedy", async (_, options) => {
    const { CompileError } = WebAssembly;
    const refuse = function Module() {
      throw new CompileError("blocked by Content Security Policy");
    };
    stubWebAssembly({ compile: async () => refuse(), Module: refuse });
    const create = TiedAutoencoder.create({ layers, ...options });
    await expect(create).rejects.toThrow(UnsupportedHostError);
    await expect(create).rejects.toThrow(/blocked by Content.*'wasm-unsafe-eval'/);
    const createSync = () => TiedAutoencoder.createSync({ layers, wasm: bytes });
    expect(createSync).toThrow(/blocked by Content.*'wasm-unsafe-eval'/);
  });

  test("no memory for another model", async () => {
    const Memory = function Memory() {
      throw new RangeError("could not allocate memory");
    };
    stubWebAssembly({ Memory });
    await expect(TiedAutoencoder.create({ layers })).rejects.toThrow(MemoryLimitError);
    expect(() => TiedAutoencoder.createSync({ layers })).toThrow(/could not allocate memory/);
  });
});
