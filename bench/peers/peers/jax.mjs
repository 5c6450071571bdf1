// jax-js: forward, backward and Adam in one jit-compiled function, with its WebAssembly backend. Every use of an array except
// the last needs `.ref`, because passing an array transfers its ownership.

import { readFileSync } from "node:fs";
import { timed } from "../session.mjs";
import { adam } from "../workloads.mjs";

export async function open() {
  const jax = await import("@jax-js/jax");
  // It starts threads if it finds a global Worker. Node has none, but other peers define one.
  Object.defineProperty(globalThis, "Worker", { get: () => undefined, set() {} });
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  const manifest = new URL("../node_modules/@jax-js/jax/package.json", import.meta.url);
  return [
    {
      name: "jax-js wasm",
      version: JSON.parse(readFileSync(manifest, "utf8")).version,
      does: ["train", "encode"],
      start: (workload, weights, ring) => timed(session(jax, workload, weights), ring),
    },
  ];
}

function session({ jit, nn, numpy: np, tree, valueAndGrad }, { layers }, weights) {
  const depth = layers.length - 1;
  const width = layers[0];
  const matrix = (rows) => np.array(rows).reshape([rows.length / width, width]);

  function encoder(parameters, x) {
    let h = x;
    for (let i = 0; i < depth; i++) {
      const product = np.matmul(h, parameters[`encoder.${i}.weight`].ref.transpose());
      h = nn.relu(product.add(parameters[`encoder.${i}.bias`].ref));
    }
    return h;
  }

  function meanSquaredError(parameters, x) {
    let h = encoder(parameters, x.ref);
    for (let i = depth - 1; i >= 0; i--) {
      const product = np.matmul(h, parameters[`encoder.${i}.weight`].ref);
      const sum = product.add(parameters[`decoder.${i}.bias`].ref);
      h = i > 0 ? nn.relu(sum) : sum;
    }
    tree.dispose(parameters);
    // Sums rows first: one float32 sum over 800,000 elements loses the third digit of the mean.
    return np.mean(np.mean(np.square(h.sub(x)), 1));
  }

  const { learningRate, beta1, beta2, epsilon } = adam;

  /** power1 and power2 are beta1 and beta2 to the number of the step. */
  const step = jit(({ parameters, mean, square, power1, power2 }, x) => {
    const [loss, gradients] = valueAndGrad(meanSquaredError)(tree.ref(parameters), x);
    power1 = power1.mul(beta1);
    power2 = power2.mul(beta2);
    const rate = np.array(learningRate).div(np.array(1).sub(power1.ref));
    const correction = np.sqrt(np.array(1).sub(power2.ref));
    const next = { parameters: {}, mean: {}, square: {}, power1, power2 };
    for (const name of Object.keys(parameters)) {
      const g = gradients[name];
      const m = mean[name].mul(beta1).add(g.ref.mul(1 - beta1));
      const v = square[name].mul(beta2).add(np.square(g).mul(1 - beta2));
      const scale = np.sqrt(v.ref).div(correction.ref).add(epsilon);
      next.parameters[name] = parameters[name].sub(m.ref.mul(rate.ref).div(scale));
      next.mean[name] = m;
      next.square[name] = v;
    }
    rate.dispose();
    correction.dispose();
    return [next, loss];
  });
  const encode = jit((parameters, x) => {
    const code = encoder(parameters, x);
    tree.dispose(parameters);
    return code;
  });

  const each = (make) =>
    Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [name, make(tensor)]));
  let state = {
    parameters: each(({ shape, data }) => np.array(data).reshape(shape)),
    mean: each(({ shape }) => np.zeros(shape)),
    square: each(({ shape }) => np.zeros(shape)),
    power1: np.array(1),
    power2: np.array(1),
  };
  let loss = np.array(0);
  const kept = [];

  return {
    load(rows) {
      const batch = matrix(rows);
      kept.push(batch);
      return batch;
    },
    step(batch) {
      loss.dispose();
      [state, loss] = step(state, batch.ref);
    },
    async loss() {
      await Promise.all(tree.leaves(state).map((array) => array.blockUntilReady()));
      return loss.ref.dataSync()[0];
    },
    encode: (rows) => encode(tree.ref(state.parameters), matrix(rows)).dataSync(),
    weights: () =>
      Object.fromEntries(
        Object.entries(state.parameters).map(([name, array]) => [
          name,
          { shape: array.shape, data: array.ref.dataSync() },
        ]),
      ),
    dispose() {
      for (const array of [...kept, ...tree.leaves(state), loss]) array.dispose();
      step.dispose();
      encode.dispose();
    },
  };
}
