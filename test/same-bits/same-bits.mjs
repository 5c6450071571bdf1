// Weights after training, baseline build, as SHA-256: must equal what version 0.1.0 (38e0ee1) gave, whatever the structure of the code. usage: node same-bits.mjs [--write FILE] FILE
import { createHash } from "node:crypto";
import fs from "node:fs";
import { TiedAutoencoder } from "tied-autoencoder";

const data = (rows, width, seed) => {
  let s = seed >>> 0;
  return Float32Array.from({ length: rows * width }, () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return (s >>> 8) / 2 ** 24;
  });
};
const cases = {
  plain: [{ layers: [33, 17] }, { epochs: 3, batchSize: 16 }],
  deep: [
    {
      layers: [40, 24, 7],
      activation: "gelu",
      optimizer: { type: "adamw", learningRate: 3e-3, clipNorm: 1 },
      dropout: 0.2,
      l2: 1e-4,
    },
    { epochs: 3, batchSize: 20, corruption: { type: "gaussian", std: 0.1 } },
  ],
  bce: [
    {
      layers: [30, 12, 3],
      activation: "tanh",
      outputActivation: "sigmoid",
      loss: "bce",
      optimizer: { type: "rmsprop", centered: true, momentum: 0.5, learningRate: 1e-3 },
    },
    { epochs: 3, batchSize: 8, schedule: { type: "cosine", tMax: 3, per: "epoch" } },
  ],
  gram: [
    {
      layers: [96, 16],
      gradient: "gram",
      optimizer: { type: "sgd", learningRate: 0.05, momentum: 0.9, nesterov: true },
    },
    { epochs: 2, batchSize: 64 },
  ],
  auto: [
    { layers: [160, 24, 6], activation: "elu" },
    { epochs: 3, batchSize: 128 },
  ],
  huber: [
    {
      layers: [21, 9],
      activation: { type: "leakyRelu", slope: 0.1 },
      loss: { type: "huber", delta: 0.3 },
      optimizer: { type: "adagrad", learningRate: 0.02 },
      initializer: "orthogonal",
    },
    { epochs: 3, batchSize: 7, microBatches: 2 },
  ],
  scaled: [
    { layers: [18, 6], activation: "silu", scaler: "standard", missing: "mask" },
    { epochs: 3, batchSize: 32, validationSplit: 0.2 },
  ],
};
const out = {};
for (const [name, [config, options]] of Object.entries(cases))
  for (const threads of [1, 2]) {
    const m = await TiedAutoencoder.create({ seed: 5, simd: "baseline", threads, ...config });
    const x = data(300, config.layers[0], 7);
    if (name === "scaled") for (let i = 5; i < x.length; i += 41) x[i] = NaN;
    await m.fit(x, options);
    const h = createHash("sha256");
    for (const [k, t] of Object.entries(m.weights()).sort(([a], [b]) => (a < b ? -1 : 1)))
      h.update(k).update(Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength));
    h.update(Buffer.from(m.reconstruct(x).buffer)).update(Buffer.from(m.encode(x).buffer));
    out[`${name}/${threads}`] = h.digest("hex").slice(0, 24);
    m.dispose();
  }
const [a, b] = process.argv.slice(2);
if (a === "--write") {
  fs.writeFileSync(b, `${JSON.stringify(out, null, 2)}\n`);
  console.log("written");
  process.exit(0);
}
const want = JSON.parse(fs.readFileSync(a, "utf8"));
const bad = Object.keys(want).filter((k) => want[k] !== out[k]);
console.log(
  `${Object.keys(want).length - bad.length} of ${Object.keys(want).length} runs bit-identical to ${a}${bad.length ? `; other: ${bad.join(" ")}` : ""}`,
);
process.exit(bad.length ? 1 : 0);
