// Saves a model as a file, in Node, Deno and Bun, in the same way as the command line.

import { saveFile } from "../platform/save-file.ts";
import { storageError } from "./errors.ts";
import { hostPart, type Place } from "./place.ts";

interface Builtins {
  "node:fs/promises": {
    readFile(path: string): Promise<Uint8Array>;
    rm(path: string, options: { force: boolean }): Promise<void>;
  };
  "node:url": { fileURLToPath(url: string): string };
}

interface NodeHost {
  readonly process?: {
    getBuiltinModule?<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined;
  };
}

export function filePlace(name: string): Place {
  const builtin = <Name extends keyof Builtins>(module: Name): Builtins[Name] => {
    const { process } = globalThis as unknown as NodeHost;
    return hostPart(process?.getBuiltinModule?.(module), "file:", "a file system");
  };
  // "file:///tmp/x" is a URL; "file:x" and "file:./x" are paths.
  const path = () =>
    name.startsWith("//") ? builtin("node:url").fileURLToPath(`file:${name}`) : name;
  return {
    async read() {
      const { readFile } = builtin("node:fs/promises");
      try {
        const bytes = await readFile(path());
        return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      } catch (cause) {
        throw storageError(`Reading ${name}`, cause);
      }
    },
    async write(bytes) {
      builtin("node:fs/promises");
      await saveFile(path(), [bytes]).catch((cause) => {
        throw storageError(`Saving ${bytes.length} bytes as ${name}`, cause);
      });
    },
    async remove() {
      const { rm } = builtin("node:fs/promises");
      await rm(path(), { force: true }).catch((cause) => {
        throw storageError(`Removing ${name}`, cause);
      });
    },
  };
}
