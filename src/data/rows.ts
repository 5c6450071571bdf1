// Matrix input: the forms that public calls accept, behind one interface that copies rows. Widths and lengths are checked
// here, before anything else happens. A kernel looks for NaN and infinity later, after the rows were copied.

import { onlyKeys } from "../checks.ts";
import { InvalidStateError, InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { isFloat32Array, isNumberArray, isTypedArray, type NumberArray } from "../platform/tags.ts";

/**
 * A matrix inside a typed array. Without strides it is row-major and fills `data`. With strides, the element of
 * row i and column j is `data[offset + i · rowStride + j · columnStride]`. So it can be a transposed, cropped or
 * flipped view of a larger array, as in ndarray.
 */
export interface ShapedMatrix {
  /** The elements. */
  readonly data: NumberArray;
  /** The number of rows and of columns. */
  readonly shape: readonly [rows: number, columns: number];
  /** The distances between rows and between columns, in elements; one number is the distance between rows. Default [columns, 1]. */
  readonly stride?: number | readonly [row: number, column: number];
  /** The same as `stride`, with the name that some libraries use. Default: `stride`. */
  readonly strides?: number | readonly [row: number, column: number];
  /** The index of the first element. Default 0. */
  readonly offset?: number;
  /** The names of the columns, as `rowsFrom` returns them. Not used by models. Default: none. */
  readonly columns?: readonly string[];
}

/**
 * A matrix of rows: a row-major Float32Array whose length is a multiple of the width, any numeric typed array with its
 * shape, or an array of rows.
 */
export type MatrixInput =
  | Float32Array
  | ShapedMatrix
  | readonly (readonly number[])[]
  | readonly NumberArray[];

/** Rows that can be copied as float32 or as float64. */
export interface Rows {
  /** The name of the argument in messages. */
  readonly name: string;
  readonly count: number;
  readonly width: number;
  /** Copies rows [first, first + count) to `heap[at…]`, row-major. */
  copy(first: number, count: number, heap: Float32Array | Float64Array, at: number): void;
  /** @throws InvalidStateError if the data were transferred or shrunk after they were given. */
  requireIntact(): void;
  /** Copies the rows order[first], …, order[first + count - 1]. */
  gather(
    order: Uint32Array,
    first: number,
    count: number,
    heap: Float32Array | Float64Array,
    at: number,
  ): void;
}

const FORMS =
  "a Float32Array, { data, shape: [rows, columns] } over a typed array, or an array of rows";
const SHAPED_KEYS = Object.keys({
  data: true,
  shape: true,
  stride: true,
  strides: true,
  offset: true,
  columns: true,
} satisfies Record<keyof ShapedMatrix, true>);

/** Reads `input` as rows of `width` values. For a Float32Array it reuses `flat`, if given. */
export function readRows(name: string, input: MatrixInput, width: number, flat?: FlatRows): Rows {
  if (isFloat32Array(input)) return (flat ?? new FlatRows()).read(name, input, width);
  if (Array.isArray(input)) return new NestedRows(name, input, width);
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

/** Contiguous row-major values. One object can read several arrays, one after the other. */
export class FlatRows implements Rows {
  name = "";
  count = 0;
  width = 1;
  #data: NumberArray = new Float32Array(0);

  /** @throws InvalidValueError if the length is not a multiple of `width`. */
  read(name: string, data: NumberArray, width: number): this {
    if (data.length % width !== 0) {
      throw new InvalidValueError(
        `${name} holds ${data.length} values, which is no multiple of the ${width} in a row; row ${Math.floor(data.length / width)} ends after ${data.length % width}.`,
      );
    }
    this.name = name;
    this.count = data.length / width;
    this.width = width;
    this.#data = data;
    return this;
  }

  copy(first: number, count: number, heap: Float32Array | Float64Array, at: number): void {
    const { width } = this;
    const data = this.#intact();
    const all = count * width === data.length;
    heap.set(all ? data : data.subarray(first * width, (first + count) * width), at);
  }

  gather(
    order: Uint32Array,
    first: number,
    count: number,
    heap: Float32Array | Float64Array,
    at: number,
  ): void {
    const { width } = this;
    const data = this.#intact();
    for (let i = 0; i < count; i++) {
      const from = (order[first + i] ?? 0) * width;
      heap.set(data.subarray(from, from + width), at + i * width);
    }
  }

  requireIntact(): void {
    requireLength(this.name, this.#data, this.count * this.width);
  }

  #intact(): NumberArray {
    this.requireIntact();
    return this.#data;
  }
}

/** Rows that are copied one at a time. */
abstract class SingleRows implements Rows {
  readonly name: string;
  readonly count: number;
  readonly width: number;

  constructor(name: string, count: number, width: number) {
    this.name = name;
    this.count = count;
    this.width = width;
  }

  /** @throws InvalidStateError if the data were transferred or shrunk after they were given. */
  abstract requireIntact(): void;
  protected abstract copyRow(row: number, heap: Float32Array | Float64Array, at: number): void;

  copy(first: number, count: number, heap: Float32Array | Float64Array, at: number): void {
    this.requireIntact();
    for (let i = 0; i < count; i++) this.copyRow(first + i, heap, at + i * this.width);
  }

  gather(
    order: Uint32Array,
    first: number,
    count: number,
    heap: Float32Array | Float64Array,
    at: number,
  ): void {
    this.requireIntact();
    for (let i = 0; i < count; i++) this.copyRow(order[first + i] ?? 0, heap, at + i * this.width);
  }
}

/** Values with strides: a view of a larger matrix, or a transposed matrix. */
class StridedRows extends SingleRows {
  readonly #data: NumberArray;
  readonly #rowStride: number;
  readonly #columnStride: number;
  readonly #offset: number;
  readonly #length: number;

  constructor(
    name: string,
    data: NumberArray,
    [count, width]: readonly [number, number],
    [rowStride, columnStride]: readonly [number, number],
    offset: number,
  ) {
    super(name, count, width);
    this.#data = data;
    this.#rowStride = rowStride;
    this.#columnStride = columnStride;
    this.#offset = offset;
    this.#length = data.length;
  }

  requireIntact(): void {
    requireLength(this.name, this.#data, this.#length);
  }

  protected copyRow(row: number, heap: Float32Array | Float64Array, at: number): void {
    let from = this.#offset + row * this.#rowStride;
    for (let j = 0; j < this.width; j++) {
      heap[at + j] = this.#data[from] ?? Number.NaN;
      from += this.#columnStride;
    }
  }
}

/** The rows of another object in another order. */
export class OrderedRows implements Rows {
  readonly name: string;
  readonly count: number;
  readonly width: number;
  readonly #rows: Rows;
  readonly #order: Uint32Array;

  constructor(rows: Rows, order: Uint32Array) {
    this.name = rows.name;
    this.count = order.length;
    this.width = rows.width;
    this.#rows = rows;
    this.#order = order;
  }

  requireIntact(): void {
    this.#rows.requireIntact();
  }

  copy(first: number, count: number, heap: Float32Array | Float64Array, at: number): void {
    this.#rows.gather(this.#order, first, count, heap, at);
  }

  gather(
    order: Uint32Array,
    first: number,
    count: number,
    heap: Float32Array | Float64Array,
    at: number,
  ): void {
    const rows = order.subarray(first, first + count).map((row) => this.#order[row] ?? 0);
    this.#rows.gather(rows, 0, count, heap, at);
  }
}

/** An array of rows. */
class NestedRows extends SingleRows {
  readonly #rows: readonly ArrayLike<number>[];

  constructor(name: string, rows: readonly unknown[], width: number) {
    super(name, rows.length, width);
    this.#rows = checkedRows(name, rows, width);
  }

  /** Rows are checked when they are copied. */
  requireIntact(): void {}

  protected copyRow(row: number, heap: Float32Array | Float64Array, at: number): void {
    const values = this.#rows[row] ?? [];
    requireLength(`Row ${row} of ${this.name}`, values, this.width);
    heap.set(values, at);
  }
}

/** @throws InvalidStateError if data were transferred or shrunk after they were given. */
function requireLength(name: string, data: ArrayLike<number>, length: number): void {
  if (data.length >= length) return;
  throw new InvalidStateError(
    `${name} held ${length} values when it was given and holds ${data.length} now. Was its buffer transferred or shrunk?`,
  );
}

function shapedRows(name: string, input: ShapedMatrix, width: number): Rows {
  onlyKeys(name, input, SHAPED_KEYS);
  const { data, shape }: { data: unknown; shape: unknown } = input;
  if (!isNumberArray(data)) {
    throw new InvalidTypeError(`${name}.data must be a numeric typed array; got ${show(data)}.`);
  }
  const [rows, columns] = Array.isArray(shape) && shape.length === 2 ? shape : [];
  if (!isSize(rows) || !isSize(columns)) {
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
  return new FlatRows().read(name, data, width);
}

/** Rows of a view with strides. */
function stridedRows(
  name: string,
  input: ShapedMatrix,
  data: NumberArray,
  count: number,
  width: number,
): Rows {
  const { stride, strides } = input;
  if (stride !== undefined && strides !== undefined) {
    throw new InvalidValueError(`${name} takes stride or strides; it was given both.`);
  }
  const [down, across] = readStrides(name, stride ?? strides ?? width);
  const offset = integer(`${name}.offset`, input.offset ?? 0);
  // The corners include the elements with the smallest and the largest index.
  const right = (width - 1) * across;
  const bottom = (count - 1) * down;
  const corners = [0, right, bottom, right + bottom].map((corner) => offset + corner);
  const outside = corners.find((at) => at < 0 || at >= data.length);
  if (count > 0 && outside !== undefined) {
    throw new InvalidValueError(
      `${name} with shape [${count}, ${width}], strides [${down}, ${across}] and offset ${offset} reads element ${outside}; data holds ${data.length}.`,
    );
  }
  return new StridedRows(name, data, [count, width], [down, across], offset);
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

/** Checks that every row is an array of `width` numbers. */
function checkedRows(
  name: string,
  rows: readonly unknown[],
  width: number,
): readonly ArrayLike<number>[] {
  if (typeof rows[0] === "number") {
    throw new InvalidTypeError(
      `${name} is a flat array of numbers, whose rows cannot be told. Give ${FORMS}.`,
    );
  }
  const checked: ArrayLike<number>[] = [];
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (!Array.isArray(row) && !isNumberArray(row)) {
      throw new InvalidTypeError(
        `Row ${i} of ${name} must be an array of ${width} numbers; got ${show(row)}.`,
      );
    }
    if (row.length !== width) {
      throw new InvalidValueError(
        `Row ${i} of ${name} must hold ${width} values; it holds ${row.length}.`,
      );
    }
    if (!isTypedArray(row)) requireNumbers(name, row, i);
    checked.push(row);
  }
  return checked;
}

function requireNumbers(name: string, row: readonly unknown[], i: number): void {
  // A loop is faster than findIndex, and this runs over every element of every row. Holes count as undefined.
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
