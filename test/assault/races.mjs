// Events at random moments of training: aborts, dispose, second runs, reads, transferred buffers and terminated workers.
// Plain JavaScript without functions of Node, so that every host can run it on the built package. `races` throws at the
// first wrong result, with the seed of its round.
//
// Every promise must settle, with an expected error or without one. An aborted run can be resumed, and its result is
// bit-identical to that of a run without an abort.

import { detectorRaces } from "./races-detector.mjs";
import { check, generator, outcome, wait } from "./races-support.mjs";

const WIDTH = 12;
const ROWS = 160;
const same = (a, b) =>
  Object.keys(a).every((name) =>
    a[name].data.every((value, i) => Object.is(value, b[name].data[i])),
  );

const rowsOf = (random) => Float32Array.from({ length: ROWS * WIDTH }, () => random() - 0.5);

const CONFIGS = [
  { layers: [WIDTH, 8, 3] },
  { layers: [WIDTH, 6], activation: "linear", optimizer: "sgd" },
  { layers: [WIDTH, 6], scaler: "standard", missing: "mask", dropout: 0.2 },
  { layers: [WIDTH, 10], code: { type: "batchTopK", k: 2 } },
  { layers: [WIDTH, 5], code: { type: "gaussian" } },
];

/** Reads from a model during training, which changes nothing. */
function readSomething(model, random, x) {
  const reads = [
    () => model.encode(x),
    () => model.reconstructionErrors(x),
    () => model.save({ optimizer: true }),
    () => model.evaluate(x),
    () => model.weights(),
    () => model.config.code?.type === "gaussian" && model.negativeElbo(x),
  ];
  reads[Math.floor(random() * reads.length)]();
}

/** A run in this thread that is disturbed. */
async function inThisThread({ TiedAutoencoder }, random) {
  const config = { ...CONFIGS[Math.floor(random() * CONFIGS.length)], simd: "baseline", seed: 3 };
  const data = rowsOf(random);
  const form = Math.floor(random() * 3);
  const options = {
    epochs: 4 + Math.floor(random() * 30),
    batchSize: 8 + Math.floor(random() * 40),
    ...(form === 0
      ? { validationSplit: 0.2, earlyStopping: { patience: 50, restoreBest: true } }
      : {}),
  };
  const whole = await TiedAutoencoder.create(config);
  await whole.fit(data, options);

  const model = await TiedAutoencoder.create(config);
  const given = data.slice();
  const controller = new AbortController();
  const { signal } = controller;
  const stalls = random() < 0.3;
  const callbacks = {
    onEpoch: stalls ? () => wait(random() * 3) : undefined,
    onStep: ({ step }) => {
      if (random() < 0.1) readSomething(model, random, data);
      return step < 0 ? false : undefined;
    },
  };
  const run =
    form === 2
      ? (async () => {
          for await (const _ of model.fitSteps(given, { ...options, ...callbacks, signal }));
        })()
      : model.fit(given, { ...options, ...callbacks, signal });
  const settled = outcome(run, "fit");
  await wait(random() * (stalls ? 60 : 15));

  // The run may have ended already. Then the following calls come too late and must be harmless.
  const deed = ["abort", "dispose", "transfer", "second"][Math.floor(random() * 4)];
  if (deed === "second") {
    const second = await outcome(model.fit(data), "a second fit");
    check(
      !second.error || second.error.name === "InvalidStateError",
      `second fit: ${second.error}`,
    );
    if (!second.error) return; // it had ended
    try {
      model.trainOnBatch(data);
    } catch (error) {
      check(error.name === "InvalidStateError", `trainOnBatch meanwhile: ${error}`);
    }
  }
  if (deed === "transfer") structuredClone(given.buffer, { transfer: [given.buffer] });
  if (deed === "dispose") model.dispose();
  const reason = { why: "enough" };
  if (deed === "abort") controller.abort(reason);
  const { error } = await settled;
  if (deed === "dispose") {
    check(!error || error.name === "DisposedError", `after dispose: ${error}`);
    return;
  }
  if (deed === "abort") check(!error || error === reason, `after an abort: ${error}`);
  if (deed === "second") check(!error, `after a second fit: ${error}`);
  if (deed === "transfer") {
    check(!error || /transferred or shrunk/.test(error.message), `after a transfer: ${error}`);
  }
  // The model can be used again, and the run can be finished.
  if (error) {
    const saved = random() < 0.5 ? model.save({ optimizer: true }) : undefined;
    const again = saved ? await TiedAutoencoder.load(saved, { simd: "baseline" }) : model;
    await again.fit(data, { ...options, resume: true });
    check(same(again.weights(), whole.weights()), `resumed after ${deed}: other bits`);
    again.dispose();
  } else {
    check(same(model.weights(), whole.weights()), `${deed}: other bits`);
  }
  model.dispose();
  whole.dispose();
}

/** A disturbed initialisation from components or layer by layer. */
async function starting({ TiedAutoencoder }, random) {
  const model = await TiedAutoencoder.create({ layers: [WIDTH, 8, 3], simd: "baseline" });
  const controller = new AbortController();
  const method = random() < 0.5 ? { method: "pca" } : { method: "layerwise", epochs: 200 };
  const started = outcome(
    model.initializeFrom(rowsOf(random), { ...method, signal: controller.signal }),
    "initializeFrom",
  );
  await wait(random() * 20);
  const disposes = random() < 0.5;
  if (disposes) model.dispose();
  else controller.abort("enough");
  const { error } = await started;
  const expected = disposes ? error?.name === "DisposedError" : error === "enough";
  check(!error || expected, `initializeFrom: ${error}`);
  if (!disposes) model.trainOnBatch(rowsOf(random));
  model.dispose();
}

