// `tied-autoencoder/table`: converts objects, columns, Arrow tables, DuckDB results and images to rows for a model. Inputs
// are recognized by their shape, so no other package is imported. Names of columns are kept. Importing it has no effect.

export type { ImageLike, ImageOptions, ImageRows } from "./table/images.ts";
export { rowsFrom } from "./table/rows.ts";
export type { TableInput, TableOptions, TableRows } from "./table/tables.ts";
