// The inputs of all peers: the autoencoders, their seeded starting weights, and a ring of batches. Batches change from step
// to step, because with a single batch Adam's moments would become denormal numbers, which are slow on some processors and do
// not occur in real training.

import { seeded } from "../support/random.mjs";

const SMALLEST_RING = 8;
const LARGEST_RING = 512;
const RING_ROWS = 4096;

/**
 * Units from the input to the code; relu everywhere except for the linear output, MSE, Adam 1e-3. With `topK` the code
 * keeps that many units of a row. `only` are the numbers of rows that are measured: there, the plain loops in double precision
 * that check the peers take seconds.
 */
export const workloads = [
  { id: "W1", layers: [784, 128] },
  { id: "W2", layers: [784, 256, 64] },
  { id: "W3", layers: [784, 6144], topK: 32, only: [256] },
];

export const adam = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** Starting weights by the names of the package, drawn as PyTorch's nn.Linear draws them. */
export function startingWeights({ layers }) {
  const random = seeded(7);
  const draw = (shape, fanIn) => {
    const bound = 1 / Math.sqrt(fanIn);
    const size = shape.reduce((product, extent) => product * extent, 1);
    return { shape, data: Float32Array.from({ length: size }, () => (2 * random() - 1) * bound) };
  };
  const weights = {};
  for (let i = 0; i + 1 < layers.length; i++) {
    const [inputs, outputs] = [layers[i], layers[i + 1]];
    weights[`encoder.${i}.weight`] = draw([outputs, inputs], inputs);
    weights[`encoder.${i}.bias`] = draw([outputs], inputs);
    weights[`decoder.${i}.bias`] = draw([inputs], outputs);
  }
  return weights;
}

/** The number of batches of `rows` rows in the ring. */
export function ringLength(rows) {
  return Math.min(LARGEST_RING, Math.max(SMALLEST_RING, Math.ceil(RING_ROWS / rows)));
}

/** The ring: consecutive views of the images. */
export function ringOf(images, rows) {
  const stride = rows * 784;
  return Array.from({ length: ringLength(rows) }, (_, i) =>
    images.subarray(i * stride, (i + 1) * stride),
  );
}
