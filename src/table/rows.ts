// rowsFrom: the one function for whatever a program holds. What it was given decides which reader serves.

import { InvalidTypeError, show } from "../errors.ts";
import { type ImageLike, type ImageOptions, type ImageRows, imageRows, isImage } from "./images.ts";
import { type TableInput, type TableOptions, type TableRows, tableRows } from "./tables.ts";

/**
 * Rows of numbers, for every call that takes a matrix, from a table or from images.
 *
 * A table is an array of objects (a row each), an object of columns (`{ a: [1, 2], b: [3, 4] }`), an Arrow table,
 * or a result of DuckDB. Numbers, bigints that a number holds exactly, booleans (0 and 1) and dates
 * (milliseconds since 1970) become numbers; `null`, `undefined` and absent values become NaN, which the model's
 * `missing` option speaks of. Without `columns` every column is taken.
 *
 * An image is what `context.getImageData` returns, or any `{ data, width, height }` with four bytes a pixel.
 * It becomes one row of bytes, 0 to 255; give the model `scaler: { type: "range", min: 0, max: 255 }`.
 *
 * @returns `{ data, shape, columns }` for a table and `{ data, shape }` for images, `data` row-major.
 * @throws InvalidTypeError for a value that is no number, with its row and column; InvalidValueError for a
 * column that is not there, or columns of unequal length.
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
  if (isImage(input)) return imageRows([input], options);
  if (Array.isArray(input) && input.length > 0 && isImage(input[0])) {
    return imageRows(input as readonly ImageLike[], options);
  }
  return tableRows(input as TableInput, options);
}
