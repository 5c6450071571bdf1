// rowsFrom: converts tables and images of any supported form to rows. The form of its argument selects the reader.

import { InvalidTypeError, show } from "../errors.ts";
import { type ImageLike, type ImageOptions, type ImageRows, imageRows, isImage } from "./images.ts";
import { type TableInput, type TableOptions, type TableRows, tableRows } from "./tables.ts";

/**
 * Converts a table or images to rows of numbers, for every call that takes a matrix.
 *
 * A table is an array of objects (one per row), an object of columns (`{ a: [1, 2], b: [3, 4] }`), an Arrow table, or a
 * result of DuckDB. Numbers, bigints that a number represents exactly, booleans (0 and 1) and dates (milliseconds since
 * 1970) become numbers. `null`, `undefined` and absent values become NaN; see the model's option `missing`. Without
 * `columns`, every column is used.
 *
 * An image is the result of `context.getImageData`, or any `{ data, width, height }` with four bytes per pixel. It becomes
 * one row of bytes, 0 to 255. Give the model `scaler: { type: "range", min: 0, max: 255 }`.
 *
 * @returns `{ data, shape, columns }` for a table and `{ data, shape }` for images. `data` is row-major.
 * @throws InvalidTypeError for a value that is not a number; the message has its row and column. InvalidValueError for a
 * column that does not exist, or columns of unequal length.
 */
export function rowsFrom(
  input: ImageLike | readonly ImageLike[],
  options?: ImageOptions,
): ImageRows;
export function rowsFrom(input: TableInput, options?: TableOptions): TableRows;
export function rowsFrom(
  input: TableInput | ImageLike | readonly ImageLike[],
  options: TableOptions & ImageOptions = {},
): TableRows | ImageRows {
  if (typeof input !== "object" || input === null) {
    throw new InvalidTypeError(
      `rowsFrom takes an array of objects, an object of columns, an Arrow table, a DuckDB result or image data; got ${show(input)}.`,
    );
  }
  const first: unknown = Array.isArray(input) ? input[0] : input;
  if (Array.isArray(first) || ArrayBuffer.isView(first)) {
    throw new InvalidTypeError(
      `rowsFrom is for tables and images; got ${show(input)}. Rows that are arrays of numbers, and a Float32Array, go to the model as they are.`,
    );
  }
  if (isImage(input)) return imageRows([input], options);
  if (Array.isArray(input) && input.length > 0 && isImage(input[0])) {
    return imageRows(input as readonly ImageLike[], options);
  }
  return tableRows(input as TableInput, options);
}
