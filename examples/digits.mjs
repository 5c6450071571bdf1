// Trains a tied autoencoder on handwritten digits and shows the result: the loss of each epoch, the error on unseen digits
// compared with that of PCA with a code of the same size, and a few reconstructions.

import { TiedAutoencoder } from "tied-autoencoder";
import { draw, sideBySide } from "./support/draw.mjs";
import { loadDigits } from "./support/optdigits.mjs";

const CODE = 32;
const EPOCHS = 50;

const { train, validation, width } = loadDigits();
console.log(
  `${train.length / width} digits to learn from, ${validation.length / width} to check on\n`,
);

const model = await TiedAutoencoder.create({ layers: [width, CODE], seed: 1 });
console.log(model.summary(), "\n");

const live = process.stdout.isTTY;
const started = performance.now();
await model.fit(train, {
  epochs: EPOCHS,
  batchSize: 32,
  validationData: validation,
  onEpoch({ epoch, loss, valLoss }) {
    const done = Math.round(((epoch + 1) / EPOCHS) * 30);
    const bar = "━".repeat(done) + "─".repeat(30 - done);
    const line = `epoch ${String(epoch + 1).padStart(2)}/${EPOCHS} ${bar} loss ${loss.toFixed(4)}  validation ${valLoss.toFixed(4)}`;
    if (live) process.stdout.write(`\r${line}`);
    else if ((epoch + 1) % 10 === 0 || epoch === 0) console.log(line);
  },
});
const seconds = (performance.now() - started) / 1000;
if (live) console.log();

const error = model.evaluate(validation);
const pca = await TiedAutoencoder.create({ layers: [width, CODE], activation: "linear" });
await pca.initializeFrom(train, { method: "pca" });
const floor = pca.evaluate(validation);
console.log(`\n${model.stepCount} steps in ${seconds.toFixed(2)} s, ${model.build} build`);
console.log(`mean squared error a pixel, ${width} values through a code of ${CODE}:`);
console.log(`  this model  ${error.toFixed(4)}`);
console.log(`  PCA         ${floor.toFixed(4)}  (the floor of any linear code)\n`);

const shown = validation.subarray(0, 4 * width);
console.log(`digits it never saw\n${sideBySide(draw(shown, width))}`);
console.log(`their reconstructions\n${sideBySide(draw(model.reconstruct(shown), width))}`);
