// Compares features of a dense model, a contractive one (Rifai et al. 2011) and a denoising one (Vincent et al. 2010) on MNIST by
// the test error of logistic regression: 784 pixels, one layer of sigmoid units, tied weights, cross entropy.
//
//   node bench/papers/features.mjs [FOLDER]      EPOCHS=15 UNITS=400 CONTRACTION=1e-4 MASKED=0.25 by default
//
// KINDS=dense,denoising trains these only.

import { TiedAutoencoder } from "tied-autoencoder";
import { standardized, testError } from "./logistic.mjs";
import { loadMnist, WIDTH } from "./mnist.mjs";

const { EPOCHS = "15", UNITS = "400", CONTRACTION = "1e-4", MASKED = "0.25" } = process.env;
const [epochs, units] = [Number(EPOCHS), Number(UNITS)];
const { train, test } = loadMnist();
const kinds = {
  dense: [{}, {}],
  contractive: [{ penalties: [{ type: "contraction", weight: Number(CONTRACTION) }] }, {}],
  denoising: [{}, { corruption: { type: "masking", rate: Number(MASKED) } }],
};

const start = performance.now();
for (const kind of (process.env.KINDS ?? Object.keys(kinds).join()).split(",")) {
  const [config, options] = kinds[kind];
  const model = await TiedAutoencoder.create({
    layers: [WIDTH, units],
    activation: "sigmoid",
    outputActivation: "sigmoid",
    loss: "bce",
    optimizer: { type: "adam", learningRate: 1e-3 },
    ...config,
  });
  const schedule = { type: "cosine", per: "epoch", tMax: epochs };
  await model.fit(train.x, { epochs, batchSize: 100, schedule, ...options });
  const [seen, held] = standardized(model.encode(train.x), model.encode(test.x), units);
  const error = testError(seen, train.labels, held, test.labels, units, { epochs: 20, l2: 1e-4 });
  const squared = model.reconstructionErrors(test.x);
  const mean = (squared.reduce((sum, e) => sum + e, 0) / squared.length) * WIDTH;
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(
    `${kind}: squared error a test image ${mean.toFixed(2)}, test error of the features ${(100 * error).toFixed(2)} %, ${seconds} s`,
  );
  model.dispose();
}
