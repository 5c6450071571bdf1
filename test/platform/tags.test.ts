import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { InvalidTypeError } from "../../src/errors.ts";
import {
  bytesOf,
  isArrayBuffer,
  isFloat32Array,
  isNumberArray,
  isTypedArray,
  type TypedArrayName,
  typedArrayName,
} from "../../src/platform/tags.ts";

const names = [
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
] as const satisfies TypedArrayName[];

const realms: [string, (code: string) => unknown][] = [
  ["this realm", (code) => new Function(`return ${code}`)()],
  ["another realm", (code) => runInNewContext(code)],
];

describe.each(realms)("values of %s", (realm, make) => {
  test("belong to the expected realm", () => {
    expect(make("new Float32Array(2)") instanceof Float32Array).toBe(realm === "this realm");
  });

  test.each(names)("a %s is recognized by its name", (name) => {
    const array = make(`new ${name}(2)`);
    expect(typedArrayName(array)).toBe(name);
    expect(isTypedArray(array)).toBe(true);
    expect(isNumberArray(array)).toBe(!name.startsWith("Big"));
    expect(isFloat32Array(array)).toBe(name === "Float32Array");
    expect(isArrayBuffer(array)).toBe(false);
  });

  test("a subclass is recognized by its base class", () => {
    expect(typedArrayName(make("new (class Mine extends Uint8Array {})(2)"))).toBe("Uint8Array");
  });

  test("buffers are distinguished from views and from shared buffers", () => {
    expect(isArrayBuffer(make("new ArrayBuffer(4)"))).toBe(true);
    expect(isArrayBuffer(make("new SharedArrayBuffer(4)"))).toBe(false);
    expect(isArrayBuffer(make("new DataView(new ArrayBuffer(4))"))).toBe(false);
    expect(isTypedArray(make("new DataView(new ArrayBuffer(4))"))).toBe(false);
  });

  test.each(["{}", "[1, 2]", "null", "undefined", "1", "'text'", "() => 1", "new Map()"])(
    "%s is neither",
    (code) => {
      const value = make(`(${code})`);
      expect(typedArrayName(value)).toBeUndefined();
      expect(isArrayBuffer(value)).toBe(false);
    },
  );

  test("an object with a false tag is not accepted", () => {
    expect(typedArrayName(make("({ [Symbol.toStringTag]: 'Uint8Array' })"))).toBeUndefined();
    expect(isArrayBuffer(make("({ [Symbol.toStringTag]: 'ArrayBuffer' })"))).toBe(false);
  });

  test.each([
    ["Uint8Array", "new Uint8Array([0, 1, 2, 3]).subarray(1, 3)", [1, 2]],
    ["DataView", "new DataView(new Uint8Array([0, 1, 2, 3]).buffer, 1, 2)", [1, 2]],
    ["Uint16Array", "new Uint16Array([258])", [2, 1]],
    ["ArrayBuffer", "new Uint8Array([4, 5]).buffer", [4, 5]],
    ["empty buffer", "new ArrayBuffer(0)", []],
  ])("bytesOf takes a %s without a copy", (_, code, bytes) => {
    const value = make(code) as Uint8Array | ArrayBuffer;
    const taken = bytesOf("x", value);
    expect(taken instanceof Uint8Array).toBe(true);
    expect([...taken]).toEqual(bytes);
    expect(taken.buffer).toBe(ArrayBuffer.isView(value) ? value.buffer : value);
  });
});

test("bytesOf keeps a Uint8Array of this realm, including a Buffer, unchanged", () => {
  const buffer = Buffer.from([1, 2]);
  expect(bytesOf("x", buffer)).toBe(buffer);
});

test.each([undefined, null, "text", 3, [1, 2], {}])("bytesOf refuses %j", (value) => {
  expect(() => bytesOf("the file", value)).toThrow(InvalidTypeError);
  expect(() => bytesOf("the file", value)).toThrow(
    /^the file must be a Uint8Array, an ArrayBuffer/,
  );
});

test("bytesOf tells who gives a path what to give", () => {
  expect(() => bytesOf("load's file", "model.safetensors")).toThrow(
    /got "model\.safetensors"\. Paths and addresses are not opened: give the bytes, such as await readFile\(path\)/,
  );
});
