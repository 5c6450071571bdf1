// The detector at random moments of a fit, an update or a stream: aborts, dispose, second updates, reads and terminated
// workers. An update that ends early leaves the detector unchanged, to the last bit.

import { check, generator, outcome, wait } from "./races-support.mjs";

const OPTIONS = { model: { models: 2, hidden: [8, 4], steps: 60 }, seed: 3, simd: "baseline" };
const SERIES = { ...OPTIONS, window: 5, model: 2 };

/** Rows of three related numbers and a category. */
function rowsOf(random, count) {
  return Array.from({ length: count }, () => {
    const [x, y] = [random() - 0.5, random() - 0.5];
    return { a: x, b: y, c: x - y + 0.1 * random(), kind: x > 0 ? "up" : "down" };
  });
}

/** Detectors of rows and of windows, as files: fitted once. */
const files = new Map();

async function fileOf({ AnomalyDetector }, isSeries) {
  const known = files.get(isSeries);
  if (known) return known;
  const random = generator(5);
  for (let i = 0; i < 8; i++) random();
  const detector = await AnomalyDetector.fit(rowsOf(random, 150), isSeries ? SERIES : OPTIONS);
  const file = detector.save();
  files.set(isSeries, file);
  detector.dispose();
  return file;
}

const equal = (a, b) => a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
const oneOf = (random, names) => names[Math.floor(random() * names.length)];

/** Calls of a detector that change nothing. Each returns numbers. */
const READS = {
  score: (detector, rows) => detector.score(rows),
  detect: (detector, rows) => detector.detect(rows, { alpha: 0.1 }).score,
  explain: (detector, rows) => detector.explain(rows.slice(0, 9)).map(([first]) => first.surprise),
  drift: (detector, rows) => [detector.drift(rows).martingale],
  save: (detector) => [...detector.save().subarray(-64)],
};

/** A fit that is aborted, or that is left alone. */
async function detectorFit({ AnomalyDetector }, random) {
  const rows = rowsOf(random, 150);
  const options = random() < 0.5 ? OPTIONS : SERIES;
  const controller = new AbortController();
  const fits = [0, 1].map((i) =>
    outcome(
      AnomalyDetector.fit(rows, { ...options, ...(i === 0 ? { signal: controller.signal } : {}) }),
      "fit of a detector",
    ),
  );
  await wait(random() * 60);
  const reason = { why: "enough" };
  controller.abort(reason);
  const [aborted, whole] = await Promise.all(fits);
  check(!whole.error, `fit beside an aborted one: ${whole.error}`);
  check(!aborted.error || aborted.error === reason, `aborted fit: ${aborted.error}`);
  if (aborted.value) {
    check(equal(aborted.value.score(rows), whole.value.score(rows)), "two fits: other bits");
  }
  aborted.value?.dispose();
  whole.value.dispose();
}

/** An update that is disturbed, while a stream goes on. */
async function detectorUpdate(entries, random) {
  const isSeries = random() < 0.3;
  const file = await fileOf(entries, isSeries);
  const load = () => entries.AnomalyDetector.load(file, { simd: "baseline" });
  const [detector, whole] = [await load(), await load()];
  const [rows, news] = [rowsOf(random, 40), rowsOf(random, 60)];
  const before = Object.fromEntries(
    Object.keys(READS).map((name) => [name, READS[name](whole, rows)]),
  );
  await whole.update(news);
  const after = whole.score(rows);
  const stream = detector.stream({ alpha: 0.1 });
  const controller = new AbortController();
  let isEnded = false;
  const run = outcome(detector.update(news, { signal: controller.signal }), "update");
  const end = run.then(() => {
    isEnded = true;
  });
  const pauses = Math.floor(random() * 6);
  for (let i = 0; i < pauses; i++) {
    await wait(random() * 4);
    const name = oneOf(random, Object.keys(READS));
    // The stream below is seen by `drift`, whose state is in the file.
    const values = READS[name](detector, rows);
    if (!isEnded && name !== "save") {
      check(equal(values, before[name]), `${name} during update: other numbers`);
    }
    const answer = stream.push(rows[i]);
    check(isSeries || Number.isFinite(answer.score), "push during update has no score");
  }
  const reason = { why: "enough" };
  const deed = oneOf(random, ["abort", "dispose", "second", "none"]);
  if (deed === "abort") controller.abort(reason);
  if (deed === "dispose") detector.dispose();
  if (deed === "second") {
    const { error } = await outcome(detector.update(news), "a second update");
    check(!error || error.name === "InvalidStateError", `second update: ${error}`);
    if (!error) {
      // The first one had ended.
      await end;
      detector.dispose();
      whole.dispose();
      return;
    }
  }
  const { error } = await run;
  if (deed === "dispose") {
    check(!error || error.name === "DisposedError", `update after dispose: ${error}`);
    for (const call of [() => detector.score(rows), () => stream.push(rows[0])]) {
      let thrown;
      try {
        call();
      } catch (caught) {
        thrown = caught;
      }
      check(thrown?.name === "DisposedError", `a call after dispose: ${thrown}`);
    }
    whole.dispose();
    return;
  }
  if (deed === "abort") check(!error || error === reason, `aborted update: ${error}`);
  else check(!error, `update, ${deed}: ${error}`);
  if (error) {
    check(equal(detector.score(rows), before.score), "an aborted update changed the scores");
    await detector.update(news);
  }
  check(equal(detector.score(rows), after), `update, ${deed}: other bits`);
  detector.dispose();
  whole.dispose();
}

