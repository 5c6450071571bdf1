// Sparse features of handwritten digits, as a page: 128 features, of which each digit uses 8. Shows the most used features, and
// digits as sums of their eight features.
//
//   node examples/families/sparse-features.mjs [FOLDER [EPOCHS]]

import { TiedAutoencoder } from "tied-autoencoder";
import { digits } from "tied-autoencoder/digits";
import { drawFilters, drawImages } from "tied-autoencoder/view";
import { writePictures } from "../support/page.mjs";

const [folder = "pictures", epochs = "100"] = process.argv.slice(2);
const [UNITS, K] = [128, 8];
const { data, width } = digits();
const pixels = width * width;
const count = data.length / pixels;

const model = await TiedAutoencoder.create({
  layers: [pixels, UNITS],
  code: {
    type: "topK",
    k: K,
    centered: true,
    // A unit that no digit has used for one epoch learns from the residual of the other units.
    auxiliary: { k: 16, deadAfter: count },
  },
  constraint: "unitNorm",
  seed: 1,
});
// The decoder's bias, which is subtracted from the input, starts as the mean of the data. So no feature has to represent it.
const weights = model.weights();
const mean = weights["decoder.0.bias"].data.fill(0);
data.forEach((value, i) => {
  mean[i % pixels] += value / count;
});
model.setWeights(weights);
await model.fit(data, {
  epochs: Number(epochs),
  batchSize: 32,
  schedule: { type: "cosine", per: "epoch", tMax: Number(epochs) },
  corruption: { type: "gaussian", std: 0.3 },
});

const { starts, indices, values } = model.encode(data, { sparse: true });
const uses = new Uint32Array(UNITS);
values.forEach((value, i) => {
  if (value > 0) uses[indices[i]] += 1;
});
const byUse = [...uses.keys()].sort((a, b) => uses[b] - uses[a]);
const weight = model.weights()["encoder.0.weight"].data;
const feature = (unit) => weight.subarray(unit * pixels, (unit + 1) * pixels);

/** Each line: a digit, its reconstruction, and the features that add up to it, each times its value. */
const shown = [3, 11, 25, 42];
const lines = shown.flatMap((row) => {
  const parts = [];
  for (let i = starts[row]; i < starts[row + 1]; i++) {
    parts.push({ value: values[i], image: feature(indices[i]).map((w) => w * values[i]) });
  }
  parts.sort((a, b) => b.value - a.value);
  const digit = data.subarray(row * pixels, (row + 1) * pixels);
  return [digit, model.reconstruct(digit), ...parts.map(({ image }) => image)];
});

const error = model.evaluate(data);
const dead = model.deadUnits().length;
console.log(`${K} of ${UNITS} features a digit: mean squared error ${error.toFixed(4)} a pixel`);
console.log(`${dead} features were silent over the last ${count} rows`);
writePictures(folder, "sparse-features", "Sparse features of digits", [
  {
    name: "topk-features",
    says: `The 40 features that are used most, of ${UNITS}.`,
    svg: drawFilters(byUse.slice(0, 40).map(feature), {
      width,
      perRow: 10,
      scale: 6,
      each: true,
      signs: false,
      captions: byUse.slice(0, 40).map((unit) => `feature ${unit}, in ${uses[unit]} digits`),
    }),
  },
  {
    name: "topk-sums",
    says: `A digit, its reconstruction, and the ${K} features whose sum it is (beside the bias).`,
    svg: drawImages(lines, { width, perRow: K + 2, scale: 5, inverted: true, range: [-0.5, 1] }),
  },
]);
model.dispose();
