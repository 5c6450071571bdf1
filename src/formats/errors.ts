// The error of file formats.

/** A notation of numbers that text seems to have, although the options do not allow it. */
export type NumberLook =
  | "decimalComma"
  | "decimalPoint"
  | "grouped"
  | "percent"
  | "currency"
  | "unit"
  | "exponent"
  | "hexadecimal";

/** The place of an error in a file. Only applicable fields are present. */
export interface FormatPlace {
  /** The line of a text file, from 1. */
  readonly line?: number | undefined;
  /** The column of a table, from 1. */
  readonly column?: number | undefined;
  /** The name of the column, if the table has names. */
  readonly columnName?: string | undefined;
  /** The byte, from 0, of the file or of the part that is named here. */
  readonly byte?: number | undefined;
  /** The tensor of a safetensors file. */
  readonly tensor?: string | undefined;
  /** The entry of an archive. */
  readonly entry?: string | undefined;
  /** The apparent notation of a cell that is not a number, such as "decimalComma". An option may read it. */
  readonly look?: NumberLook | undefined;
}

/** The bytes do not follow their format: they are truncated, contradictory, malicious or unsupported. */
export class FormatError extends Error {
  override name = "FormatError";
  /** The place in the message, for programs. */
  readonly place: FormatPlace;

  constructor(message: string, place: FormatPlace = {}) {
    super(message);
    this.place = place;
  }
}
