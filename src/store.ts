// `tied-autoencoder/store`: keeps a model where the host has room: IndexedDB, the origin-private file system, a
// download, a file. One line saves, one line loads. Importing this touches no storage.

import { TiedAutoencoder } from "./autoencoder.ts";
import { record } from "./checks.ts";
import { InvalidTypeError, show } from "./errors.ts";
import type { RuntimeOptions } from "./make.ts";
import { placeOf } from "./store/places.ts";

export { StorageError } from "./store/errors.ts";

/** What `saveTo` keeps: a model, a model in a worker, a detector, or bytes that are saved already. */
export type Savable =
  | Uint8Array
  | {
      /** The bytes to keep. */
      save(options?: { optimizer?: boolean }): Uint8Array | Promise<Uint8Array>;
    };

/** A class that reads what its `save` wrote, such as TiedAutoencoder or AnomalyDetector. */
export interface Loadable<Model> {
  /** Makes what `bytes` hold. */
  load(bytes: Uint8Array, runtime?: RuntimeOptions): Promise<Model>;
}

/** What `saveTo` keeps beside the model. */
export interface SaveOptions {
  /** Also save the optimizer's state, so that training resumes exactly. Default false. */
  optimizer?: boolean;
}

/** What `loadFrom` makes, and where it runs. */
export interface LoadOptions<Model> extends RuntimeOptions {
  /** The class to load. Default TiedAutoencoder. */
  as?: Loadable<Model>;
}

/**
 * Saves a model to a place:
 *
 * - `"indexeddb://name"`: the page's IndexedDB, for pages and their workers;
 * - `"opfs://name"`: a file of the origin-private file system; the name may have folders;
 * - `"download://name"`: a download, named `name`, with `.safetensors` where it has no extension;
 * - `"file:path"`: a file, in Node, Deno and Bun. Written beside it first, synced, then renamed.
 *
 * What was there under the name is replaced, and stays as it was if saving fails.
 * @returns the number of bytes.
 * @throws (rejects) InvalidTypeError or InvalidValueError for a place that is none of these;
 * UnsupportedHostError where the host has no such place; StorageError where it is full or refused.
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
 * Loads what `saveTo` saved at a place. A download cannot be loaded from: it went to the user, who can give the
 * file to the model's `load`.
 * @throws (rejects) as `saveTo`; StorageError where nothing is saved under the name; FormatError where it is no model.
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
 * Removes what `saveTo` saved at a place; does nothing where nothing is.
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
