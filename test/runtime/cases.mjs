// The cases that must pass on every host, with the installed package. They run on any host with
// ES modules and need neither Node nor a page. `run` gets the package's namespaces and
// returns one record per case. hosts.mjs starts it on all hosts and prints the records.

import { EXPECTED } from "./expected.mjs";
import { sha256 } from "./sha256.mjs";

const LAYERS = [8, 5, 3];

/** Numbers in [-1, 1) from integers alone, so that they are the same on every engine. */
export function numbers(count, seed = 1) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 23 - 1;
  });
}

export const OPTIMIZERS = {
  sgd: { type: "sgd", learningRate: 0.05, momentum: 0.9, nesterov: true, weightDecay: 1e-4 },
  adam: { type: "adam", learningRate: 0.01, clipNorm: 0.5 },
  adamw: { type: "adamw", learningRate: 0.01, weightDecay: 0.02 },
  rmsprop: { type: "rmsprop", learningRate: 0.005, momentum: 0.5, centered: true },
  adagrad: { type: "adagrad", learningRate: 0.05, weightDecay: 1e-3 },
};

function check(condition, message) {
  if (!condition) throw new Error(message);
}

async function throws(pattern, call) {
  try {
    await call();
  } catch (error) {
    check(pattern.test(`${error.name}: ${error.message}`), `threw ${error.name}: ${error.message}`);
    return;
  }
  throw new Error(`threw nothing where ${pattern} was expected`);
}

const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const same = (a, b) => a.length === b.length && a.every((value, i) => Object.is(value, b[i]));

/** The digest of all weights, in the order of their names. */
export function digest(weights) {
  const parts = Object.values(weights).map(({ data }) => bytesOf(data));
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return sha256(all);
}

/** All weights' digest after 200 steps of an optimizer with the build that is the same everywhere. */
export async function trainedDigest({ TiedAutoencoder }, optimizer, runtime = {}) {
  const model = await TiedAutoencoder.create({
    layers: LAYERS,
    activation: "gelu",
    outputActivation: "tanh",
    loss: { type: "huber", delta: 0.5 },
    dropout: 0.1,
    l2: 1e-4,
    optimizer: OPTIMIZERS[optimizer],
    simd: "baseline",
    ...runtime,
  });
  const x = numbers(64 * LAYERS[0]);
  await model.fit(x, { epochs: 50, batchSize: 16 });
  check(model.stepCount === 200, `took ${model.stepCount} steps`);
  const found = digest(await model.weights());
  model.dispose();
  return found;
}

