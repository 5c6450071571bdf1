// `tied-autoencoder/store`: saves a model in IndexedDB, in the origin-private file system, as a download or in a file.
// Importing it does not access any storage.

import { TiedAutoencoder } from "./autoencoder.ts";
import { record } from "./checks.ts";
import { InvalidTypeError, show } from "./errors.ts";
import type { RuntimeOptions } from "./make.ts";
import { placeOf } from "./store/places.ts";

export { StorageError } from "./store/errors.ts";

/** What `saveTo` can save: a model, a model in a worker, a detector, or bytes of a saved one. */
export type Savable =
  | Uint8Array
  | {
      /** Returns the bytes to save. */
      save(options?: { optimizer?: boolean }): Uint8Array | Promise<Uint8Array>;
    };

/** A class with a static `load` for the bytes of its `save`, such as TiedAutoencoder or AnomalyDetector. */
export interface Loadable<Model> {
  /** Makes an instance from `bytes`. */
  load(bytes: Uint8Array, runtime?: RuntimeOptions): Promise<Model>;
}

/** Options of `saveTo`. */
export interface SaveOptions {
  /** Whether to also save the optimizer's state, so that training can resume exactly. Default false. */
  optimizer?: boolean;
}

/** Options of `loadFrom`: the class to load, and the options that configure where a model runs. */
export interface LoadOptions<Model> extends RuntimeOptions {
  /** The class to load. Default TiedAutoencoder. */
  as?: Loadable<Model>;
}

/**
 * Saves a model to a place:
 *
 * - `"indexeddb://name"`: the page's IndexedDB, for pages and their workers.
 * - `"opfs://name"`: a file of the origin-private file system. The name may contain folders.
 * - `"download://name"`: a download with this name. Without an extension, `.safetensors` is added.
 * - `"file:path"`: a file, in Node, Deno and Bun. It is replaced atomically.
 *
 * An existing model under the name is replaced. If saving fails, it is unchanged.
 * @returns the number of bytes.
 * @throws (rejects) InvalidTypeError or InvalidValueError for any other place. UnsupportedHostError if the host has no such
 * place. StorageError if it is full or refused.
 */
export async function saveTo(
  model: Savable,
  where: string,
  options?: SaveOptions,
): Promise<number> {
  const place = placeOf(where);
  const bytes = await bytesOf(model, options);
  await place.write(bytes);
  return bytes.length;
}

/**
 * Loads what `saveTo` saved at a place. A download cannot be loaded. The user has the file, and a page can pass it to the
 * model's `load`.
 * @throws (rejects) as `saveTo`. StorageError if nothing is saved under the name. FormatError if it is not a model.
 */
export async function loadFrom(where: string, options?: RuntimeOptions): Promise<TiedAutoencoder>;
export async function loadFrom<Model>(
  where: string,
  options: LoadOptions<Model> & { as: Loadable<Model> },
): Promise<Model>;
export async function loadFrom(where: string, options: LoadOptions<unknown> = {}) {
  const { as = TiedAutoencoder, ...runtime } = record(
    "loadFrom's options",
    options,
  ) as typeof options;
  if (typeof as?.load !== "function") {
    throw new InvalidTypeError(`as must be a class with a load method; got ${show(as)}.`);
  }
  const place = placeOf(where);
  return as.load(await place.read(), runtime);
}

/**
 * Removes what `saveTo` saved at a place. Does nothing if nothing is saved there.
 * @throws (rejects) as `saveTo`.
 */
export async function removeFrom(where: string): Promise<void> {
  await placeOf(where).remove();
}

async function bytesOf(model: Savable, options: SaveOptions | undefined): Promise<Uint8Array> {
  const isBytes = Object.prototype.toString.call(model) === "[object Uint8Array]";
  if (isBytes) return model as Uint8Array;
  const savable = model as Exclude<Savable, Uint8Array>;
  if (typeof savable?.save === "function") return savable.save(options);
  throw new InvalidTypeError(`saveTo takes a model, or its bytes; got ${show(model)}.`);
}
