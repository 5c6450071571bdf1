// Kingma & Welling 2014 on MNIST: a gaussian code, layers 784-400-20 and their mirror, tied weights. Prints the negative ELBO of
// the test images in nats. Where $PYTHON (python3) has torch, it also prints that of an untied model of the same layers,
// trained by PyTorch with the same optimizer, batches and epochs, and a learning rate of its own.
//
//   node bench/papers/variational.mjs [FOLDER]      EPOCHS=10 ACTIVATION=relu RATE=6e-3 UNTIED_RATE=4e-3 by default
//
// Both rates decrease along half a cosine to 0. With SCHEDULE=constant they do not change.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { TiedAutoencoder } from "tied-autoencoder";
import { folder, loadMnist, WIDTH } from "./mnist.mjs";

const {
  EPOCHS = "10",
  ACTIVATION = "relu",
  INITIALIZER = "heUniform",
  RATE = "6e-3",
  UNTIED_RATE = "4e-3",
  SCHEDULE = "cosine",
  PYTHON = "python3",
} = process.env;
const epochs = Number(EPOCHS);
const { train, test } = loadMnist();
const model = await TiedAutoencoder.create({
  layers: [WIDTH, 400, 20],
  activation: ACTIVATION,
  outputActivation: "sigmoid",
  loss: "bce",
  code: { type: "gaussian", beta: 1 },
  initializer: INITIALIZER,
  optimizer: { type: "adam", learningRate: Number(RATE) },
});

/** Mean negative ELBO of images in nats, with one random code for each. */
function nats(x) {
  const values = model.negativeElbo(x, { samples: 1, seed: 1 });
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const start = performance.now();
await model.fit(train.x, {
  epochs,
  batchSize: 128,
  ...(SCHEDULE === "cosine" && { schedule: { type: "cosine", per: "epoch", tMax: epochs } }),
  onEpoch({ epoch, loss }) {
    if (epoch % 5 !== 4 && epoch + 1 !== epochs) return;
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    const [on, off] = [(loss * WIDTH).toFixed(2), nats(test.x).toFixed(2)];
    console.log(
      `tied, epoch ${epoch + 1}: ${on} nats in training, ${off} on test images, ${seconds} s`,
    );
  },
});
model.dispose();

if (process.env.SKIP_TORCH) process.exit(0);
const script = fileURLToPath(new URL("variational.py", import.meta.url));
const args = [script, folder, EPOCHS, ACTIVATION, UNTIED_RATE, SCHEDULE];
const { status, stdout, stderr } = spawnSync(PYTHON, args, { encoding: "utf8" });
if (status === 0) console.log(stdout.trim());
else console.log(`untied: skipped, ${PYTHON} cannot: ${stderr.trim().split("\n").at(-1)}`);