/** Cases over the main entry's names; `main` is its namespace. */
function mainCases(main) {
  const { TiedAutoencoder } = main;
  const x = numbers(40 * LAYERS[0]);
  return {
    "create and encode": async () => {
      const model = await TiedAutoencoder.create({ layers: LAYERS });
      check(model.encode(x).length === 40 * 3, "a code of the wrong length");
      check(same(model.reconstruct(x), model.decode(model.encode(x))), "not decode(encode(x))");
      model.dispose();
    },
    "createSync where the host compiles so": async () => {
      const model = TiedAutoencoder.createSync({ layers: LAYERS });
      check(model.encode(x).length === 40 * 3, "a code of the wrong length");
      model.dispose();
    },
    "train to a known loss": async () => {
      // One hidden unit is enough for rows that are multiples of one row.
      const rows = Array.from({ length: 64 }, (_, i) =>
        [1, 2, 3, 4].map((k) => (k * (i - 32)) / 64),
      );
      const model = await TiedAutoencoder.create({
        layers: [4, 1],
        activation: "linear",
        optimizer: { type: "adam", learningRate: 0.02 },
      });
      const { history } = await model.fit(rows, { epochs: 200 });
      check(history.loss.at(-1) < 1e-4, `the loss is ${history.loss.at(-1)}`);
      model.dispose();
    },
    "save, load and continue training": async () => {
      const model = await TiedAutoencoder.create({ layers: LAYERS, simd: "baseline" });
      for (let i = 0; i < 5; i++) model.trainOnBatch(x);
      const copy = await TiedAutoencoder.load(model.save({ optimizer: true }), {
        simd: "baseline",
      });
      for (const each of [model, copy]) each.trainOnBatch(x);
      check(same(model.encode(x), copy.encode(x)), "the copy has other codes");
      check(copy.stepCount === 6, `the copy counts ${copy.stepCount} steps`);
    },
    "fit reports, ends and aborts": async () => {
      const model = await TiedAutoencoder.create({ layers: LAYERS });
      let epochs = 0;
      await model.fit(x, { epochs: 9, onEpoch: () => ++epochs < 2 });
      check(epochs === 2, `${epochs} epochs`);
      const controller = new AbortController();
      controller.abort(new Error("enough"));
      await throws(/enough/, () => model.fit(x, { signal: controller.signal }));
    },
    "parts that are loaded on demand work": async () => {
      const model = await TiedAutoencoder.create({
        layers: LAYERS,
        scaler: "standard",
        initializer: "orthogonal",
      });
      await model.initializeFrom(x, { method: "pca" });
      const { history } = await model.fit(x, {
        epochs: 3,
        batchSize: 10,
        corruption: { type: "masking", rate: 0.1 },
        schedule: { type: "exponential", gamma: 0.5, per: "epoch" },
        earlyStopping: { monitor: "loss", patience: 9, restoreBest: true },
      });
      check(history.loss.length === 3, `${history.loss.length} epochs`);
      check(model.learningRate === 2.5e-4, `the rate is ${model.learningRate}`);
      check(model.toOnnx().length > 0 && model.summary().length > 0, "no ONNX file or no summary");
      await throws(/schedule.type must be/, () => model.fit(x, { schedule: { type: "up" } }));
    },
    "bad input is refused with clear messages": async () => {
      await throws(/InvalidTypeError.*layers must be an array/, () => TiedAutoencoder.create({}));
      const model = await TiedAutoencoder.create({ layers: LAYERS });
      await throws(/RangeError|InvalidValueError.*Row 0 of x must hold 8/, () =>
        model.encode([[1]]),
      );
      const bad = x.slice();
      bad[17] = Number.NaN;
      await throws(/Row 2, column 1 of x is NaN/, () => model.trainOnBatch(bad));
      await throws(/FormatError|Error/, () => TiedAutoencoder.load(new Uint8Array(9)));
      await throws(/InvalidValueError.*missing file/, () =>
        TiedAutoencoder.create({ layers: LAYERS, wasm: new Uint8Array([60, 104, 116, 109, 108]) }),
      );
    },
    "two threads, or one thread and a warning, give the same bits": async () => {
      const data = numbers(512 * 128);
      const digests = [];
      for (const threads of [1, 2]) {
        const warnings = [];
        const onWarning = (warning) => warnings.push(warning);
        const options = { layers: [128, 96], simd: "baseline", threads, onWarning };
        const model = await TiedAutoencoder.create(options);
        for (let i = 0; i < 5; i++) model.trainOnBatch(data);
        digests.push(digest(model.weights()));
        const heard = warnings.map(({ name }) => name).join();
        check(model.threads === threads || heard === "ThreadsUnavailableWarning", `heard ${heard}`);
        model.dispose();
      }
      check(digests[0] === digests[1], "two threads gave other weights");
    },
    "calls after dispose are refused": async () => {
      const model = await TiedAutoencoder.create({ layers: LAYERS });
      const key = Symbol.dispose ?? Symbol.for("Symbol.dispose");
      model[key]();
      check(!("undefined" in model), 'there is a method called "undefined"');
      await throws(/DisposedError/, () => model.encode(x));
    },
    ...Object.fromEntries(
      Object.keys(OPTIMIZERS).map((name) => [
        `the same bits after 200 steps of ${name}`,
        async () => {
          const found = await trainedDigest(main, name);
          check(found === EXPECTED[name], `SHA-256 ${found}`);
        },
      ]),
    ),
  };
}

