// Digits from parts: with weights of at least 0, a reconstruction can only add features, so features become strokes. The same
// model without the constraint is trained for comparison.
//
//   node examples/families/parts.mjs [FOLDER [EPOCHS]]

import { TiedAutoencoder } from "tied-autoencoder";
import { digits } from "tied-autoencoder/digits";
import { drawFilters } from "tied-autoencoder/view";
import { writePictures } from "../support/page.mjs";

const [folder = "pictures", epochs = "60"] = process.argv.slice(2);
const UNITS = 16;
const { data, width } = digits();
const pixels = width * width;

const pictures = [];
for (const constraint of ["nonNegative", undefined]) {
  const model = await TiedAutoencoder.create({
    layers: [pixels, UNITS],
    decoderBias: false, // what is left is a sum of parts alone
    ...(constraint && { constraint }),
    seed: 2,
  });
  await model.fit(data, { epochs: Number(epochs), batchSize: 32 });
  const weight = model.weights()["encoder.0.weight"].data;
  const name = constraint ?? "free";
  // The share of a feature in its largest quarter of pixels: 1/4 if all pixels are equal.
  let share = 0;
  for (let unit = 0; unit < UNITS; unit++) {
    const sizes = [...weight.subarray(unit * pixels, (unit + 1) * pixels)]
      .map((value) => value * value)
      .sort((a, b) => b - a);
    const sum = (list) => list.reduce((total, value) => total + value, 0);
    share += sum(sizes.slice(0, pixels / 4)) / (sum(sizes) || 1) / UNITS;
  }
  const error = model.evaluate(data);
  console.log(
    `${name}: mean squared error ${error.toFixed(4)} a pixel; a quarter of the pixels holds ${(100 * share).toFixed(0)} % of a feature`,
  );
  pictures.push({
    name: constraint ? "parts" : "parts-free",
    says: constraint ? "Weights of at least 0: strokes." : "The same model without a constraint.",
    svg: drawFilters(weight, { width, perRow: 8, scale: 6, each: true, signs: false }),
  });
  model.dispose();
}
writePictures(folder, "parts-of-digits", "Digits from parts", pictures);
