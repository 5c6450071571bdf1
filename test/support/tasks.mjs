// Measures how long the package blocks the event loop: a timer that is set repeatedly records the
// longest time between two calls. It is plain JavaScript, so that pages and Node can run it.

function numbers(count) {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  });
}

/** Rows of ten directions and some noise, so that principal components are soon found. */
function rowsOf(count, width) {
  const [shares, directions] = [numbers(count * 10), numbers(width * 10)];
  return numbers(count * width).map((noise, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    let sum = noise / 10;
    for (let k = 0; k < 10; k++) {
      sum += ((shares[row * 10 + k] - 0.5) * directions[column * 10 + k]) / (k + 1);
    }
    return sum;
  });
}

/** Milliseconds of processor time of this process and its threads. Pages cannot measure it, and get the time of the clock. */
function processorTime() {
  if (typeof process !== "object") return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * The longest time between two calls of a timer during `work`, and how often it was called. Time in which the processor does
 * other work does not count where processor time can be measured.
 */
export async function longestTask(work) {
  let [clock, processor] = [performance.now(), processorTime()];
  let longest = 0;
  let calls = 0;
  let timer;
  const measure = () => {
    const [clockBefore, processorBefore] = [clock, processor];
    [clock, processor] = [performance.now(), processorTime()];
    longest = Math.max(longest, Math.min(clock - clockBefore, processor - processorBefore));
  };
  const beat = () => {
    measure();
    calls += 1;
    timer = setTimeout(beat, 0);
  };
  timer = setTimeout(beat, 0);
  const start = performance.now();
  await work();
  clearTimeout(timer);
  measure();
  return { longest, calls, milliseconds: performance.now() - start };
}

/**
 * The run of `tries` with the shortest longest task. Ends at the first one below `goal`. A call that blocks does so every
 * time, and other programs slow down only some of the runs.
 */
export async function shortest(run, goal, tries = 4) {
  let best;
  for (let i = 0; i < tries && !(best?.longest < goal); i++) {
    const result = await run();
    if (!best || result.longest < best.longest) best = result;
  }
  return best;
}

/** The milliseconds from an abort, 100 ms after the start of `work`, until its promise settles. NaN if it had ended by then. */
export async function timeToAbort(work) {
  const controller = new AbortController();
  let aborted = Number.NaN;
  const timer = setTimeout(() => {
    aborted = performance.now();
    controller.abort("enough");
  }, 100);
  try {
    await work(controller.signal);
  } catch (error) {
    if (error !== "enough") throw error;
  }
  clearTimeout(timer);
  return performance.now() - aborted;
}

/** The long calls of the package with the sizes that the README mentions, each to be given `longestTask` or `timeToAbort`. */
export function longCalls({ TiedAutoencoder }) {
  const width = 784;
  const x = rowsOf(2000, width);
  const withModel = (config, use) => async (measure) => {
    const model = await TiedAutoencoder.create({ simd: "baseline", ...config });
    const result = await measure((signal) => use(model, signal));
    model.dispose();
    return result;
  };
  const deep = { layers: [width, 256, 64] };
  return {
    fit: withModel({ layers: [width, 128], scaler: "standard" }, (model, signal) =>
      model.fit(x, { batchSize: 128, epochs: 5, validationSplit: 0.2, signal }),
    ),
    "fit with missing values": withModel(
      { ...deep, scaler: "minMax", missing: "mask" },
      (model, signal) =>
        model.fit(x, { batchSize: 64, maxSteps: 80, validationSplit: 0.2, signal }),
    ),
    "initializeFrom, pca": withModel(deep, (model, signal) =>
      model.initializeFrom(x, { method: "pca", signal }),
    ),
    "initializeFrom, layerwise": withModel(deep, (model, signal) =>
      model.initializeFrom(x, { method: "layerwise", epochs: 1, batchSize: 64, signal }),
    ),
    async load(measure) {
      const model = await TiedAutoencoder.create({ simd: "baseline", layers: [width, 512, 128] });
      const file = model.save({ optimizer: true });
      model.dispose();
      return measure(async () =>
        (await TiedAutoencoder.load(file, { simd: "baseline" })).dispose(),
      );
    },
  };
}