/** The digest of the scores of a small detector of numbers and words, with the build that is the same everywhere. */
export async function detectorDigest({ AnomalyDetector }) {
  const values = numbers(360, 7);
  const rows = Array.from({ length: 120 }, (_, i) => {
    const [a, b, c] = values.subarray(3 * i, 3 * i + 3);
    return { a, b: a + 0.1 * b, word: c < 0 ? "low" : "high", c: c + 0.1 * b };
  });
  const model = { models: 2, hidden: [8, 4], steps: 60 };
  const detector = await AnomalyDetector.fit(rows, { model, simd: "baseline" });
  const loaded = await AnomalyDetector.load(detector.save(), { simd: "baseline" });
  const odd = { a: 0.5, b: -3, word: "low", c: -0.5 };
  const [[reason], scores] = [loaded.explain([odd])[0], loaded.score([...rows, odd])];
  check(reason.column === "b" && reason.sign === -1, `the reason is ${JSON.stringify(reason)}`);
  check(loaded.detect([rows[0], odd], { alpha: 0.02 }).flagged.join() === "0,1", "flags");
  await loaded.update(rows.slice(0, 20));
  const after = loaded.score(rows);
  loaded.dispose();
  detector.dispose();
  return sha256(bytesOf(Float64Array.of(...scores, ...after)));
}

/** Cases over tied-autoencoder/detect. */
function detectorCases(detect) {
  return {
    "a detector is fitted, saved, loaded and updated with the same bits": async () => {
      const found = await detectorDigest(detect);
      check(found === EXPECTED.detector, `SHA-256 ${found}`);
    },
  };
}

/** Cases over tied-autoencoder/kernels. */
function kernelCases({ createKernels }) {
  return {
    "kernels multiply and free": async () => {
      const kernels = await createKernels();
      const a = kernels.matrix(2, 3, [1, 2, 3, 4, 5, 6]);
      const c = kernels.gemm(a, a, undefined, { transB: true });
      check(same(c.toArray(), [14, 32, 32, 77]), `the product is ${c.toArray()}`);
      kernels.dispose();
      await throws(/DisposedError/, () => kernels.matrix(1, 1));
    },
  };
}

/**
 * Cases over tied-autoencoder/worker. Where the host has no workers or forbids those made of text,
 * `refused`, the error must say what to do; `createWorker` is then what it says.
 */
function workerCases(worker, { refused, createWorker }) {
  const { TiedAutoencoder } = worker;
  const trains = (options) => async () => {
    const own = { create: (config) => TiedAutoencoder.create(config, options) };
    const found = await trainedDigest({ TiedAutoencoder: own }, "adam");
    check(found === EXPECTED.adam, `SHA-256 ${found}`);
  };
  const cases = {};
  if (refused) {
    cases["a refused worker is an error that names the remedy"] = () =>
      throws(/UnsupportedHostError.*worker-src blob:.*createWorker/, () =>
        TiedAutoencoder.create({ layers: LAYERS }),
      );
  } else cases["a model in a worker comes to the same bits"] = trains({});
  if (createWorker) {
    cases["a model in a worker of the page trains too"] = trains({ createWorker });
  }
  return cases;
}

/** Runs every case; a record is { name, ok, message }. */
export async function run({ main, kernels, detect, worker, workers = {} }) {
  const cases = {
    ...mainCases(main),
    ...(kernels && kernelCases(kernels)),
    ...(detect && detectorCases(detect)),
    ...(worker && workerCases(worker, workers)),
  };
  const records = [];
  for (const [name, body] of Object.entries(cases)) {
    try {
      await body();
      records.push({ name, ok: true });
    } catch (error) {
      records.push({ name, ok: false, message: `${error?.message ?? error}` });
    }
  }
  return records;
}
