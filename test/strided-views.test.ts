// A strided or transposed view, `{ data, shape, stride }`, is read in its order or refused by every public function that takes
// `{ data, shape }`. It is never read as if it were row-major.

import { describe, expect, test } from "vitest";
import { AnomalyDetector } from "../src/detect.ts";
import { encodeIdx, encodeNpy, encodeNpz, encodeSafetensors } from "../src/formats.ts";
import { averageWeights, TiedAutoencoder } from "../src/index.ts";
import { report } from "../src/report.ts";
import { rowsFrom } from "../src/table.ts";
import { drawCodes, drawFilters, drawImages } from "../src/view.ts";

const ROWS = 60;
const WIDTH = 4;
const plain = {
  data: Float32Array.from({ length: ROWS * WIDTH }, (_, i) => Math.sin(i * i)),
  shape: [ROWS, WIDTH] as const,
};
/** The same matrix, stored column by column. */
const transposed = {
  data: plain.data.map((_, i) => plain.data[(i % ROWS) * WIDTH + Math.floor(i / ROWS)] ?? 0),
  shape: plain.shape,
  stride: [1, ROWS] as const,
};

type Matrix = typeof plain | typeof transposed;

const makeModel = () => TiedAutoencoder.create({ layers: [WIDTH, 2], seed: 1 });

describe("a transposed view is read in its order", () => {
  const results: Record<string, (matrix: Matrix) => unknown> = {
    drawImages: (matrix) => drawImages(matrix, { width: 2 }),
    drawFilters: (matrix) => drawFilters(matrix, { width: 2 }),
    drawCodes: (matrix) => drawCodes(matrix, { dimensions: WIDTH, axes: [1, 3] }),
    "inference, training and the report": async (matrix) => {
      using model = await makeModel();
      model.trainOnBatch(matrix, matrix);
      await model.fit(matrix, { epochs: 2, target: matrix, validationData: matrix });
      return [
        model.encode(matrix),
        model.reconstructionErrors(matrix),
        model.evaluate(matrix, matrix),
        model.save(),
        report(model, matrix),
      ];
    },
    "a detector": async (matrix) => {
      using detector = await AnomalyDetector.fit(matrix, {
        model: { hidden: [8, 2], steps: 100 },
        seed: 1,
      });
      return [detector.score(matrix), detector.explain(matrix)[0]];
    },
  };
  test.each(Object.entries(results))("%s", async (_, result) => {
    expect(await result(transposed)).toEqual(await result(plain));
  });
});

describe("a view is refused where arrays must be row-major", () => {
  const view = { ...transposed, dtype: "F32" as const, name: "a" };
  const calls: Record<string, (matrix: typeof view) => unknown> = {
    encodeNpy,
    encodeIdx,
    encodeNpz: (matrix) => encodeNpz([["a", matrix]]),
    encodeSafetensors: (matrix) => encodeSafetensors([matrix]),
    averageWeights: (matrix) => averageWeights([{ a: matrix }, { a: matrix }]),
  };
  test.each(Object.entries(calls))("%s", (_, call) => {
    expect(() => call(view)).toThrow(/must be row-major; it has stride/);
    const { stride, ...rowMajor } = view;
    expect(() => call(rowMajor as typeof view)).not.toThrow();
  });

  test("setWeights, which changes nothing then", async () => {
    using model = await makeModel();
    const before = model.weights();
    const data = Float32Array.from({ length: 8 }, (_, i) => i);
    const weight = { data, shape: [2, WIDTH], strides: [1, 2] };
    expect(() => model.setWeights({ ...before, "encoder.0.weight": weight })).toThrow(
      "encoder.0.weight must be row-major; it has strides. Copy the view into a row-major array first.",
    );
    expect(model.weights()).toEqual(before);
  });

  test("rowsFrom, which takes tables and images", () => {
    expect(() => rowsFrom(transposed as never)).toThrow(/Column "/);
  });
});
