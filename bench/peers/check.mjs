// Checks every peer before it is timed: its losses, weights and codes must agree with those of plain loops in double
// precision, with the same starting weights and batches.

import { startingWeights } from "./workloads.mjs";

const STEPS = 4;
/** A step of a wide top-k model takes plain loops five seconds. */
const STEPS_OF_SPARSE = 2;
const LOSS_TOLERANCE = 1e-3;
const TENSOR_TOLERANCE = 1e-4;

// The query string makes it a separate module. The engine then compiles the timed loops for float32 only.
const { plain } = await import("./peers/plain.mjs?double");

/** The expected results: the losses of a few steps and the weights after them, or codes. */
export function truth(kind, workload, ring) {
  const model = plain(workload, startingWeights(workload), Float64Array);
  if (kind === "encode") return { code: model.encode(Float64Array.from(ring[0])) };
  const losses = [];
  for (let i = 0; i < (workload.topK ? STEPS_OF_SPARSE : STEPS); i++) {
    model.step(Float64Array.from(ring[i % ring.length]));
    losses.push(model.loss());
  }
  return { losses, weights: model.weights() };
}

/** Throws unless a session that has just started gives the expected results. */
export async function check(session, { code, losses, weights }) {
  if (code) return near("the code", await session.code(), code);
  for (const [step, expected] of losses.entries()) {
    const { loss } = await session.train(1);
    if (!(Math.abs(loss - expected) <= LOSS_TOLERANCE * expected)) {
      throw new Error(`the loss of step ${step + 1} is ${loss}, not ${expected}`);
    }
  }
  const found = await session.weights();
  for (const [name, { data }] of Object.entries(weights)) near(name, found[name].data, data);
}

function near(what, found, expected) {
  if (found.length !== expected.length) {
    throw new Error(`${what} has ${found.length} elements, not ${expected.length}`);
  }
  const distance =
    norm(expected, (value, i) => found[i] - value) / norm(expected, (value) => value);
  if (!(distance <= TENSOR_TOLERANCE)) {
    throw new Error(`${what} is off by ${distance.toExponential(1)} of its norm`);
  }
}

function norm(values, element) {
  return Math.sqrt(values.reduce((sum, value, i) => sum + element(value, i) ** 2, 0));
}
