// Hinton & Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks", on MNIST:
// 784-1000-500-250-30 and its mirror. Prints the squared error of a test image. The paper reports 3.00 (principal components:
// 13.87). Linear code and sigmoid output.
//
//   node bench/papers/deep.mjs [FOLDER]
//
// Settings by environment, with their defaults: EPOCHS=85 RATE=1e-3 DECAY=0.02 NOISE=0.12 PRETRAIN=0 ACTIVATION=relu
// INITIALIZER=heUniform LOSS=bce THREADS=1. PRETRAIN is a number of epochs for each layer.

import { TiedAutoencoder } from "tied-autoencoder";
import { loadMnist, WIDTH } from "./mnist.mjs";

const { ACTIVATION = "relu", INITIALIZER = "heUniform", LOSS = "bce" } = process.env;
const { EPOCHS = "85", RATE = "1e-3", DECAY = "0.02", NOISE = "0.12" } = process.env;
const { PRETRAIN = "0", THREADS = "1" } = process.env;
const [epochs, noise, pretrain] = [Number(EPOCHS), Number(NOISE), Number(PRETRAIN)];
const { train, test } = loadMnist();
const model = await TiedAutoencoder.create({
  layers: [WIDTH, 1000, 500, 250, 30],
  encoderActivations: [ACTIVATION, ACTIVATION, ACTIVATION, "linear"],
  decoderActivations: [ACTIVATION, ACTIVATION, ACTIVATION, "sigmoid"],
  loss: LOSS,
  initializer: INITIALIZER,
  optimizer: { type: "adamw", learningRate: Number(RATE), weightDecay: Number(DECAY) },
  threads: Number(THREADS),
});
const corruption = noise > 0 ? { type: "gaussian", std: noise } : undefined;

/** Squared error an image, the mean over images. */
function squaredError(x) {
  const errors = model.reconstructionErrors(x);
  return (errors.reduce((sum, error) => sum + error, 0) / errors.length) * WIDTH;
}

const start = performance.now();
const seconds = () => ((performance.now() - start) / 1000).toFixed(0);
if (pretrain > 0) {
  const options = { method: "layerwise", epochs: pretrain, batchSize: 128, learningRate: 1e-3 };
  await model.initializeFrom(train.x, { ...options, ...(corruption && { corruption }) });
  console.log(`pretrained: test ${squaredError(test.x).toFixed(2)}, ${seconds()} s`);
}
await model.fit(train.x, {
  epochs,
  batchSize: 128,
  schedule: { type: "cosine", per: "epoch", tMax: epochs },
  ...(corruption && { corruption }),
  onEpoch({ epoch }) {
    if (epoch % 5 !== 4 && epoch + 1 !== epochs) return;
    console.log(`epoch ${epoch + 1}: test ${squaredError(test.x).toFixed(3)}, ${seconds()} s`);
  },
});
const few = train.x.subarray(0, 10_000 * WIDTH);
const [held, seen] = [squaredError(test.x).toFixed(3), squaredError(few).toFixed(3)];
console.log(`squared error an image: test ${held}, training ${seen}`);
model.dispose();
