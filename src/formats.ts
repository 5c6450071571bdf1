// `tied-autoencoder/formats`: the readers and writers of files that the command line uses: CSV, JSON, JSON
// lines, NPY, NPZ, IDX and safetensors. They run in pages, workers, servers and edge runtimes. Sources are bytes or
// async iterables of bytes, plain or gzipped. Importing it has no effect.

export { type CellOptions, MISSING } from "./formats/cell-values.ts";
export type { ColumnChoice, ColumnChooser } from "./formats/columns.ts";
export {
  type CsvBatch,
  type CsvDialectOptions,
  type CsvOptions,
  readCsv,
  readCsvFloat64,
} from "./formats/csv.ts";
export type { CsvDelimiter } from "./formats/csv-dialect.ts";
export {
  type CsvMatrix,
  type CsvWriteOptions,
  type WritableColumn,
  type WritableTable,
  writeCsv,
  writeCsvTable,
} from "./formats/csv-write.ts";
export { FormatError, type FormatPlace, type NumberLook } from "./formats/errors.ts";
export { shortestFloat32 } from "./formats/float32-text.ts";
export { decodeIdx, encodeIdx } from "./formats/idx.ts";
export { writeJson, writeJsonLines } from "./formats/json-write.ts";
export { decodeNpy, encodeNpy, type NpyArray, type NpyType, writeNpy } from "./formats/npy.ts";
export { decodeNpz, encodeNpz, type NpzFile, openNpz } from "./formats/npz.ts";
export type { NumericArray, NumericData } from "./formats/numbers.ts";
export {
  decodeSafetensors,
  finiteFloat32,
  type Safetensors,
  tensorToFloat32,
} from "./formats/safetensors.ts";
export type {
  NamedTensor,
  SafeTensor,
  SafetensorsData,
  SafetensorsType,
} from "./formats/safetensors-types.ts";
export { encodeSafetensors } from "./formats/safetensors-write.ts";
export { type ByteSource, gatherBytes, readBytes } from "./formats/streams.ts";
export type {
  ColumnKind,
  ColumnKinds,
  DataTable,
  NumberColumn,
  TableColumn,
  TableFormat,
  TextColumn,
} from "./formats/table.ts";
export {
  readTable,
  streamTable,
  type TableOptions,
  type TableStreamOptions,
} from "./formats/tables.ts";
