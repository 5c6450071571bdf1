// NPZ, the zip archive of .npy files of numpy, compressed or not. An array is decompressed and decoded when it is read. Other
// entries, such as text or Python objects, are ignored.

import { type Zippable, zipSync } from "fflate/browser";
import type { OwnBytes } from "../arrays.ts";
import { InvalidValueError } from "../errors.ts";
import { bytesOf } from "../platform/tags.ts";
import { FormatError } from "./errors.ts";
import { decodeNpy, encodeNpy, type NpyArray } from "./npy.ts";
import type { NumericArray } from "./numbers.ts";
import { quote } from "./text.ts";
import { extractZipEntry, readZipDirectory, type ZipEntry } from "./zip.ts";

const ENDING = ".npy";

/** An archive whose directory was read. */
export interface NpzFile {
  /** The names of its arrays, in the order of the archive, without ".npy". Other entries are ignored. */
  readonly names: readonly string[];
  /**
   * Reads one array.
   * @throws FormatError with its name, if it does not exist, is damaged, or is not an array of numbers.
   */
  array(name: string): NpyArray;
}

/**
 * Opens a .npz file: reads the names of its arrays, but not the arrays.
 * @param bytes The file. Arrays that are stored uncompressed may be views of it.
 * @throws FormatError for a file that is not a zip archive, is damaged, or has a repeated name or overlapping entries.
 */
export function openNpz(bytes: Uint8Array | ArrayBuffer): NpzFile {
  const archive = bytesOf("the NPZ file", bytes);
  const entries = new Map<string, ZipEntry>();
  for (const entry of readZipDirectory(archive)) {
    if (!entry.name.endsWith(ENDING)) continue;
    const name = entry.name.slice(0, -ENDING.length);
    if (entries.has(name)) {
      throw new FormatError(`${quote(entry.name)} is in the archive twice`, { entry: entry.name });
    }
    entries.set(name, entry);
  }
  return {
    names: [...entries.keys()],
    array(name) {
      const entry = entries.get(name);
      if (!entry) {
        const known = [...entries.keys()].join(", ");
        throw new FormatError(`the archive holds no array ${quote(name)}, but ${quote(known)}`, {
          entry: name,
        });
      }
      const file = extractZipEntry(archive, entry);
      try {
        return decodeNpy(file);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        throw new FormatError(`${quote(entry.name)} in the archive: ${error.message}`, {
          ...error.place,
          entry: entry.name,
        });
      }
    },
  };
}

/**
 * Reads arrays of a .npz file by name.
 * @param names The arrays to read. Default all; then an array that is not an array of numbers is an error.
 * @throws FormatError with the expected value, the given value and the name of the array.
 */
export function decodeNpz(
  bytes: Uint8Array | ArrayBuffer,
  names?: Iterable<string>,
): Map<string, NpyArray> {
  const file = openNpz(bytes);
  return new Map(Array.from(names ?? file.names, (name) => [name, file.array(name)]));
}

/**
 * The bytes of a .npz file. The same arrays always give the same bytes.
 * @param arrays Names and arrays. The data of each array are row-major.
 * @param options.compress Whether to deflate the arrays. Default true.
 * @throws InvalidValueError for a repeated name, or data that do not have their shape.
 */
export function encodeNpz(
  arrays: Iterable<readonly [name: string, array: NumericArray]>,
  { compress = true }: { readonly compress?: boolean } = {},
): OwnBytes {
  const files: Zippable = Object.create(null);
  for (const [name, array] of arrays) {
    const file = `${name}${ENDING}`;
    if (file in files) throw new InvalidValueError(`the array ${quote(name)} comes twice`);
    files[file] = encodeNpy(array);
  }
  return zipSync(files, { level: compress ? 6 : 0, mtime: new Date(1980, 0, 1) });
}
