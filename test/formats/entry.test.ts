// The built entry, as programs import it.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = new URL("../..", import.meta.url);

/** The output of a program that imports the entry by its name. */
const run = (program: string): string =>
  execFileSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: fileURLToPath(root),
    encoding: "utf8",
  });

describe("tied-autoencoder/formats", () => {
  test("exports the readers and writers", () => {
    const names = run(
      'import * as formats from "tied-autoencoder/formats"; console.log(Object.keys(formats).join());',
    );
    expect(names.trim().split(",")).toEqual(
      expect.arrayContaining([
        "FormatError",
        "MISSING",
        "decodeIdx",
        "decodeNpy",
        "decodeNpz",
        "decodeSafetensors",
        "encodeIdx",
        "encodeNpy",
        "encodeNpz",
        "encodeSafetensors",
        "openNpz",
        "readCsv",
        "readCsvFloat64",
        "readTable",
        "streamTable",
        "writeCsv",
        "writeNpy",
      ]),
    );
  });

  test("has the error class of the main entry", () => {
    const same = run(
      'import { FormatError } from "tied-autoencoder/formats"; import * as main from "tied-autoencoder"; console.log(main.FormatError === FormatError);',
    );
    expect(same).toBe("true\n");
  });

  test("does not import Node modules, so that pages can load it", () => {
    const folder = new URL("dist/", root);
    const seen = new Set(["formats.js"]);
    for (const file of seen) {
      const text = readFileSync(new URL(file, folder), "utf8").replace(/\/\*.*?\*\//gs, "");
      for (const [, name] of text.matchAll(/(?:from|import) ?\(?["']([^"']+)["']/g)) {
        expect(name).toMatch(/^\.\/(wasm\/)?[\w-]+\.js$/);
        if (!name!.includes("wasm")) seen.add(name!.slice(2));
      }
    }
    expect(readdirSync(folder)).toEqual(expect.arrayContaining([...seen]));
    expect([...seen].some((name) => name.startsWith("pako"))).toBe(true);
  });

  test("reads all members of gzip data without zlib", () => {
    const output = run(`
      import { gzipSync } from "node:zlib";
      const bytes = Buffer.concat([gzipSync("a,b\\n1,2\\n"), gzipSync("3,4\\n")]);
      process.getBuiltinModule = undefined;
      const { readCsv } = await import("tied-autoencoder/formats");
      for await (const { data } of readCsv(bytes)) console.log(data.join());`);
    expect(output).toBe("1,2,3,4\n");
  });
});
