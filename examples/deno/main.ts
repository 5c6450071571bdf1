// Finds the odd hours in a day of measurements. Run it with: deno task start

import { TiedAutoencoder } from "tied-autoencoder";

const HOURS = 24;

/** Load, temperature, latency and errors of a service over one day, in step with the hour. */
function day(shift: number): number[][] {
  return Array.from({ length: HOURS }, (_, hour) => {
    const load = Math.sin(((hour - 6) / HOURS) * 2 * Math.PI) + shift;
    return [load, 0.8 * load + 0.1, 0.5 * load * load, 0.1 * load];
  });
}

const usual = [-0.1, -0.05, 0, 0.05, 0.1].flatMap(day);
const model = await TiedAutoencoder.create({
  layers: [4, 16, 2],
  activation: "tanh",
  optimizer: { type: "adam", learningRate: 0.01 },
});
const { history } = await model.fit(usual, { epochs: 300, batchSize: 24 });
console.log(`loss ${history.loss.at(0)?.toFixed(4)} -> ${history.loss.at(-1)?.toFixed(6)}`);

const today = day(0.02);
today[14] = [0.9, -0.5, 0.4, 0.9]; // the cooling failed
const scores = model.reconstructionErrors(today);
const oddest = scores.indexOf(Math.max(...scores));
console.log(`the oddest hour of today is ${oddest}:00`);
model.dispose();
