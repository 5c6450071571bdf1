// Matrix input: the three forms that public calls accept, read behind one interface that copies rows
// into the arena. Widths and lengths are checked here, before anything else happens; NaN and infinity
// are looked for where the rows have arrived, because that is a kernel's work.

import { onlyKeys } from "../checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";

type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/**
 * A matrix inside a typed array. Without strides it is row-major and fills `data`. With them the element of
 * row i and column j is `data[offset + i · rowStride + j · columnStride]`: a transposed, cropped or flipped
 * view of a larger array, as ndarray has them.
 */
export interface ShapedMatrix {
  readonly data: NumericArray;
  readonly shape: readonly [rows: number, columns: number];
  /** Elements from a row to the next and from a column to the next; or the first alone, where the second is 1. */
  readonly stride?: number | readonly [row: number, column: number];
  /** The same as `stride`, under the name that some libraries use. */
  readonly strides?: number | readonly [row: number, column: number];
  /** Where the first element is. Default 0. */
  readonly offset?: number;
  /** Names of the columns, as `rowsFrom` gives them. Not used here. */
  readonly columns?: readonly string[];
}

/**
 * A matrix of rows: a row-major Float32Array whose length is a multiple of the row's width, any numeric
 * typed array with its shape, or an array of rows.
 */
export type MatrixInput =
  | Float32Array
  | ShapedMatrix
  | readonly (readonly number[])[]
  | readonly NumericArray[];

/** Rows that can be copied into the arena as float32, or elsewhere as float64. */
export interface Rows {
  /** What the argument is called in messages. */
  readonly name: string;
  readonly count: number;
  readonly width: number;
  /** Copies rows [first, first + count) to `heap[at…]`, row-major. */
  copy(first: number, count: number, heap: Float32Array | Float64Array, at: number): void;
}

const FORMS =
  "a Float32Array, { data, shape: [rows, columns] } over a typed array, or an array of rows";

/** Reads `input` as rows of `width` values. */
export function readRows(name: string, input: MatrixInput, width: number): Rows {
  if (input instanceof Float32Array) return flatRows(name, input, width);
  if (Array.isArray(input)) return nestedRows(name, input as unknown[], width);
  if (ArrayBuffer.isView(input)) {
    throw new InvalidTypeError(
      `${name} is ${show(input)} without a shape. Give { data, shape: [rows, ${width}] }, a Float32Array or an array of rows.`,
    );
  }
  if (typeof input === "object" && input !== null && "data" in input && "shape" in input) {
    return shapedRows(name, input, width);
  }
  throw new InvalidTypeError(`${name} must be ${FORMS}; got ${show(input)}.`);
}

function flatRows(name: string, data: NumericArray, width: number): Rows {
  if (data.length % width !== 0) {
    throw new InvalidValueError(
      `${name} holds ${data.length} values, which is no multiple of the ${width} in a row; row ${Math.floor(data.length / width)} ends after ${data.length % width}.`,
    );
  }
  return {
    name,
    count: data.length / width,
    width,
    copy(first, count, heap, at) {
      heap.set(data.subarray(first * width, (first + count) * width), at);
    },
  };
}

const SHAPED_KEYS = ["data", "shape", "stride", "strides", "offset", "columns"] as const;

function shapedRows(name: string, input: ShapedMatrix, width: number): Rows {
  onlyKeys(name, input, SHAPED_KEYS);
  const { data, shape }: { data: unknown; shape: unknown } = input;
  if (!isNumericArray(data)) {
    throw new InvalidTypeError(`${name}.data must be a numeric typed array; got ${show(data)}.`);
  }
  const [rows, columns] = Array.isArray(shape) ? (shape as unknown[]) : [];
  if (!Array.isArray(shape) || shape.length !== 2 || !isSize(rows) || !isSize(columns)) {
    throw new InvalidValueError(`${name}.shape must be [rows, columns]; got ${show(shape)}.`);
  }
  if (columns !== width) {
    throw new InvalidValueError(
      `${name} must have ${width} columns; its shape is [${rows}, ${columns}].`,
    );
  }
  if (input.stride !== undefined || input.strides !== undefined || input.offset !== undefined) {
    return stridedRows(name, input, data, rows, columns);
  }
  if (data.length !== rows * columns) {
    throw new InvalidValueError(
      `${name}.shape [${rows}, ${columns}] stands for ${rows * columns} values; data holds ${data.length}.`,
    );
  }
  return flatRows(name, data, width);
}

