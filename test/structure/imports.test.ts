// Imports follow the order of the rooms in docs/architecture.md, and have no cycles.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { circles, importGraph, importsOf, ROOT, upwardImports } from "./imports.ts";

/** The rooms in the order of the numbered list of docs/architecture.md. */
function documentedRooms(): string[][] {
  const text = readFileSync(join(ROOT, "docs/architecture.md"), "utf8");
  const items = [...text.matchAll(/^\d+\. ((?:`[\w-]+`(?:, )?)+):/gm)];
  return items.map(([, names = ""]) =>
    [...names.matchAll(/`([\w-]+)`/g)].map(([, name]) => `${name}`),
  );
}

describe("the sources", () => {
  const graph = importGraph();

  test("have no import cycles", () => {
    expect(circles(graph)).toEqual([]);
  });

  test("only import from rooms above their own in the list", () => {
    expect(upwardImports(graph, documentedRooms())).toEqual([]);
  });

  test("import nothing from outside of src/, except the op codes; the command line also imports the examples", () => {
    const outside = [...graph].flatMap(([path, imported]) =>
      imported
        .filter((other) => !other.startsWith("src/") && other !== "assembly/ops.ts")
        .filter((other) => !(path.startsWith("src/cli/") && other.startsWith("examples/")))
        .map((other) => `${path} imports ${other}`),
    );
    expect(outside).toEqual([]);
  });

  test("import only files that exist", () => {
    const files = new Set(graph.keys());
    const missing = [...graph].flatMap(([path, imported]) =>
      imported
        .filter((other) => other.startsWith("src/") && !other.includes("/generated/"))
        .filter((other) => other.endsWith(".ts") && !files.has(other))
        .map((other) => `${path} imports ${other}`),
    );
    expect(missing).toEqual([]);
  });
});

describe("the checks themselves", () => {
  test("count every kind of import", () => {
    const text = [
      'import { a } from "./a.ts";',
      'import type { B } from "../b.ts";',
      'export * from "./c.ts";',
      'const d = await import("./d.ts");',
      'type E = import("./e.ts").E;',
      'import "./f.ts";',
      'import { readFileSync } from "node:fs";',
    ].join("\n");
    const expected = [
      "src/x/a.ts",
      "src/b.ts",
      "src/x/c.ts",
      "src/x/d.ts",
      "src/x/e.ts",
      "src/x/f.ts",
    ];
    expect(importsOf("src/x/y.ts", text)).toEqual(expected);
  });

  test("find a cycle, and name its files", () => {
    const graph = new Map([
      ["src/a.ts", ["src/b.ts"]],
      ["src/b.ts", ["src/c.ts"]],
      ["src/c.ts", ["src/b.ts"]],
    ]);
    expect(circles(graph)).toEqual([["src/b.ts", "src/c.ts", "src/b.ts"]]);
  });

  test("find imports of later rooms, of rooms in the same line, and of rooms that are not listed", () => {
    const graph = new Map([
      ["src/low.ts", ["src/high/x.ts"]],
      ["src/high/x.ts", ["src/low.ts", "src/high/y.ts", "src/beside/z.ts"]],
      ["src/new/n.ts", []],
    ]);
    expect(upwardImports(graph, [["low"], ["high", "beside"]])).toEqual([
      "src/low.ts imports src/high/x.ts",
      "src/high/x.ts imports src/beside/z.ts",
      'src/new/n.ts is in the room "new", which is not in the list',
    ]);
  });
});
