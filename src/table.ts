// `tied-autoencoder/table`: rows for a model from what programs hold: objects, columns, Arrow tables, DuckDB
// results and images. Everything is told by its shape, so nothing is imported for it. Names of columns are
// kept. Importing this does nothing.

export type { ImageLike, ImageOptions, ImageRows } from "./table/images.ts";
export { rowsFrom } from "./table/rows.ts";
export type { TableInput, TableOptions, TableRows } from "./table/tables.ts";
