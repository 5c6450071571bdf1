// A deep model of sigmoid units from a random start and from layer-wise pretraining: the loss on digits it never saw.
//
//   node examples/families/deep-start.mjs [FOLDER [EPOCHS]]

import { TiedAutoencoder } from "tied-autoencoder";
import { digits } from "tied-autoencoder/digits";
import { drawLoss } from "tied-autoencoder/view";
import { writePictures } from "../support/page.mjs";

const [folder = "pictures", epochs = "40"] = process.argv.slice(2);
const { data, width } = digits();
const pixels = width * width;
const split = Math.round((0.8 * data.length) / pixels) * pixels;
const [train, held] = [data.subarray(0, split), data.subarray(split)];

const losses = {};
for (const start of ["random", "layerwise"]) {
  const model = await TiedAutoencoder.create({
    layers: [pixels, 40, 20, 8],
    activation: "sigmoid",
    outputActivation: "sigmoid",
    loss: "bce",
    optimizer: { type: "adam", learningRate: 3e-3 },
    seed: 4,
  });
  if (start === "layerwise") {
    await model.initializeFrom(train, { method: "layerwise", epochs: Math.ceil(epochs / 4) });
  }
  losses[start] = [model.evaluate(held)];
  const { history } = await model.fit(train, { epochs: Number(epochs), validationData: held });
  losses[start].push(...history.valLoss);
  console.log(
    `${start}: ${losses[start][0].toFixed(4)} at the start, ${losses[start].at(-1).toFixed(4)} at the end`,
  );
  model.dispose();
}
writePictures(folder, "deep-start", "A deep model, from two starts", [
  {
    name: "deep",
    says: "The loss on digits that training did not see, from a random start and after pretraining.",
    svg: drawLoss({ series: losses }, { unit: "epoch" }),
  },
]);
