// A model as a file of the machine, in Node, Deno and Bun.

import { storageError } from "./errors.ts";
import { hostPart, type Place } from "./place.ts";

interface FileSystem {
  readFile(path: string | URL): Promise<Uint8Array>;
  writeFile(path: string | URL, data: Uint8Array, options: { flag: string }): Promise<void>;
  rename(from: string | URL, to: string | URL): Promise<void>;
  rm(path: string | URL, options: { force: boolean }): Promise<void>;
}

interface NodeHost {
  readonly process?: {
    readonly pid: number;
    getBuiltinModule?(name: "node:fs/promises"): FileSystem | undefined;
  };
  readonly URL: new (text: string) => URL;
}

interface URL {
  pathname: string;
}

let writes = 0;

export function filePlace(name: string): Place {
  const host = globalThis as unknown as NodeHost;
  // "file:///tmp/x" is a URL; "file:x" and "file:./x" are paths.
  const isUrl = name.startsWith("//");
  const path = isUrl ? new host.URL(`file:${name}`) : name;
  const files = () =>
    hostPart(host.process?.getBuiltinModule?.("node:fs/promises"), "file:", "a file system");
  const beside = (suffix: string) => {
    if (typeof path === "string") return path + suffix;
    const url = new host.URL(`file:${name}`);
    url.pathname += suffix;
    return url;
  };
  return {
    async read() {
      const { readFile } = files();
      try {
        const bytes = await readFile(path);
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      } catch (cause) {
        throw storageError(`Reading ${name}`, cause);
      }
    },
    async write(bytes) {
      const { writeFile, rename, rm } = files();
      const draft = beside(`.${host.process?.pid}-${writes++}.tmp`);
      try {
        await writeFile(draft, bytes, { flag: "wx" }); // never through a link that is there already
        await rename(draft, path);
      } catch (cause) {
        await rm(draft, { force: true }).catch(() => {});
        throw storageError(`Saving ${bytes.length} bytes as ${name}`, cause);
      }
    },
    async remove() {
      const { rm } = files();
      await rm(path, { force: true }).catch((cause) => {
        throw storageError(`Removing ${name}`, cause);
      });
    },
  };
}
