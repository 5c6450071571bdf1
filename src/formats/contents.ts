// Says what a file is by its first bytes, for messages about a file of another kind than expected.

/** The number of bytes that is enough to recognize any kind. */
export const SNIFF_BYTES = 64;

const SAFETENSORS = "a safetensors file";

/** Kinds of files by their first bytes. */
const MAGIC: readonly (readonly [start: string, what: string])[] = [
  ["PAR1", "a Parquet file"],
  ["ARROW1", "an Arrow file"],
  ["\x89HDF", "an HDF5 file"],
  ["\x89PNG", "a PNG image"],
  ["\xff\xd8\xff", "a JPEG image"],
  ["GIF8", "a GIF image"],
  ["%PDF", "a PDF file"],
  ["\xd0\xcf\x11\xe0", "an old Excel workbook"],
  ["SQLite format 3", "an SQLite database"],
  ["BZh", "compressed with bzip2"],
  ["\xfd7zXZ", "compressed with xz"],
  ["\x28\xb5\x2f\xfd", "compressed with zstd"],
  ["\x1f\x8b", "compressed with gzip"],
  ["PK\x03\x04", "a ZIP archive"],
  ["PK\x05\x06", "a ZIP archive"],
  ["\x93NUMPY", "an NPY file"],
  ["\xff\xfe", "text in UTF-16"],
  ["\xfe\xff", "text in UTF-16"],
  ["<!DOCTYPE", "a web page"],
  ["<!doctype", "a web page"],
  ["<html", "a web page"],
  ["<?xml", "an XML file"],
];

const textOf = (head: Uint8Array): string => String.fromCharCode(...head.subarray(0, SNIFF_BYTES));

/** The kind of file that begins with these bytes, if it has a mark. Tables of text have none. */
export function markedKind(head: Uint8Array): string | undefined {
  const start = textOf(head);
  const found = MAGIC.find(([mark]) => start.startsWith(mark));
  return found ? found[1] : isSafetensors(head) ? SAFETENSORS : undefined;
}

/** Whether bytes begin as a safetensors file: a small number as the length of the header, and a brace. */
export const isSafetensors = (head: Uint8Array): boolean =>
  head[8] === 0x7b && head[6] === 0 && head[7] === 0;

/** What a file is that begins with these bytes, as in "a ZIP archive" or "text that looks like CSV". */
export function contentsOf(head: Uint8Array): string {
  if (head.length === 0) return "an empty file";
  const marked = markedKind(head);
  if (marked) return marked;
  const start = textOf(head);
  if (/[^\s -~\x80-\xff]/.test(start)) return "binary data of an unknown kind";
  const [line = ""] = start.split("\n");
  if (/^\s*[[{]/.test(line)) return "JSON text";
  return /[,;\t|]/.test(line) ? "text that looks like CSV" : "text";
}
