// A visitor's files as a data set. The kind of the files decides how they are read.

import type { FilesRead } from "../protocol.ts";
import { checksumOf } from "./checksum.ts";
import { readImageFiles, readMnistFiles } from "./read-images.ts";
import { readTableFile } from "./read-table.ts";

/** Values that the checksum covers. */
const CHECKED = 1 << 18;

/** Reads tables, images or the files of MNIST. The error says in words why files cannot be used. */
export async function readFiles(files: readonly File[]): Promise<FilesRead> {
  const read = await readByKind(files);
  const { values } = read.data;
  const checksum = checksumOf({ values: { data: values.slice(0, CHECKED) } });
  return { ...read, data: { ...read.data, checksum: `${values.length} ${checksum}` } };
}

async function readByKind(files: readonly File[]): Promise<FilesRead> {
  const idx = files.filter(({ name }) => /ubyte|\.idx/i.test(name));
  if (idx.length > 0) return readMnistFiles(idx);
  const images = files.filter(({ type }) => type.startsWith("image/"));
  if (images.length > 0) return readImageFiles(images);
  const [table] = files;
  if (!table) throw new Error("there is no file.");
  const read = await readTableFile(table);
  if (files.length === 1) return read;
  const only = `Tables are read one at a time: only \u201c${table.name}\u201d is used.`;
  return { ...read, said: [only, ...read.said] };
}