/** A stream that never delivers more data. */
async function stalled({ TiedAutoencoder }, random) {
  const model = await TiedAutoencoder.create({ layers: [WIDTH, 3], simd: "baseline" });
  const controller = new AbortController();
  const data = rowsOf(random);
  async function* pieces() {
    const count = Math.floor(random() * 4);
    for (let i = 0; i < count; i++) yield data;
    await new Promise(() => {});
  }
  const run = outcome(
    model.fit(pieces(), { signal: controller.signal }),
    "fit on a stalled stream",
  );
  await wait(random() * 10);
  const disposes = random() < 0.5;
  if (disposes) model.dispose();
  else controller.abort("enough");
  const { error } = await run;
  check(disposes ? error?.name === "DisposedError" : error === "enough", `stalled: ${error}`);
  model.dispose();
}

/** A disturbed model in a worker, whose worker may also be terminated. */
async function inWorker({ worker }, random, makeWorker) {
  let made;
  const createWorker = makeWorker && (() => (made = makeWorker()));
  const config = { ...CONFIGS[Math.floor(random() * CONFIGS.length)], simd: "baseline" };
  const remote = await worker.TiedAutoencoder.create(config, createWorker ? { createWorker } : {});
  const controller = new AbortController();
  const data = rowsOf(random);
  if (config.scaler) await remote.fitScaler(data);
  const options = {
    epochs: 1e6,
    signal: controller.signal,
    // The first epoch may end with a callback that never returns.
    onEpoch: random() < 0.3 ? () => new Promise(() => {}) : undefined,
  };
  const stepByStep = async () => {
    for await (const _ of remote.fitSteps(data, options));
  };
  // Steps begin with a second message. A fit that was called meanwhile comes first.
  const isByStep = random() < 0.3;
  const calls = [
    isByStep ? stepByStep() : remote.fit(data, options),
    remote.encode(data),
    remote.fit(data),
    remote.save(),
  ].map((call, i) => outcome(call, `call ${i} in a worker`));
  await wait(random() * 60);
  const deed = ["abort", "dispose", made ? "end" : "abort"][Math.floor(random() * 3)];
  if (deed === "abort") controller.abort("enough");
  if (deed === "dispose") remote.dispose();
  if (deed === "end") {
    await made.terminate();
    // A page gets no event when a worker is terminated.
    if (!made.on) remote.dispose();
  }
  const [fit, encode, second, save] = await Promise.all(calls);
  const gone = ["DisposedError", "UnsupportedHostError"];
  const fine = (error, ...names) => !error || names.includes(error.name) || error === "enough";
  const late = isByStep ? ["InvalidStateError"] : [];
  check(fit.error && fine(fit.error, ...late, ...gone), `fit in a worker, ${deed}: ${fit.error}`);
  check(fine(encode.error, ...gone), `encode in a worker: ${encode.error}`);
  check(fine(save.error, ...gone), `save in a worker: ${save.error}`);
  check(
    (isByStep || second.error) && fine(second.error, "InvalidStateError", ...gone),
    `second fit in a worker: ${second.error}`,
  );
  if (deed === "abort") await remote.trainOnBatch(data);
  remote.dispose();
}

/** Threads whose workers are terminated: one error or none, and bit-identical results. */
async function threaded({ TiedAutoencoder }, random) {
  const config = { layers: [512, 256], simd: "baseline", seed: 3, onWarning() {} };
  const data = Float32Array.from({ length: 64 * 512 }, () => random() - 0.5);
  const model = await TiedAutoencoder.create({ ...config, threads: 2 });
  const run = outcome(model.fit(data, { epochs: 5, batchSize: 32 }), "fit with threads");
  await wait(random() * 30);
  const isEnded = random() < 0.5;
  if (isEnded) model.dispose();
  const { error } = await run;
  check(!error || error.name === "DisposedError", `with threads: ${error}`);
  if (!error && !isEnded) {
    const alone = await TiedAutoencoder.create(config);
    await alone.fit(data, { epochs: 5, batchSize: 32 });
    check(same(alone.weights(), model.weights()), "threads give other bits");
    alone.dispose();
  }
  model.dispose();
}

/**
 * Runs rounds for `seconds`.
 * @param entries TiedAutoencoder, AnomalyDetector if the detector is to be tried, and `worker`, the namespace of
 * tied-autoencoder/worker, if there are workers
 * @param makeWorker, makeDetectorWorker make a worker that runs worker-script or detector-script; absent if only the package can make workers
 * @returns rounds by kind
 */
export async function races(entries, { seconds, seed, makeWorker, makeDetectorWorker }) {
  const kinds = {
    inThisThread,
    starting,
    stalled,
    ...(entries.worker ? { inWorker, threaded } : {}),
    ...detectorRaces(entries),
  };
  const names = Object.keys(kinds);
  const rounds = Object.fromEntries(names.map((name) => [name, 0]));
  const end = performance.now() + seconds * 1000;
  for (let round = 0; performance.now() < end; round++) {
    const random = generator(seed + round * 7919);
    for (let i = 0; i < 8; i++) random();
    // Most rounds are in this thread, because they are fast there.
    const name = round % 5 === 4 ? names[Math.floor(random() * names.length)] : "inThisThread";
    try {
      const make = name === "detectorInWorker" ? makeDetectorWorker : makeWorker;
      await kinds[name](entries, random, make);
    } catch (error) {
      throw new Error(`races: seed ${seed}, round ${round}, ${name}: ${error.message}`, {
        cause: error,
      });
    }
    rounds[name] += 1;
  }
  return rounds;
}
