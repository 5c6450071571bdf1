// Saves models in the page's IndexedDB. The package has one database, with one entry per name.

import { StorageError, storageError } from "./errors.ts";
import { hostPart, type Place } from "./place.ts";

const DATABASE = "tied-autoencoder";
const STORE = "models";

interface Request<Result = unknown> {
  readonly result: Result;
  readonly error: unknown;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
}

interface OpenRequest extends Request<Database> {
  onupgradeneeded: (() => void) | null;
  onblocked: (() => void) | null;
}

interface Database {
  createObjectStore(name: string): unknown;
  transaction(store: string, mode: "readonly" | "readwrite"): Transaction;
  close(): void;
}

interface Transaction {
  readonly error: unknown;
  oncomplete: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  objectStore(name: string): Store;
}

interface Store {
  get(key: string): Request;
  put(value: unknown, key: string): Request;
  delete(key: string): Request;
}

export function indexedDbPlace(name: string): Place {
  return {
    async read() {
      const value = await use("readonly", `Reading ${name} from IndexedDB`, (store) =>
        store.get(name),
      );
      if (value === undefined) throw new StorageError(`IndexedDB holds no model named "${name}".`);
      return value as Uint8Array;
    },
    async write(bytes) {
      await use("readwrite", `Saving ${bytes.length} bytes as ${name} in IndexedDB`, (store) =>
        store.put(bytes, name),
      );
    },
    async remove() {
      await use("readwrite", `Removing ${name} from IndexedDB`, (store) => store.delete(name));
    },
  };
}

async function use(
  mode: "readonly" | "readwrite",
  what: string,
  run: (store: Store) => Request,
): Promise<unknown> {
  const { indexedDB } = globalThis as {
    indexedDB?: { open(name: string, version: number): OpenRequest };
  };
  const factory = hostPart(indexedDB, "indexeddb://", "IndexedDB");
  let database: Database | undefined;
  try {
    database = await open(factory);
    return await committed(database.transaction(STORE, mode), run);
  } catch (cause) {
    throw storageError(what, cause);
  } finally {
    database?.close();
  }
}

function open(factory: { open(name: string, version: number): OpenRequest }): Promise<Database> {
  return new Promise((resolve, reject) => {
    const request = factory.open(DATABASE, 1);
    request.onupgradeneeded = () => void request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab keeps the database open"));
  });
}

/** The result of a request, after its transaction is complete. */
function committed(transaction: Transaction, run: (store: Store) => Request): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = run(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = () => reject(transaction.error ?? request.error);
    transaction.onabort = () => reject(transaction.error ?? request.error);
  });
}
