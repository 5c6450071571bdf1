import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { InvalidValueError } from "../../src/errors.ts";
import { FormatError } from "../../src/formats/errors.ts";
import {
  decodeSafetensors,
  finiteFloat32,
  tensorToFloat32,
} from "../../src/formats/safetensors.ts";
import type { NamedTensor } from "../../src/formats/safetensors-types.ts";
import { encodeSafetensors } from "../../src/formats/safetensors-write.ts";
import { randomNumbers } from "../support/random.ts";

const tensor = (name: string, shape: number[], data: NamedTensor["data"], dtype = "F32") =>
  ({ name, dtype, shape, data }) as NamedTensor;

/** A file with this header text and data, nothing checked. */
function raw(header: string | Uint8Array, data: Uint8Array | number = 0): Uint8Array<ArrayBuffer> {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const body = typeof data === "number" ? new Uint8Array(data) : data;
  const file = new Uint8Array(8 + text.length + body.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(body, 8 + text.length);
  return file;
}

const headerOf = (file: Uint8Array) => {
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  return { length, text: new TextDecoder().decode(file.subarray(8, 8 + length)) };
};

describe("encodeSafetensors", () => {
  test("writes the published layout, byte for byte", () => {
    const file = encodeSafetensors([tensor("a", [1, 2], new Float32Array([1, -2]))], { k: "v" });
    const json =
      '{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}';
    const padded = json.padEnd(Math.ceil(json.length / 8) * 8);
    expect(headerOf(file).text).toBe(padded);
    expect([...file.subarray(8 + padded.length)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });

  test("starts the data at a multiple of 8 whatever the header's length", () => {
    for (let n = 0; n < 9; n++) {
      const file = encodeSafetensors([tensor("n".repeat(n), [], new Float32Array([3]))]);
      expect(headerOf(file).length % 8).toBe(0);
      expect(decodeSafetensors(file).tensors.get("n".repeat(n))?.data).toEqual(
        new Float32Array([3]),
      );
    }
  });

  test("reads back every type, empty shapes and unusual names, with each tensor aligned", () => {
    const tensors = [
      tensor("bool", [3], new Uint8Array([1, 0, 1]), "BOOL"),
      tensor("u8", [1], new Uint8Array([255]), "U8"),
      tensor("i8", [1, 1], new Int8Array([-128]), "I8"),
      tensor("u16", [1], new Uint16Array([65535]), "U16"),
      tensor("i16", [1], new Int16Array([-32768]), "I16"),
      tensor("half", [2], new Uint16Array([0x3c00, 0xc000]), "F16"),
      tensor("brain", [2], new Uint16Array([0x3f80, 0xc000]), "BF16"),
      tensor("u32", [1], new Uint32Array([2 ** 32 - 1]), "U32"),
      tensor("i32", [1], new Int32Array([-(2 ** 31)]), "I32"),
      tensor("f32", [3], new Float32Array([Number.NaN, -0, Number.POSITIVE_INFINITY])),
      tensor("f64", [2], new Float64Array([Math.PI, 5e-324]), "F64"),
      tensor("i64", [1], new BigInt64Array([-(2n ** 63n)]), "I64"),
      tensor("u64", [1], new BigUint64Array([2n ** 64n - 1n]), "U64"),
      tensor("empty", [0, 5], new Float32Array(0)),
      tensor("scalar", [], new Float32Array([7])),
      tensor('é "quoted" \\ \u0000 😀', [1], new Float32Array([1])),
      tensor("7", [1], new Float32Array([2])),
      tensor("constructor", [1], new Float32Array([3])),
    ];
    const file = encodeSafetensors(tensors, { constructor: "kept", é: "😀" });
    const decoded = decodeSafetensors(file);
    expect(decoded.tensors.size).toBe(tensors.length);
    for (const { name, ...rest } of tensors) {
      expect(decoded.tensors.get(name), name).toEqual(rest);
      expect(decoded.tensors.get(name)!.data.buffer, name).toBe(file.buffer);
    }
    expect({ ...decoded.metadata }).toEqual({ constructor: "kept", é: "😀" });
    expect(decoded.metadata.toString).toBeUndefined();
  });

  test("without tensors writes an empty header", () => {
    const file = encodeSafetensors([]);
    expect(headerOf(file).text).toBe("{}      ");
    expect(decodeSafetensors(file).tensors.size).toBe(0);
  });

  test.each<[string, NamedTensor[], RegExp]>([
    [
      "a name twice",
      [tensor("w", [0], new Float32Array()), tensor("w", [0], new Float32Array())],
      /"w" again/,
    ],
    ["a reserved name", [tensor("__metadata__", [0], new Float32Array())], /reserved/],
    ["a polluting name", [tensor("__proto__", [0], new Float32Array())], /reserved/],
    [
      "a shape that does not fit",
      [tensor("w", [2, 2], new Float32Array(3))],
      /"w": 3 elements .* \[2,2\]/,
    ],
    ["a negative shape", [tensor("w", [-1, -3], new Float32Array(3))], /\[-1,-3\]/],
    [
      "another array than the dtype's",
      [tensor("w", [3], new Int32Array(3))],
      /Int32Array are not F32/,
    ],
    ["an unknown dtype", [tensor("w", [3], new Int32Array(3), "I7")], /not I7/],
  ])("refuses %s", (_, tensors, message) => {
    expect(() => encodeSafetensors(tensors)).toThrow(InvalidValueError);
    expect(() => encodeSafetensors(tensors)).toThrow(message);
  });
});

describe("decodeSafetensors", () => {
  const entry = (offsets: string, shape = "[1]", dtype = '"F32"') =>
    `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;

  test("copies where the data is not aligned, from Node buffers too", () => {
    const header = `{"w":${entry("[0,8]", "[2]")}}`.padEnd(66); // 8 + 66 is not a multiple of 4
    const file = raw(header, new Uint8Array(new Float32Array([1.5, -2.5]).buffer));
    const buffer = Buffer.concat([Buffer.from("x"), file]).subarray(1);
    for (const bytes of [file, buffer]) {
      const { data } = decodeSafetensors(bytes).tensors.get("w")!;
      expect(data).toEqual(new Float32Array([1.5, -2.5]));
      expect(data.buffer).not.toBe(bytes.buffer);
    }
  });

  test("reads shared memory", () => {
    const file = encodeSafetensors([tensor("w", [1], new Float32Array([4]))]);
    const shared = new Uint8Array(new SharedArrayBuffer(file.length));
    shared.set(file);
    expect(decodeSafetensors(shared).tensors.get("w")?.data[0]).toBe(4);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["an empty file", new Uint8Array(0), /8-byte header length, the file has 0 bytes/],
    ["half a length", new Uint8Array(7), /the file has 7 bytes/],
    ["a header beyond the file", raw("{}").subarray(0, 9), /claims 2 bytes and the file has 1/],
    ["a header of 2^64 - 1 bytes", new Uint8Array(16).fill(255), /at most 100000000 bytes/],
    ["an empty header", raw(""), /must open with "\{", got ""/],
    ["a header that is a list", raw("[]"), /must open with "\{", got "\[\]"/],
    ["a byte order mark", raw("\ufeff{}"), /must open with/],
    ["invalid UTF-8", raw(new Uint8Array([0x7b, 0xff, 0x7d])), /not UTF-8/],
    ["broken JSON", raw('{"w":'), /not valid JSON/],
    ["text after the JSON", raw("{}{}"), /not valid JSON/],
    ["an unfinished string", raw('{"w\\'), /not valid JSON/],
    ["a deep nest", raw(`{"w":${"[".repeat(1e6)}`), /more than 3 deep at character 7/],
    ["a deep nest of objects", raw('{"a":'.repeat(1e5)), /more than 3 deep/],
    ["a name twice", raw(`{"w":${entry("[0,4]")},"w" \n :${entry("[0,4]")}}`, 4), /"w" twice/],
    ["a name twice, once escaped", raw(`{"w":1,"\\u0077":2}`), /"w" twice/],
    ["a key twice in an entry", raw('{"w":{"dtype":"F32","dtype":"F64"}}'), /"dtype" twice/],
    ["the name __proto__", raw(`{"__proto__":${entry("[0,4]")}}`, 4), /reserved name, "__proto__"/],
    ["__proto__ in the metadata", raw('{"__metadata__":{"__proto__":"x"}}'), /reserved name/],
    [
      "metadata that is a list",
      raw('{"__metadata__":["x"]}'),
      /__metadata__ must map names to text/,
    ],
    ["metadata that is not text", raw('{"__metadata__":{"x":1}}'), /__metadata__ must map/],
    ["an entry that is text", raw('{"w":"x"}'), /"w": expected an entry .* got "x"/],
    ["an entry that is null", raw('{"w":null}'), /got null/],
    ["an unknown dtype", raw(`{"w":${entry("[0,4]", "[1]", '"F31"')}}`, 4), /among F64.*got "F31"/],
    [
      "a dtype every object has",
      raw(`{"w":${entry("[0,4]", "[1]", '"toString"')}}`, 4),
      /got "toString"/,
    ],
    ["no dtype", raw('{"w":{"shape":[],"data_offsets":[0,4]}}', 4), /got nothing/],
    ["a negative size", raw(`{"w":${entry("[0,4]", "[-1,-1]")}}`, 4), /shape .* got \[-1,-1\]/],
    ["a fractional size", raw(`{"w":${entry("[0,4]", "[1.5]")}}`, 4), /got \[1.5\]/],
    ["a shape that is a number", raw(`{"w":${entry("[0,4]", "1")}}`, 4), /got 1/],
    [
      "sizes that multiply past 2^53",
      raw(`{"w":${entry("[0,4]", "[9007199254740991,9007199254740991]")}}`, 4),
      /does not fill/,
    ],
    [
      "a shape smaller than its bytes",
      raw(`{"w":${entry("[0,8]", "[1]")}}`, 8),
      /does not fill its 8 bytes/,
    ],
    ["a negative offset", raw(`{"w":${entry("[-4,0]")}}`, 4), /data_offsets .* got \[-4,0\]/],
    ["offsets backwards", raw(`{"w":${entry("[4,0]")}}`, 4), /got \[4,0\]/],
    ["three offsets", raw(`{"w":${entry("[0,4,8]")}}`, 8), /got \[0,4,8\]/],
    ["missing data", raw(`{"w":${entry("[0,4]")}}`, 3), /ends at byte 4 of the 3 there are/],
    [
      "an overlap",
      raw(`{"v":${entry("[0,4]")},"w":${entry("[0,4]")}}`, 4),
      /"w".* byte 0, not 4, .*overlaps/,
    ],
    [
      "a hole",
      raw(`{"v":${entry("[0,4]")},"w":${entry("[8,12]")}}`, 12),
      /"w".* byte 8, not 4, .*hole/,
    ],
    ["a hole at the start", raw(`{"w":${entry("[4,8]")}}`, 8), /byte 4, not 0/],
    ["bytes too many", raw(`{"w":${entry("[0,4]")}}`, 9), /5 bytes at the end belong to no tensor/],
    [
      "a name of a megabyte, cut in the message",
      raw(`{"${"n".repeat(1e6)}":1}`),
      /^tensor "n{90,100}/,
    ],
  ])("refuses %s", (_, file, message) => {
    expect(() => decodeSafetensors(file)).toThrow(FormatError);
    expect(() => decodeSafetensors(file)).toThrow(message);
  });

  test("counts tensors, colons and quotes in one pass over the header", () => {
    const empty = (count: number) =>
      Array.from({ length: count }, (_, i) => `"t${i}":${entry("[0,0]", "[0]")}`).join();
    expect(decodeSafetensors(raw(`{${empty(20_000)}}`)).tensors.size).toBe(20_000);
    const many = raw(`{${Array.from({ length: 300_000 }, (_, i) => `"t${i}":0`).join()}}`);
    expect(() => decodeSafetensors(many)).toThrow(/names more than 262144 tensors/);
    // Each of these would take seconds if every colon scanned the last string again.
    for (const text of [":", '":"', '"a":,', "\\", '"\\":', '{"":']) {
      const header = `{"${"n".repeat(1000)}"${text.repeat(400_000 / text.length)}}`;
      expect(() => decodeSafetensors(raw(header))).toThrow(FormatError);
    }
  });

  test("refuses an empty tensor with an absurd size", () => {
    const file = raw(`{"w":${entry("[0,0]", "[0,9000000000]")}}`);
    expect(() => decodeSafetensors(file)).toThrow(/no elements, and yet a size of 9000000000/);
  });

  test("the error has the name of the tensor for programs", () => {
    try {
      decodeSafetensors(raw(`{"v":${entry("[0,4]")},"w":${entry("[8,12]")}}`, 12));
    } catch (error) {
      expect((error as FormatError).place).toEqual({ tensor: "w", byte: 8 });
    }
    expect.assertions(1);
  });

  test("gives tensors or a FormatError for 5,000 random mutations, and never another error", () => {
    const good = encodeSafetensors(
      [
        tensor("encoder.0.weight", [2, 3], new Float32Array(6)),
        tensor("h", [3], new Uint16Array(3), "F16"),
        tensor("step", [1], new BigInt64Array([9n]), "I64"),
      ],
      { config: '{"layers":[3,2]}' },
    );
    const next = randomNumbers(1);
    const spice = [...'{}[]":,\\0-19eE. \u0000'].map((c) => c.charCodeAt(0)).concat(0xff, 0xc3);
    let refused = 0;
    for (let run = 0; run < 5000; run++) {
      let file = good.slice();
      for (let edits = 1 + next() * 3; edits > 0; edits--) {
        const at = Math.floor(next() * Math.min(file.length, 240));
        const byte = next() < 0.5 ? spice[Math.floor(next() * spice.length)]! : next() * 256;
        const kind = next();
        if (kind < 0.6) file[at] = byte;
        else if (kind < 0.7) file = file.slice(0, Math.floor(next() * file.length));
        else if (kind < 0.85)
          file = new Uint8Array([...file.subarray(0, at), ...file.subarray(at + 1)]);
        else file = new Uint8Array([...file.subarray(0, at), byte, ...file.subarray(at)]);
      }
      try {
        for (const { data, shape } of decodeSafetensors(file).tensors.values()) {
          expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
        }
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(2500);
    expect(refused).toBeLessThan(5000);
  });
});

describe("tensorToFloat32", () => {
  test("gives an F32 tensor's own array", () => {
    const data = new Float32Array(3);
    expect(tensorToFloat32({ dtype: "F32", shape: [3], data })).toBe(data);
  });

  test("converts every half exactly", () => {
    const data = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const out = tensorToFloat32({ dtype: "F16", shape: [65536], data });
    for (let i = 0; i < 65536; i++) {
      const sign = i & 0x8000 ? -1 : 1;
      const exponent = (i >> 10) & 31;
      const fraction = (i & 1023) / 1024;
      let expected =
        sign * (exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14);
      if (exponent === 31) expected = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
      if (!Object.is(out[i], expected)) expect(out[i], i.toString(16)).toBe(expected);
    }
  });

  test("converts the rest", () => {
    const float = (dtype: string, data: NamedTensor["data"]) => [
      ...tensorToFloat32(tensor("", [data.length], data, dtype)),
    ];
    expect(float("BF16", new Uint16Array([0x3f80, 0xc040, 0xff80, 0x0001]))).toEqual([
      1,
      -3,
      Number.NEGATIVE_INFINITY,
      2 ** -133,
    ]);
    expect(float("F64", new Float64Array([0.1, 1e300]))).toEqual([
      Math.fround(0.1),
      Number.POSITIVE_INFINITY,
    ]);
    expect(float("I64", new BigInt64Array([-5n, 2n ** 40n]))).toEqual([-5, 2 ** 40]);
    expect(float("U64", new BigUint64Array([2n ** 64n - 1n]))).toEqual([2 ** 64]);
    expect(float("I8", new Int8Array([-128]))).toEqual([-128]);
    expect(float("U32", new Uint32Array([2 ** 32 - 1]))).toEqual([2 ** 32]);
    expect(float("BOOL", new Uint8Array([1, 0]))).toEqual([1, 0]);
  });
});

describe("finiteFloat32", () => {
  test("gives float tensors as float32", () => {
    const data = new Float32Array([1, -2]);
    expect(finiteFloat32("w", { dtype: "F32", shape: [2], data })).toBe(data);
    const half = new Uint16Array([0x3c00, 0xc000]);
    expect(finiteFloat32("w", { dtype: "F16", shape: [2], data: half })).toEqual(data);
  });

  test.each<[string, NamedTensor["data"], string, RegExp]>([
    [
      "integers",
      new Int32Array(2),
      "I32",
      /The tensor "w" is I32; weights are F32, F64, F16, BF16/,
    ],
    ["whole numbers", new Uint32Array(2), "U32", /is U32/],
    [
      "NaN",
      new Float32Array([0, Number.NaN]),
      "F32",
      /"w" must hold finite numbers; element 1 is NaN/,
    ],
    ["infinity", new Float32Array([-Infinity]), "F32", /element 0 is -Infinity/],
    ["a double beyond float32", new Float64Array([1e300]), "F64", /element 0 is Infinity/],
  ])("refuses %s", (_, data, dtype, message) => {
    const weights = tensor("w", [data.length], data, dtype);
    expect(() => finiteFloat32("w", weights)).toThrow(FormatError);
    expect(() => finiteFloat32("w", weights)).toThrow(message);
  });
});
