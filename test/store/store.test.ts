import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  FormatError,
  InvalidTypeError,
  InvalidValueError,
  TiedAutoencoder,
  UnsupportedHostError,
} from "../../src/index.ts";
import { loadFrom, removeFrom, StorageError, saveTo } from "../../src/store.ts";

const config = { layers: [4, 2], simd: "baseline", seed: 3 } as const;
const x = Float32Array.from({ length: 40 }, (_, i) => (i % 7) / 7);

afterEach(() => vi.unstubAllGlobals());

/** Saves a trained model, loads it and compares the two; training resumes alike. */
async function roundTrip(where: string) {
  using model = await TiedAutoencoder.create(config);
  model.trainOnBatch(x);
  const size = await saveTo(model, where, { optimizer: true });
  expect(size).toBe(model.save({ optimizer: true }).length);
  using copy = await loadFrom(where, { simd: "baseline" });
  expect(copy.weights()).toEqual(model.weights());
  expect(copy.trainOnBatch(x)).toBe(model.trainOnBatch(x));
}

describe("files", () => {
  const folder = mkdtempSync(join(tmpdir(), "store-"));
  test("a model in a file, by path or by URL", async () => {
    await roundTrip(`file:${join(folder, "a.safetensors")}`);
    await roundTrip(pathToFileURL(join(folder, "b c.safetensors")).href);
    expect(readdirSync(folder).sort()).toEqual(["a.safetensors", "b c.safetensors"]);
  });

  test("an existing file is replaced atomically, or stays", async () => {
    const path = join(folder, "kept.safetensors");
    writeFileSync(path, "old");
    await saveTo(Uint8Array.of(1, 2), `file:${path}`);
    expect([...readFileSync(path)]).toEqual([1, 2]);
    const missing = saveTo(Uint8Array.of(3), `file:${join(folder, "no/such/folder/x")}`);
    await expect(missing).rejects.toThrow(StorageError);
    await expect(missing).rejects.toThrow(/Saving 1 bytes as .*ENOENT/);
  });

  test("a link is followed, a mode is kept, and no temporary file is left", async () => {
    const place = mkdtempSync(join(tmpdir(), "store-"));
    const [target, link] = [join(place, "target"), join(place, "link")];
    writeFileSync(target, "old", { mode: 0o640 });
    symlinkSync("target", link);
    await saveTo(Uint8Array.of(9), `file:${link}`);
    expect([...readFileSync(target)]).toEqual([9]);
    if (process.platform !== "win32") expect(statSync(target).mode & 0o777).toBe(0o640);
    expect(readdirSync(place).sort()).toEqual(["link", "target"]);
  });

  test("a missing file, a file that is not a model, and removal", async () => {
    const where = `file:${join(folder, "gone")}`;
    await expect(loadFrom(where)).rejects.toThrow(/Reading .*ENOENT/);
    await saveTo(Uint8Array.of(1, 2, 3), where);
    await expect(loadFrom(where)).rejects.toThrow(FormatError);
    await removeFrom(where);
    await removeFrom(where);
    expect(readdirSync(folder)).not.toContain("gone");
    rmSync(folder, { recursive: true });
  });
});

describe("IndexedDB", () => {
  test("a model under a name", async () => {
    vi.stubGlobal("indexedDB", new IDBFactory());
    await roundTrip("indexeddb://digits");
    await removeFrom("indexeddb://digits");
    await expect(loadFrom("indexeddb://digits")).rejects.toThrow(
      'IndexedDB holds no model named "digits".',
    );
  });

  test("storage that is denied or full is a StorageError that says what was tried", async () => {
    vi.stubGlobal("indexedDB", {
      open() {
        throw Object.assign(new Error("The operation is insecure."), { name: "SecurityError" });
      },
    });
    const denied = saveTo(Uint8Array.of(1), "indexeddb://x");
    await expect(denied).rejects.toThrow(StorageError);
    await expect(denied).rejects.toThrow(
      "Saving 1 bytes as x in IndexedDB failed: The operation is insecure.",
    );
    const full = { name: "QuotaExceededError", message: "Quota exceeded" };
    const request = { onerror: () => {}, error: full };
    vi.stubGlobal("indexedDB", {
      open() {
        setTimeout(() => request.onerror());
        return request;
      },
    });
    await expect(saveTo(Uint8Array.of(1), "indexeddb://x")).rejects.toThrow(
      /Quota exceeded. Free some storage, or download the model/,
    );
  });

  test("a host without it says so", async () => {
    await expect(loadFrom("indexeddb://x")).rejects.toThrow(UnsupportedHostError);
  });
});

