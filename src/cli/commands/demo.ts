// `demo`: learns handwritten digits and shows the progress. The digits are part of the package.

import { readFileSync } from "node:fs";
import { draw, sideBySide } from "../../../examples/support/draw.mjs";
import { loadDigits } from "../../../examples/support/optdigits.mjs";
import { TiedAutoencoder } from "../../index.ts";
import type { Arguments, Command } from "../arguments.ts";
import { emit, print } from "../console.ts";
import { bar } from "../report.ts";

export const demo: Command = {
  name: "demo",
  operands: [],
  summary: "Learn handwritten digits and draw them in the terminal.",
  description:
    "Trains on 1,437 of the 1,797 digits that come with the package and draws four of the others, with what comes back of them through a code of half as many numbers.",
  options: {
    code: { value: "N", kind: "whole", least: 1, help: "units of the code", default: "32" },
    epochs: {
      short: "e",
      value: "N",
      kind: "whole",
      least: 1,
      help: "passes over the digits",
      default: "50",
    },
  },
  examples: [
    ["a code of 32 numbers", "tied-autoencoder demo"],
    ["what is left of a digit in 8 numbers", "tied-autoencoder demo --code 8 --epochs 200"],
  ],
  run,
};

const SHOWN = 4;
const FRAME = 80; // milliseconds that each picture is visible, at least

async function run(args: Arguments): Promise<void> {
  const code = args.number("code") ?? 32;
  const epochs = args.number("epochs") ?? 50;
  const file = readFileSync(new URL("./optdigits.csv.gz", import.meta.url));
  const { gunzipSync } = await import("node:zlib");
  const { train, validation, width } = loadDigits(gunzipSync(file).toString());
  const model = await TiedAutoencoder.create({ layers: [width, code], seed: 1 });
  const pca = await TiedAutoencoder.create({ layers: [width, code], activation: "linear" });
  await pca.initializeFrom(train, { method: "pca" });

  const shown = validation.subarray(0, SHOWN * width);
  const { stdout, env } = process;
  const live = stdout.isTTY && env.TERM !== "dumb";
  const say = (text: string) => print(`${text}\n`);
  const picture = (pixels: Float32Array) => sideBySide(draw(pixels, width));
  await say(`Digits that it never sees\n\n${picture(shown)}\n`);
  await say(`What comes back of their ${width} pixels through ${code} numbers\n`);

  let last = 0;
  let drawn = 0;
  const frame = (epoch: number, valLoss: number) => {
    const status = `epoch ${epoch}/${epochs}  ${bar(epoch / epochs, 24)}  error ${valLoss.toFixed(4)}`;
    const text = `${picture(model.reconstruct(shown))}\n\n${status}`;
    const lines = text.split("\n");
    // Overwrite the last picture, and clear the rest of each line.
    if (drawn > 0) emit(`\x1b[${drawn}A\r`);
    emit(lines.map((line) => `${line}\x1b[K\n`).join(""));
    drawn = lines.length;
  };
  if (live) frame(0, model.evaluate(validation));
  await model.fit(train, {
    epochs,
    validationData: validation,
    async onEpoch({ epoch, valLoss = Number.NaN }) {
      const wait = FRAME - (performance.now() - last);
      if (!live) return;
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      frame(epoch + 1, valLoss);
      last = performance.now();
    },
  });
  if (!live) await say(picture(model.reconstruct(shown)));
  await say(
    `\nmean squared error a pixel, on the ${validation.length / width} digits it did not see`,
  );
  await say(`  this model  ${model.evaluate(validation).toFixed(4)}`);
  await say(`  PCA         ${pca.evaluate(validation).toFixed(4)}  (the floor of any linear code)`);
}
