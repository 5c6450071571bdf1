// What every file of src/ imports, as a graph: `import type`, `export … from` and `import()` count like any other
// import. Comments are not recognized, so a path in a comment counts too.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/** For each file, the files that it imports. Paths are relative to the project. */
export type Graph = ReadonlyMap<string, readonly string[]>;

export const ROOT = join(import.meta.dirname, "../..");

const RELATIVE_IMPORT = /\b(?:from|import)\b[\s(]*"(\.[^"]*)"/g;

/** The relative imports in a file's text, as paths from the project's root. */
export function importsOf(path: string, text: string): string[] {
  const paths = [...text.matchAll(RELATIVE_IMPORT)].map(([, relative = ""]) =>
    posix.join(dirname(path), relative),
  );
  return [...new Set(paths)];
}

/** Every source file below `folder`. */
export function sourceFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("generated"))
    .map((name) => posix.join(folder, name.replaceAll("\\", "/")))
    .sort();
}

export function importGraph(): Graph {
  return new Map(
    sourceFiles("src").map((path) => [
      path,
      importsOf(path, readFileSync(join(ROOT, path), "utf8")),
    ]),
  );
}

/** All import cycles, each as the list of its files. */
export function circles(graph: Graph): string[][] {
  const found: string[][] = [];
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (file: string) => {
    const start = trail.indexOf(file);
    if (start >= 0) found.push([...trail.slice(start), file]);
    if (start >= 0 || finished.has(file)) return;
    trail.push(file);
    for (const imported of graph.get(file) ?? []) visit(imported);
    trail.pop();
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return found;
}

/** The room of a file: `src/store.ts` and everything in `src/store/` are in "store". */
export function roomOf(path: string): string {
  const [, name = ""] = /^src\/([^/]+?)(?:\.ts)?(?:\/|$)/.exec(path) ?? [];
  return name;
}

/**
 * Messages for imports that break the order of the rooms. Rooms in one entry of the list must not import each
 * other.
 */
export function upwardImports(graph: Graph, rooms: readonly (readonly string[])[]): string[] {
  const height = new Map(rooms.flatMap((names, i) => names.map((name) => [name, i])));
  const complaints: string[] = [];
  for (const [path, imported] of graph) {
    const room = roomOf(path);
    const own = height.get(room);
    if (own === undefined) {
      complaints.push(`${path} is in the room "${room}", which is not in the list`);
      continue;
    }
    for (const other of imported) {
      const otherRoom = roomOf(other);
      if (!other.startsWith("src/") || otherRoom === room) continue;
      const below = height.get(otherRoom);
      if (below === undefined || below >= own) complaints.push(`${path} imports ${other}`);
    }
  }
  return complaints;
}