/** A folder of files in memory, with the interface of the origin-private file system. */
function memoryFolder() {
  const files = new Map<string, Uint8Array>();
  const folders = new Map<string, ReturnType<typeof memoryFolder>>();
  const notFound = () => Object.assign(new Error("not found"), { name: "NotFoundError" });
  return {
    files,
    async getDirectoryHandle(name: string, { create }: { create: boolean }) {
      if (!folders.has(name) && create) folders.set(name, memoryFolder());
      const folder = folders.get(name);
      if (!folder) throw notFound();
      return folder;
    },
    async getFileHandle(name: string, { create }: { create: boolean }) {
      if (!files.has(name) && create) files.set(name, new Uint8Array());
      if (!files.has(name)) throw notFound();
      return {
        getFile: async () => new Blob([files.get(name) as Uint8Array<ArrayBuffer>]),
        async createWritable() {
          let draft = new Uint8Array();
          return {
            write: async (bytes: Uint8Array) => {
              draft = bytes.slice();
            },
            close: async () => void files.set(name, draft),
            abort: async () => {},
          };
        },
      };
    },
    async removeEntry(name: string) {
      if (!files.delete(name)) throw notFound();
    },
  };
}

describe("the origin-private file system", () => {
  test("a model in a folder", async () => {
    const root = memoryFolder();
    vi.stubGlobal("navigator", { storage: { getDirectory: async () => root } });
    await roundTrip("opfs://models/digits");
    await removeFrom("opfs://models/digits");
    await removeFrom("opfs://models/digits");
    await expect(loadFrom("opfs://models/digits")).rejects.toThrow(StorageError);
    await expect(loadFrom("opfs://other/digits")).rejects.toThrow(/Reading other\/digits/);
  });

  test("a host without it says so", async () => {
    await expect(saveTo(Uint8Array.of(1), "opfs://x")).rejects.toThrow(UnsupportedHostError);
  });
});

describe("downloads", () => {
  test("the bytes are downloaded under the name", async () => {
    const links: { href: string; download: string; clicked: number }[] = [];
    vi.stubGlobal("document", {
      createElement() {
        const link = { href: "", download: "", clicked: 0, click: () => void link.clicked++ };
        links.push(link);
        return link;
      },
    });
    vi.useFakeTimers();
    const blobs: Blob[] = [];
    vi.spyOn(URL, "createObjectURL").mockImplementation(
      (blob) => `blob:${blobs.push(blob as Blob)}`,
    );
    const revoked = vi.spyOn(URL, "revokeObjectURL");
    await saveTo(Uint8Array.of(1, 2, 3), "download://digits");
    await saveTo(Uint8Array.of(4), "download://digits.bin");
    expect(links).toMatchObject([
      { href: "blob:1", download: "digits.safetensors", clicked: 1 },
      { href: "blob:2", download: "digits.bin", clicked: 1 },
    ]);
    expect([...new Uint8Array((await blobs[0]?.arrayBuffer()) ?? [])]).toEqual([1, 2, 3]);
    vi.runAllTimers();
    expect(revoked).toHaveBeenCalledWith("blob:1");
    vi.useRealTimers();
    vi.restoreAllMocks();
    await expect(loadFrom("download://digits")).rejects.toThrow("went to the user's files");
  });

  test("outside of a page there are no downloads", async () => {
    await expect(saveTo(Uint8Array.of(1), "download://x")).rejects.toThrow(/needs a page/);
  });
});

describe("arguments", () => {
  test("a place must be one of the four, with a name", async () => {
    await expect(saveTo(Uint8Array.of(1), "localstorage://x")).rejects.toThrow(InvalidValueError);
    await expect(saveTo(Uint8Array.of(1), "file:")).rejects.toThrow(/with a name/);
    await expect(loadFrom(7 as never)).rejects.toThrow(InvalidTypeError);
  });

  test("a model must have a save method", async () => {
    await expect(saveTo({} as never, "file:x")).rejects.toThrow("saveTo takes a model");
  });

  test("another class loads with `as`, and gets the runtime", async () => {
    vi.stubGlobal("indexedDB", new IDBFactory());
    await saveTo({ save: async () => Uint8Array.of(7) }, "indexeddb://other");
    const as = { load: async (bytes: Uint8Array, runtime?: object) => [bytes[0], runtime] };
    expect(await loadFrom("indexeddb://other", { as, simd: "baseline" })).toEqual([
      7,
      { simd: "baseline" },
    ]);
    const wrong = loadFrom("indexeddb://other", { as: {} as never });
    await expect(wrong).rejects.toThrow("as must be a class with a load method");
  });
});
