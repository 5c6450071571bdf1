// TensorFlow.js with its WebAssembly backend, one thread. Its optimizer tidies the step. The remaining loss is disposed of at
// the next step.

import { timed } from "../session.mjs";
import { adam } from "../workloads.mjs";

export async function open() {
  const tf = (await import("@tensorflow/tfjs")).default;
  const { setThreadsCount, getThreadsCount } = (await import("@tensorflow/tfjs-backend-wasm"))
    .default;
  tf.enableProdMode();
  setThreadsCount(1);
  await tf.setBackend("wasm");
  await tf.ready();
  if (tf.getBackend() !== "wasm") throw new Error(`tfjs chose the backend ${tf.getBackend()}.`);
  if (getThreadsCount() !== 1) throw new Error(`tfjs runs ${getThreadsCount()} threads.`);
  return [
    {
      name: "tfjs wasm",
      version: tf.version.tfjs,
      does: ["train", "encode"],
      start: (workload, weights, ring) => timed(session(tf, workload, weights), ring),
    },
  ];
}

function session(tf, { layers }, weights) {
  const depth = layers.length - 1;
  const matrix = (rows) => tf.tensor2d(rows, [rows.length / layers[0], layers[0]]);
  const variables = Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [
      name,
      tf.tidy(() => tf.variable(tf.tensor(data, shape))),
    ]),
  );
  const { learningRate, beta1, beta2, epsilon } = adam;
  const optimizer = tf.train.adam(learningRate, beta1, beta2, epsilon);

  function encoder(x) {
    let h = x;
    for (let i = 0; i < depth; i++) {
      const product = tf.matMul(h, variables[`encoder.${i}.weight`], false, true);
      h = tf.relu(tf.add(product, variables[`encoder.${i}.bias`]));
    }
    return h;
  }

  function meanSquaredError(x) {
    let h = encoder(x);
    for (let i = depth - 1; i >= 0; i--) {
      const product = tf.matMul(h, variables[`encoder.${i}.weight`]);
      const sum = tf.add(product, variables[`decoder.${i}.bias`]);
      h = i > 0 ? tf.relu(sum) : sum;
    }
    // Sums rows first: one float32 sum over 800,000 elements loses the third digit of the mean.
    return tf.mean(tf.mean(tf.squaredDifference(h, x), 1));
  }

  let loss = tf.scalar(0);
  const kept = [];

  return {
    load(rows) {
      const batch = matrix(rows);
      kept.push(batch);
      return batch;
    },
    step(batch) {
      loss.dispose();
      loss = optimizer.minimize(() => meanSquaredError(batch), true, Object.values(variables));
    },
    loss: () => loss.dataSync()[0],
    encode: (rows) => tf.tidy(() => encoder(matrix(rows)).dataSync()),
    weights: () =>
      Object.fromEntries(
        Object.entries(variables).map(([name, variable]) => [
          name,
          { shape: variable.shape, data: variable.dataSync() },
        ]),
      ),
    dispose() {
      for (const tensor of [...kept, ...Object.values(variables), loss]) tensor.dispose();
      optimizer.dispose();
    },
  };
}
