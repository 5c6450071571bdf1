// This package, from dist/, with its defaults and one thread. A batch is an ordinary Float32Array. The time includes its copy
// into the linear memory. The other peers store batches in their own form before the timing.

import { readFileSync } from "node:fs";
import { timed } from "../session.mjs";
import { adam } from "../workloads.mjs";

const root = new URL("../../../", import.meta.url);

export async function open() {
  const { TiedAutoencoder } = await import(new URL("dist/index.js", root)).catch((error) => {
    throw new Error(`${error.message}: run npm run build`);
  });
  const { createKernels } = await import(new URL("dist/kernels.js", root));
  const { name, version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  const kernels = await createKernels();
  const { build } = kernels;
  kernels.dispose();
  return [
    {
      name,
      version: `${version}, ${build} build`,
      does: ["train", "encode"],
      takesTopK: true,
      async start(workload, weights, ring) {
        const model = await createModel(TiedAutoencoder, workload, weights);
        let loss = Number.NaN;
        const session = {
          load: (rows) => rows,
          step(batch) {
            loss = model.trainOnBatch(batch);
          },
          loss: () => loss,
          encode: (rows) => model.encode(rows),
          weights: () => model.weights(),
          dispose: () => model.dispose(),
        };
        return timed(session, ring);
      },
    },
  ];
}

/** The workload's model with the given weights. */
export async function createModel(TiedAutoencoder, { layers, topK }, weights) {
  const model = await TiedAutoencoder.create({
    layers,
    optimizer: { type: "adam", ...adam },
    ...(topK && { code: { type: "topK", k: topK } }),
  });
  model.setWeights(weights);
  return model;
}