/** Rows of a view that need not be contiguous. */
function stridedRows(
  name: string,
  input: ShapedMatrix,
  data: NumericArray,
  count: number,
  width: number,
): Rows {
  const { stride, strides } = input;
  if (stride !== undefined && strides !== undefined) {
    throw new InvalidValueError(`${name} takes stride or strides; it was given both.`);
  }
  const [down, across] = readStrides(name, stride ?? strides ?? width);
  const offset = integer(`${name}.offset`, input.offset ?? 0);
  // The corners are the elements that lie furthest apart.
  const right = (width - 1) * across;
  const bottom = (count - 1) * down;
  const corners = [0, right, bottom, right + bottom].map((corner) => offset + corner);
  const outside = corners.find((at) => at < 0 || at >= data.length);
  if (count > 0 && outside !== undefined) {
    throw new InvalidValueError(
      `${name} with shape [${count}, ${width}], strides [${down}, ${across}] and offset ${offset} reads element ${outside}; data holds ${data.length}.`,
    );
  }
  return {
    name,
    count,
    width,
    copy(first, rows, heap, at) {
      for (let i = 0; i < rows; i++) {
        const from = offset + (first + i) * down;
        const to = at + i * width;
        if (across === 1) heap.set(data.subarray(from, from + width), to);
        else for (let j = 0; j < width; j++) heap[to + j] = data[from + j * across] ?? Number.NaN;
      }
    },
  };
}

function readStrides(name: string, value: unknown): readonly [down: number, across: number] {
  if (!Array.isArray(value)) return [integer(`${name}.stride`, value), 1];
  if (value.length !== 2) {
    throw new InvalidValueError(`${name}.stride must be [row, column]; got ${show(value)}.`);
  }
  return [integer(`${name}.stride[0]`, value[0]), integer(`${name}.stride[1]`, value[1])];
}

function integer(where: string, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  const text = `${where} must be a whole number of elements; got ${show(value)}.`;
  throw typeof value === "number" ? new InvalidValueError(text) : new InvalidTypeError(text);
}

function nestedRows(name: string, rows: unknown[], width: number): Rows {
  if (typeof rows[0] === "number") {
    throw new InvalidTypeError(
      `${name} is a flat array of numbers, whose rows cannot be told. Give ${FORMS}.`,
    );
  }
  rows.forEach((row, i) => {
    if (!Array.isArray(row) && !isNumericArray(row)) {
      throw new InvalidTypeError(
        `Row ${i} of ${name} must be an array of ${width} numbers; got ${show(row)}.`,
      );
    }
    if (row.length !== width) {
      throw new InvalidValueError(
        `Row ${i} of ${name} must hold ${width} values; it holds ${row.length}.`,
      );
    }
    if (Array.isArray(row)) requireNumbers(name, row, i);
  });
  return {
    name,
    count: rows.length,
    width,
    copy(first, count, heap, at) {
      for (let i = 0; i < count; i++) heap.set(rows[first + i] as number[], at + i * width);
    },
  };
}

function requireNumbers(name: string, row: unknown[], i: number): void {
  // Not findIndex: this runs over every element of every row, holes included.
  for (let j = 0; j < row.length; j++) {
    if (typeof row[j] !== "number") {
      throw new InvalidTypeError(
        `Row ${i}, column ${j} of ${name} must be a number; got ${show(row[j])}.`,
      );
    }
  }
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isNumericArray(value: unknown): value is NumericArray {
  if (!ArrayBuffer.isView(value) || value instanceof DataView) return false;
  return !(value instanceof BigInt64Array) && !(value instanceof BigUint64Array);
}
