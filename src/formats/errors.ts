// The one error class of this room.

/** How text that is no number as the options say would be one otherwise. */
export type NumberLook =
  | "decimalComma"
  | "grouped"
  | "percent"
  | "currency"
  | "unit"
  | "exponent"
  | "hexadecimal";

/** Where in a file the trouble is; what does not apply is left out. */
export interface FormatPlace {
  /** The line of a text file, from 1. */
  readonly line?: number | undefined;
  /** The column of a table, from 1. */
  readonly column?: number | undefined;
  /** The column's name, where the table has names. */
  readonly columnName?: string | undefined;
  /** The byte, from 0, of the file or of the part of it that is named here. */
  readonly byte?: number | undefined;
  /** The tensor of a safetensors file. */
  readonly tensor?: string | undefined;
  /** The entry of an archive. */
  readonly entry?: string | undefined;
  /** What a cell that is no number looks like, such as "decimalComma": an option may read it. */
  readonly look?: NumberLook | undefined;
}

/** Bytes that are not what their format says: truncated, contradictory, hostile or unsupported. */
export class FormatError extends Error {
  override name = "FormatError";
  /** The place that the message names, for programs. */
  readonly place: FormatPlace;

  constructor(message: string, place: FormatPlace = {}) {
    super(message);
    this.place = place;
  }
}
