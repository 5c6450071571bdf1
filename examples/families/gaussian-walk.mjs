// Samples of digits from a gaussian code, and interpolations between two digits through their codes.
//
//   node examples/families/gaussian-walk.mjs [FOLDER [EPOCHS]]

import { TiedAutoencoder } from "tied-autoencoder";
import { digits } from "tied-autoencoder/digits";
import { drawCodes, drawImages } from "tied-autoencoder/view";
import { writePictures } from "../support/page.mjs";

const [folder = "pictures", epochs = "80"] = process.argv.slice(2);
const UNITS = 8;
const { data, labels, width } = digits();
const pixels = width * width;

const model = await TiedAutoencoder.create({
  layers: [pixels, 128, UNITS],
  outputActivation: "sigmoid",
  loss: "bce",
  code: { type: "gaussian", beta: 1 },
  initializer: "heUniform",
  optimizer: { type: "adam", learningRate: 2e-3 },
  seed: 1,
});
await model.fit(data, { epochs: Number(epochs), batchSize: 32 });

const samples = model.sample(40, { seed: 5 });

/** Codes on the line between those of two digits, decoded. */
function walk(from, to, steps) {
  const { mean } = model.encodeDistribution([from, to].map((row) => rowOf(row)));
  const codes = Array.from({ length: steps }, (_, step) =>
    Array.from({ length: UNITS }, (_, unit) => {
      const share = step / (steps - 1);
      return mean[unit] * (1 - share) + mean[UNITS + unit] * share;
    }),
  );
  return model.decode(codes);
}
function rowOf(row) {
  return data.subarray(row * pixels, (row + 1) * pixels);
}
const first = (digit) => labels.indexOf(digit);
const walks = [
  [0, 6],
  [1, 7],
  [3, 8],
].map(([from, to]) => walk(first(from), first(to), 10));

const nats = model.negativeElbo(data, { samples: 4, seed: 1 });
const mean = nats.reduce((sum, value) => sum + value, 0) / nats.length;
const { mean: codes, logVariance } = model.encodeDistribution(data);
// A unit whose variance is that of the prior has no information.
const used = Array.from({ length: UNITS }, (_, unit) => {
  let sum = 0;
  for (let i = unit; i < codes.length; i += UNITS) sum += Math.exp(logVariance[i]);
  return sum / nats.length < 0.5;
});
const axes = [...used.keys()].filter((unit) => used[unit]).slice(0, 2);
console.log(`negative ELBO ${mean.toFixed(1)} nats a digit`);
console.log(`${used.filter(Boolean).length} of ${UNITS} units are used`);
writePictures(folder, "gaussian-walk", "Samples and walks from a gaussian code", [
  {
    name: "gaussian-samples",
    says: "Forty draws from the prior, decoded.",
    svg: drawImages(samples, { width, perRow: 10, scale: 5, inverted: true }),
  },
  {
    name: "gaussian-walk",
    says: "From a digit to another along the straight line between their codes.",
    svg: drawImages(Float32Array.from(walks.flatMap((images) => [...images])), {
      width,
      perRow: 10,
      scale: 5,
      inverted: true,
    }),
  },
  {
    name: "gaussian-codes",
    says: "Two units of the code, a point a digit.",
    svg: drawCodes(codes, {
      dimensions: UNITS,
      axes: axes.length === 2 ? axes : [0, 1],
      labels: Array.from(labels),
    }),
  },
]);
model.dispose();
