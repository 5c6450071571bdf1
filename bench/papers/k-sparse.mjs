// Makhzani & Frey 2014, "k-Sparse Autoencoders", table 2: features of a tied linear top-k model of 1000 units on MNIST,
// and the test error of logistic regression on them. The paper: 1.35 % at k = 25, raw pixels 7.20 %.
//
//   node bench/papers/k-sparse.mjs [FOLDER]      EPOCHS=60 K=25 ALPHA=3 by default
//
// As in the paper, features are computed with more units than training keeps: alpha times k. k decreases to its value during
// the first half of training, so that units do not become dead.

import { TiedAutoencoder } from "tied-autoencoder";
import { listsOf, testError } from "./logistic.mjs";
import { loadMnist, WIDTH } from "./mnist.mjs";

const UNITS = 1000;
const { EPOCHS = "60", K = "25", ALPHA = "3" } = process.env;
const [epochs, k, alpha] = [Number(EPOCHS), Number(K), Number(ALPHA)];
const { train, test } = loadMnist();

if (!process.env.SKIP_RAW) {
  const raw = testError(
    listsOf(train.x, WIDTH),
    train.labels,
    listsOf(test.x, WIDTH),
    test.labels,
    WIDTH,
    {
      epochs: 20,
    },
  );
  console.log(`raw pixels: test error ${(100 * raw).toFixed(2)} %`);
}

const config = (kept) => ({
  layers: [WIDTH, UNITS],
  activation: "linear",
  code: { type: "topK", k: kept },
  optimizer: { type: "adam", learningRate: 1e-3 },
});
/** A model with the same weights that keeps another number of units. */
async function keeping(model, kept) {
  const other = await TiedAutoencoder.create(config(kept));
  if (model) {
    other.setWeights(model.weights());
    model.dispose();
  }
  return other;
}

const start = performance.now();
let model;
for (let epoch = 0; epoch < epochs; epoch++) {
  const share = Math.min(1, (2 * epoch) / epochs);
  const kept = Math.round(100 + (k - 100) * share);
  if (model?.config.code.k !== kept) model = await keeping(model, kept);
  model.learningRate = 5e-4 * (1 + Math.cos((Math.PI * epoch) / epochs)) + 1e-5;
  const options = { epochs: epoch + 1, initialEpoch: epoch, batchSize: 100 };
  const { history } = await model.fit(train.x, options);
  if (epoch % 5 === 4 || epoch + 1 === epochs) {
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.log(`epoch ${epoch + 1}, k ${kept}: loss ${history.loss[0].toFixed(5)}, ${seconds} s`);
  }
}
console.log(`squared error a test image: ${(model.evaluate(test.x) * WIDTH).toFixed(2)}`);
for (const factor of new Set([1, alpha])) {
  model = await keeping(model, Math.round(k * factor));
  const features = [train, test].map(({ x }) => model.encode(x, { sparse: true }));
  for (const l2 of [1e-5, 1e-4]) {
    const error = testError(features[0], train.labels, features[1], test.labels, UNITS, {
      l2,
      epochs: 20,
    });
    console.log(
      `k = ${k}, features of ${model.config.code.k} units, l2 ${l2}: test error ${(100 * error).toFixed(2)} %`,
    );
  }
}
model.dispose();
