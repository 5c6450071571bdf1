// Reads a file of the package, on hosts with files.

interface FileHost {
  readonly process?: {
    getBuiltinModule?(name: "node:fs"): { readFileSync(path: object): Uint8Array } | undefined;
  };
  readonly Deno?: {
    readonly permissions: {
      querySync(query: { name: "read"; path: object }): { readonly state: string };
    };
  };
  readonly URL: new (path: string, base: string) => object;
}

/**
 * The bytes of the file `path`, relative to the URL `base`. Undefined on hosts without files, if the file does not
 * exist, and if the program may not read it.
 */
export function readFileIfAllowed(path: string, base: string): Uint8Array | undefined {
  const { process, Deno, URL } = globalThis as unknown as FileHost;
  try {
    const fs = process?.getBuiltinModule?.("node:fs");
    if (!fs) return undefined;
    const url = new URL(path, base);
    // Reading without permission would make Deno ask the user.
    if (Deno && Deno.permissions.querySync({ name: "read", path: url }).state !== "granted") {
      return undefined;
    }
    return fs.readFileSync(url);
  } catch {
    return undefined;
  }
}