/** A detector in a worker, whose worker may also be terminated. */
async function detectorInWorker(entries, random, makeWorker) {
  const file = await fileOf(entries, false);
  let made;
  const createWorker = makeWorker && (() => (made = makeWorker()));
  const remote = await entries.worker.AnomalyDetector.load(
    file,
    { simd: "baseline" },
    createWorker ? { createWorker } : {},
  );
  const rows = rowsOf(random, 40);
  const stream = await remote.stream({ alpha: 0.1 });
  const controller = new AbortController();
  const before = await remote.score(rows);
  const names = ["update", "score", "second update", "push", "explain"];
  const calls = [
    remote.update(rowsOf(random, 60), { signal: controller.signal }),
    remote.score(rows),
    remote.update(rows),
    stream.push(rows[0]),
    remote.explain(rows.slice(0, 5)),
  ].map((call, i) => outcome(call, `${names[i]} in a worker`));
  await wait(random() * 40);
  const deed = oneOf(random, ["abort", "dispose", made ? "end" : "abort"]);
  if (deed === "abort") controller.abort("enough");
  if (deed === "dispose") remote.dispose();
  if (deed === "end") {
    await made.terminate();
    // A page gets no event when a worker is terminated.
    if (!made.on) remote.dispose();
  }
  const answers = await Promise.all(calls);
  const gone = deed === "abort" ? [] : ["DisposedError", "UnsupportedHostError"];
  answers.forEach(({ error }, i) => {
    const allowed = i === 2 ? [...gone, "InvalidStateError"] : gone;
    const isFine = !error || allowed.includes(error.name) || (i === 0 && error === "enough");
    check(isFine, `${names[i]} in a worker, ${deed}: ${error}`);
  });
  if (deed === "abort") {
    const [first, , second] = answers;
    const isUnchanged = first.error && second.error;
    const scores = await remote.score(rows);
    check(
      !isUnchanged || equal(scores, before),
      "an aborted update in a worker changed the scores",
    );
  } else {
    const { error } = await outcome(remote.score(rows), "score after the end of a worker");
    check(gone.includes(error?.name), `score after the end of a worker: ${error}`);
  }
  remote.dispose();
}

/** A fit in a worker that is aborted. */
async function detectorFitInWorker({ worker }, random) {
  const controller = new AbortController();
  const long = { ...OPTIONS, model: { ...OPTIONS.model, steps: 1e6 }, signal: controller.signal };
  const run = outcome(worker.AnomalyDetector.fit(rowsOf(random, 150), long), "fit in a worker");
  await wait(random() * 150);
  controller.abort("enough");
  const { error } = await run;
  check(error === "enough", `aborted fit in a worker: ${error}`);
}

/** The races that the given entries allow. */
export function detectorRaces({ AnomalyDetector, worker }) {
  if (!AnomalyDetector) return {};
  return {
    detectorFit,
    detectorUpdate,
    ...(worker ? { detectorInWorker, detectorFitInWorker } : {}),
  };
}
