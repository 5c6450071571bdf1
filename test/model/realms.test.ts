// Arrays of another realm (an iframe, a context of node:vm, a test runner's sandbox) are accepted in all places.
// They behave like arrays of this realm.

import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { encodeSafetensors } from "../../src/formats/safetensors-write.ts";
import { averageWeights, fromStateDict, TiedAutoencoder } from "../../src/index.ts";

/** A copy of an array in another realm. */
const foreign = <Data extends ArrayLike<number>>(data: Data): Data => {
  const copy = runInNewContext(`new ${data.constructor.name}(${data.length})`);
  copy.set(data);
  return copy;
};

const model = TiedAutoencoder.createSync({ layers: [4, 2], seed: 1 });
const foreignWeights = () =>
  Object.fromEntries(
    Object.entries(model.weights()).map(([name, { shape, data }]) => [
      name,
      { shape, data: foreign(data) },
    ]),
  );

test("weights and gradients", () => {
  const before = model.weights();
  expect(foreignWeights()["encoder.0.weight"]!.data).not.toBeInstanceOf(Float32Array);
  model.setWeights(foreignWeights());
  expect(model.weights()).toEqual(before);
  model.addGradients(foreignWeights());
  expect(model.gradients()).toEqual(before);
  expect(averageWeights([foreignWeights(), model.weights()])).toEqual(before);
});

test("files", async () => {
  const bytes = model.save();
  using loaded = await TiedAutoencoder.load(foreign(bytes));
  expect(loaded.weights()).toEqual(model.weights());
  const named = Object.entries(model.weights()).map(([name, { shape, data }]) => {
    return { name, dtype: "F32" as const, shape, data: Float32Array.from(data) };
  });
  using imported = await fromStateDict(foreign(encodeSafetensors(named)));
  expect(imported.weights()).toEqual(model.weights());
});

test("rows", () => {
  const rows = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const code = model.encode(rows);
  const forms: unknown[] = [
    foreign(rows),
    { data: foreign(Float64Array.from(rows)), shape: [2, 4] },
    runInNewContext("[[1, 2, 3, 4], [5, 6, 7, 8]]"),
    runInNewContext("[new Int8Array([1, 2, 3, 4]), new Float64Array([5, 6, 7, 8])]"),
  ];
  for (const form of forms) expect(model.encode(form as Float32Array)).toEqual(code);
});
