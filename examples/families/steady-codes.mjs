// Codes that are robust to noise: measures how far small noise on the pixels moves a code, for a plain model, one with
// contraction and one that was trained on noisy digits.
//
//   node examples/families/steady-codes.mjs [FOLDER [EPOCHS]]

import { TiedAutoencoder } from "tied-autoencoder";
import { digits } from "tied-autoencoder/digits";
import { drawLoss } from "tied-autoencoder/view";
import { writePictures } from "../support/page.mjs";

const [folder = "pictures", epochs = "60"] = process.argv.slice(2);
const UNITS = 32;
const { data, width } = digits();
const pixels = width * width;
const NOISE = [0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14, 0.16, 0.18, 0.2];

/** The same noise for every model: nearly normal values, seeded. */
function disturbed(size) {
  let state = 9;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return data.map((value) => value + size * 2 * (random() + random() + random()));
}

const kinds = {
  plain: {},
  contraction: { penalties: [{ type: "contraction", weight: 2e-3 }] },
  denoising: {},
};
const moved = {};
for (const [kind, config] of Object.entries(kinds)) {
  const model = await TiedAutoencoder.create({
    layers: [pixels, UNITS],
    activation: "sigmoid",
    outputActivation: "sigmoid",
    loss: "bce",
    optimizer: { type: "adam", learningRate: 3e-3 },
    seed: 3,
    ...config,
  });
  const corruption = kind === "denoising" ? { corruption: { type: "gaussian", std: 0.3 } } : {};
  await model.fit(data, { epochs: Number(epochs), batchSize: 32, ...corruption });
  const codes = model.encode(data);
  const rows = codes.length / UNITS;
  // Movements are relative to the spread of the codes, because constant codes would not move either.
  const means = Array.from({ length: UNITS }, (_, unit) => {
    let sum = 0;
    for (let i = unit; i < codes.length; i += UNITS) sum += codes[i];
    return sum / rows;
  });
  const spread = Math.sqrt(codes.reduce((sum, v, i) => sum + (v - means[i % UNITS]) ** 2, 0));
  moved[kind] = NOISE.map((size) => {
    const other = model.encode(disturbed(size));
    return Math.sqrt(codes.reduce((sum, v, i) => sum + (v - other[i]) ** 2, 0)) / spread;
  });
  const error = model.reconstructionErrors(data).reduce((sum, e) => sum + e, 0) / rows;
  console.log(
    `${kind}: squared error ${error.toFixed(4)} a pixel; noise of 0.1 moves a code by ${(100 * moved[kind][5]).toFixed(0)} % of the spread`,
  );
  model.dispose();
}
writePictures(folder, "steady-codes", "Codes under noise", [
  {
    name: "contractive",
    says: "How far codes move under noise of 0 to 0.2 a pixel, in parts of their spread.",
    svg: drawLoss(
      { series: moved, at: NOISE.map((size) => 100 * size) },
      { log: false, unit: "noise, % of the pixel range", quantity: "movement" },
    ),
  },
]);
