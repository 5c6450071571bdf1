// Recognizes typed arrays and buffers of any realm. `instanceof` only recognizes classes of its own realm: an array from
// an iframe, a `node:vm` context or the sandbox of a test runner is not an instance of them. The getters below read
// internal slots, which are the same in every realm and which no object can fake. `Array.isArray` works for every realm.

import { InvalidTypeError, show } from "../errors.ts";

interface TypedArrays {
  Int8Array: Int8Array;
  Uint8Array: Uint8Array;
  Uint8ClampedArray: Uint8ClampedArray;
  Int16Array: Int16Array;
  Uint16Array: Uint16Array;
  Int32Array: Int32Array;
  Uint32Array: Uint32Array;
  Float32Array: Float32Array;
  Float64Array: Float64Array;
  BigInt64Array: BigInt64Array;
  BigUint64Array: BigUint64Array;
}

export type TypedArrayName = keyof TypedArrays;
export type TypedArray = TypedArrays[TypedArrayName];

/** A typed array of numbers: any except those of big integers. */
export type NumberArray = Exclude<TypedArray, BigInt64Array | BigUint64Array>;

/** The getter of an accessor property. It can be called on any value. */
function getterOf(prototype: object, key: PropertyKey): (this: unknown) => unknown {
  const getter = Object.getOwnPropertyDescriptor(prototype, key)?.get;
  if (!getter) throw new Error(`${String(key)} is no accessor property.`);
  return getter;
}

const readTypedArrayName = /* @__PURE__ */ getterOf(
  /* @__PURE__ */ Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
);
const readByteLength = /* @__PURE__ */ getterOf(ArrayBuffer.prototype, "byteLength");

const NAMES: ReadonlySet<unknown> = /* @__PURE__ */ new Set(
  Object.keys({
    Int8Array: true,
    Uint8Array: true,
    Uint8ClampedArray: true,
    Int16Array: true,
    Uint16Array: true,
    Int32Array: true,
    Uint32Array: true,
    Float32Array: true,
    Float64Array: true,
    BigInt64Array: true,
    BigUint64Array: true,
  } satisfies Record<TypedArrayName, true>),
);

const isName = (name: unknown): name is TypedArrayName => NAMES.has(name);

/**
 * The class name of a typed array, such as "Float32Array", for any realm and for subclasses. Undefined for other values,
 * and for kinds that the package does not support, such as Float16Array.
 */
export function typedArrayName(value: unknown): TypedArrayName | undefined {
  const name = readTypedArrayName.call(value);
  return isName(name) ? name : undefined;
}

/** Whether `value` is a typed array of the class called `name`, of any realm. */
export function isTypedArrayOf<Name extends TypedArrayName>(
  value: unknown,
  name: Name,
): value is TypedArrays[Name] {
  return readTypedArrayName.call(value) === name;
}

/** Whether `value` is a typed array, of numbers or of big integers. */
export const isTypedArray = (value: unknown): value is TypedArray =>
  typedArrayName(value) !== undefined;

/** Whether `value` is a typed array whose elements are numbers. */
export function isNumberArray(value: unknown): value is NumberArray {
  const name = typedArrayName(value);
  return name !== undefined && name !== "BigInt64Array" && name !== "BigUint64Array";
}

/** Whether `value` is a Float32Array of any realm. */
export const isFloat32Array = (value: unknown): value is Float32Array =>
  isTypedArrayOf(value, "Float32Array");

/** Whether `value` is an ArrayBuffer of any realm. A SharedArrayBuffer is not. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    readByteLength.call(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * `value` as a Uint8Array of this realm, without a copy. `value` may be a Uint8Array, an ArrayBuffer or another view (a
 * DataView, a Float32Array).
 * @throws InvalidTypeError for other values. The message calls the value `where`.
 */
export function bytesOf(where: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  if (isArrayBuffer(value)) return new Uint8Array(value);
  // A name of a file is the mistake to expect.
  const hint =
    typeof value === "string"
      ? " Paths and addresses are not opened: give the bytes, such as await readFile(path), or await (await fetch(url)).arrayBuffer()."
      : "";
  throw new InvalidTypeError(
    `${where} must be a Uint8Array, an ArrayBuffer or a view of one; got ${show(value)}.${hint}`,
  );
}
