// The sources of the package's builds: their files, or text chunks that are imported on demand.

import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { chooseBuild } from "../../src/core/builds/choose.ts";
import type { HostWebAssembly } from "../../src/platform/webassembly.ts";

const layers = [5, 2];
const file = (build: string) =>
  new Uint8Array(readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)));

/** Imports the package again with replaced modules. `texts` has the builds whose text was imported. */
async function fresh(readFileIfAllowed: (path: string) => Uint8Array | undefined) {
  const texts: string[] = [];
  vi.doMock("../../src/platform/files.ts", () => ({ readFileIfAllowed }));
  for (const build of ["baseline", "relaxed"]) {
    vi.doMock(`../../src/core/generated/${build}.ts`, () => {
      texts.push(build);
      return { hex: Buffer.from(file(build)).toString("hex") };
    });
  }
  const { TiedAutoencoder } = await import("../../src/index.ts");
  const { createKernels } = await import("../../src/kernels.ts");
  return { TiedAutoencoder, createKernels, texts };
}

beforeEach(() => vi.resetModules());
afterEach(() => vi.doUnmock("../../src/platform/files.ts"));

describe("with the files", () => {
  test("nothing else is loaded, and createSync works", async () => {
    const { TiedAutoencoder, createKernels, texts } = await fresh((path) => {
      return file(/(\w+)\.wasm$/.exec(path)?.[1] ?? "");
    });
    expect(TiedAutoencoder.createSync({ layers, simd: "baseline" }).build).toBe("baseline");
    await TiedAutoencoder.create({ layers });
    await createKernels();
    expect(texts).toEqual([]);
  });
});

describe.each<[string, () => Uint8Array | undefined]>([
  ["without files", () => undefined],
  ["with another file of that name", () => new TextEncoder().encode("<!doctype html>")],
  ["with an older build", () => file("baseline").subarray(0, -1)],
])("%s", (_, read) => {
  test("create imports the text of the used build once", async () => {
    const { TiedAutoencoder, createKernels, texts } = await fresh(read);
    const model = await TiedAutoencoder.create({ layers, simd: "baseline" });
    const { build } = await TiedAutoencoder.create({ layers, simd: "baseline", threads: 2 });
    await createKernels({ simd: "baseline" });
    expect([model.build, build, texts]).toEqual(["baseline", "baseline", ["baseline"]]);
    expect(Number.isFinite(model.trainOnBatch([[1, 2, 3, 4, 5]]))).toBe(true);
  });

  test("createSync names the two ways to get a core, and works after one of them", async () => {
    const { TiedAutoencoder, texts } = await fresh(read);
    const simd = "baseline";
    const createSync = () => TiedAutoencoder.createSync({ layers, simd });
    expect(createSync).toThrow(
      expect.objectContaining({
        name: "UnsupportedHostError",
        message: expect.stringMatching(/Use create,.* give the core as wasm/),
      }),
    );
    const wasm = new WebAssembly.Module(file("baseline"));
    expect(TiedAutoencoder.createSync({ layers, wasm }).build).toBe("baseline");
    expect(texts).toEqual([]);
    await TiedAutoencoder.create({ layers, simd });
    expect(createSync().build).toBe("baseline");
  });

  test("with wasm no text is imported", async () => {
    const { TiedAutoencoder, texts } = await fresh(read);
    await TiedAutoencoder.create({ layers, wasm: file("baseline") });
    await TiedAutoencoder.create({ layers, wasm: file("baseline"), threads: 2 });
    expect(texts).toEqual([]);
  });
});

describe("the choice", () => {
  const host = (hasRelaxed: boolean) =>
    ({ validate: () => hasRelaxed }) as unknown as HostWebAssembly;
  afterEach(() => vi.unstubAllGlobals());

  test.each([
    ["auto", "13.6", true, "relaxed"],
    ["auto", "12.4", true, "baseline"],
    ["auto", "13.6", false, "baseline"],
    ["relaxed", "13.6", true, "relaxed"],
    ["relaxed", "12.4", true, "relaxed"],
    ["baseline", "13.6", true, "baseline"],
  ])("simd %s in V8 %s, relaxed SIMD %s: %s", (simd, v8, hasRelaxed, build) => {
    vi.stubGlobal("process", { ...process, versions: { v8 } });
    expect(chooseBuild(host(hasRelaxed), ["baseline", "relaxed"], simd)).toBe(build);
  });

  test("asking for a missing relaxed build is an error that says why", () => {
    expect(() => chooseBuild(host(false), ["baseline", "relaxed"], "relaxed")).toThrow(
      /runtime has no relaxed SIMD/,
    );
    expect(() => chooseBuild(host(true), ["baseline"], "relaxed")).toThrow(
      /give the relaxed build/,
    );
    expect(chooseBuild(host(true), ["baseline"], "auto")).toBe("baseline");
  });
});
