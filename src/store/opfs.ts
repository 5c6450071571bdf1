// Saves models as files of the origin-private file system. It is meant for large models, which IndexedDB copies more often.

import { storageError } from "./errors.ts";
import { hostPart, type Place } from "./place.ts";

interface StorageLike {
  getDirectory?(): Promise<Directory>;
}

interface Directory {
  getDirectoryHandle(name: string, options: { create: boolean }): Promise<Directory>;
  getFileHandle(name: string, options: { create: boolean }): Promise<FileHandle>;
  removeEntry(name: string): Promise<void>;
}

interface FileHandle {
  getFile(): Promise<{ arrayBuffer(): Promise<ArrayBuffer> }>;
  createWritable(): Promise<Writable>;
}

interface Writable {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

export function opfsPlace(path: string): Place {
  const folders = path.split("/");
  const name = folders.pop() ?? "";

  async function folder(create: boolean): Promise<Directory> {
    const { navigator } = globalThis as { navigator?: { storage?: StorageLike } };
    const open = navigator?.storage?.getDirectory?.bind(navigator.storage);
    let directory = await hostPart(open, "opfs://", "the origin-private file system")();
    for (const each of folders) directory = await directory.getDirectoryHandle(each, { create });
    return directory;
  }

  return {
    async read() {
      try {
        const handle = await (await folder(false)).getFileHandle(name, { create: false });
        return new Uint8Array(await (await handle.getFile()).arrayBuffer());
      } catch (cause) {
        throw storageError(`Reading ${path} from the origin-private file system`, cause);
      }
    },
    async write(bytes) {
      try {
        const handle = await (await folder(true)).getFileHandle(name, { create: true });
        const writable = await handle.createWritable();
        try {
          await writable.write(bytes);
          await writable.close(); // the file changes here, not before
        } catch (cause) {
          await writable.abort().catch(() => {});
          throw cause;
        }
      } catch (cause) {
        const what = `Saving ${bytes.length} bytes as ${path} in the origin-private file system`;
        throw storageError(what, cause);
      }
    },
    async remove() {
      try {
        await (await folder(false)).removeEntry(name);
      } catch (cause) {
        if ((cause as { name?: string }).name === "NotFoundError") return;
        throw storageError(`Removing ${path} from the origin-private file system`, cause);
      }
    },
  };
}
