import { describe, expect, test } from "vitest";
import { type MatrixInput, TiedAutoencoder } from "../../src/index.ts";

const model = TiedAutoencoder.createSync({ layers: [3, 2], outputActivation: "sigmoid", seed: 7 });
const rows = [
  [1, 2, 3],
  [4, 5, 6],
];

describe("matrix input", () => {
  const forms: [string, MatrixInput][] = [
    ["a Float32Array", new Float32Array(rows.flat())],
    ["an array of rows", rows],
    ["an array of typed rows", rows.map((row) => new Float64Array(row))],
    ["a shaped Float64Array", { data: new Float64Array(rows.flat()), shape: [2, 3] }],
    ["a shaped Uint8Array", { data: new Uint8Array(rows.flat()), shape: [2, 3] }],
  ];
  const strided: [string, MatrixInput][] = [
    [
      "a transposed view",
      { data: Float32Array.of(1, 4, 2, 5, 3, 6), shape: [2, 3], stride: [1, 2] },
    ],
    [
      "a crop",
      { data: Float32Array.of(0, 1, 2, 3, 9, 4, 5, 6), shape: [2, 3], strides: 4, offset: 1 },
    ],
    [
      "a view that is flipped",
      { data: Uint8Array.of(6, 5, 4, 3, 2, 1), shape: [2, 3], stride: [-3, -1], offset: 5 },
    ],
    [
      "a matrix with names",
      { data: Float64Array.from(rows.flat()), shape: [2, 3], columns: ["a", "b", "c"] },
    ],
  ];
  forms.push(...strided);
  const expected = model.encode(rows);

  test.each(forms)("%s gives the same codes", (_, x) => {
    expect(model.encode(x)).toEqual(expected);
  });

  test("no rows give no codes", () => {
    expect(model.encode([])).toEqual(new Float32Array(0));
    expect(model.encode(new Float32Array(0))).toEqual(new Float32Array(0));
  });

  test.each<[string, unknown, RegExp]>([
    ["a flat array", [1, 2, 3], /x is a flat array of numbers.*\{ data, shape/],
    [
      "a ragged row",
      [
        [1, 2, 3],
        [4, 5],
      ],
      /Row 1 of x must hold 3 values; it holds 2/,
    ],
    ["a row of text", [[1, 2, 3], "abc"], /Row 1 of x must be an array of 3 numbers; got "abc"/],
    ["text in a row", [[1, 2, "3"]], /Row 0, column 2 of x must be a number; got "3"/],
    [
      "a hole in a row",
      [[1, undefined, 3]],
      /Row 0, column 1 of x must be a number; got undefined/,
    ],
    ["a wrong length", new Float32Array(4), /x holds 4 values, which is no multiple of the 3/],
    ["a typed array without shape", new Uint8Array(3), /x is a Uint8Array of 3 without a shape/],
    [
      "a view beyond its data",
      { data: new Float32Array(6), shape: [2, 3], stride: [4, 1] },
      /strides \[4, 1\] and offset 0 reads element 6; data holds 6/,
    ],
    [
      "a view before its data",
      { data: new Float32Array(6), shape: [2, 3], stride: [-3, 1] },
      /reads element -3/,
    ],
    [
      "a stride of text",
      { data: new Float32Array(6), shape: [2, 3], stride: "3" },
      /x.stride must be a whole number of elements; got "3"/,
    ],
    [
      "both names of strides",
      { data: new Float32Array(6), shape: [2, 3], stride: 3, strides: 3 },
      /x takes stride or strides/,
    ],
    [
      "an unknown key",
      { data: new Float32Array(6), shape: [2, 3], order: "F" },
      /x has no option "order"/,
    ],
    [
      "wrong columns",
      { data: new Float32Array(4), shape: [2, 2] },
      /must have 3 columns.*\[2, 2\]/,
    ],
    [
      "too little data",
      { data: new Float32Array(4), shape: [2, 3] },
      /stands for 6 values; data holds 4/,
    ],
    [
      "a bad shape",
      { data: new Float32Array(6), shape: [6] },
      /shape must be \[rows, columns\]; got \[6\]/,
    ],
    [
      "a fractional shape",
      { data: new Float32Array(3), shape: [1.5, 2] },
      /shape must be \[rows, columns\]/,
    ],
    [
      "big integers",
      { data: new BigInt64Array(3), shape: [1, 3] },
      /numeric typed array; got a BigInt64Array/,
    ],
    ["null", null, /x must be a Float32Array.*got null/],
    ["text", "abc", /x must be a Float32Array.*got "abc"/],
  ])("%s is refused in plain words", (_, x, message) => {
    expect(() => model.encode(x as MatrixInput)).toThrow(message);
  });

  test("in inference NaN only affects its own row", () => {
    const spoilt = model.reconstruct([
      [1, Number.NaN, 3],
      [1, 2, 3],
    ]);
    expect([...spoilt.subarray(0, 3)]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect(spoilt.subarray(3)).toEqual(
      model
        .reconstruct([
          [1, 2, 3],
          [1, 2, 3],
        ])
        .subarray(3),
    );
  });

  test.each<[string, unknown]>([
    ["NaN", Number.NaN],
    ["Infinity", Number.POSITIVE_INFINITY],
    ["a value beyond float32", 1e39],
  ])("training refuses %s and names its place", (_, bad) => {
    const x = [
      [1, 2, 3],
      [4, 5, bad as number],
    ];
    const before = model.weights();
    expect(() => model.trainOnBatch(x)).toThrow(/Row 1, column 2 of x is (NaN|Infinity)/);
    expect(() => model.accumulateGradients(rows, x)).toThrow(/Row 1, column 2 of target/);
    expect(model.weights()).toEqual(before);
    expect(model.stepCount).toBe(0);
  });
});
