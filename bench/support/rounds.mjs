// Interleaved timing: every round runs each task once, between two runs of its reference task, so that other work on the
// machine slows both. The reported fraction is the median over rounds of the task's speed divided by the mean speed of the
// two reference runs.

/**
 * @typedef {object} Task
 * @property {string} name
 * @property {number} work operations (or bytes) of one call
 * @property {() => void} run
 * @property {string} [yardstick] name of the task it is compared with, if any
 */

/**
 * @typedef {object} Result
 * @property {number} rate work a nanosecond (GFLOP/s or GB/s), median
 * @property {number} low 10th percentile of the rate
 * @property {number} high 90th percentile of the rate
 * @property {number} fraction median fraction of the yardstick
 * @property {number} quiet fraction of the 85th percentiles, which estimates the result on an idle machine
 */

const SAMPLE_MS = 0.8;

/** @param {number[]} values @param {number} q */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

/** Calls the task until a sample is long enough for the clock. This also lets the compilers optimize the code. */
function calibrate(task) {
  let calls = 1;
  for (;;) {
    const start = performance.now();
    for (let i = 0; i < calls; i++) task.run();
    const time = performance.now() - start;
    if (time > SAMPLE_MS * 4) return Math.max(1, Math.round((calls * SAMPLE_MS) / time));
    calls *= 2;
  }
}

function sample(task, calls) {
  const start = performance.now();
  for (let i = 0; i < calls; i++) task.run();
  return (task.work * calls) / (performance.now() - start) / 1e6;
}

/**
 * @param {Task[]} tasks
 * @param {Task[]} yardsticks
 * @param {number} rounds
 * @returns {Promise<Map<string, Result>>}
 */
export async function measure(tasks, yardsticks, rounds) {
  const all = [...yardsticks, ...tasks];
  for (const task of all) calibrate(task);
  await new Promise((resolve) => setTimeout(resolve, 300)); // optimising compilers work aside
  const calls = new Map(all.map((task) => [task.name, calibrate(task)]));
  const sticks = new Map(yardsticks.map((task) => [task.name, task]));
  const rates = new Map(all.map((task) => [task.name, []]));
  const fractions = new Map(tasks.map((task) => [task.name, []]));
  const time = (task) => {
    const rate = sample(task, calls.get(task.name));
    rates.get(task.name).push(rate);
    return rate;
  };
  for (let round = 0; round < rounds; round++) {
    for (const task of tasks) {
      const stick = sticks.get(task.yardstick ?? "");
      if (!stick) {
        time(task);
        continue;
      }
      const before = time(stick);
      const rate = time(task);
      fractions.get(task.name).push((2 * rate) / (before + time(stick)));
    }
  }
  return new Map(
    all.map((task) => {
      const own = rates.get(task.name);
      const stick = rates.get(task.yardstick ?? task.name);
      return [
        task.name,
        {
          rate: quantile(own, 0.5),
          low: quantile(own, 0.1),
          high: quantile(own, 0.9),
          fraction: quantile(fractions.get(task.name) ?? [1], 0.5),
          quiet: quantile(own, 0.85) / quantile(stick, 0.85),
        },
      ];
    }),
  );
}
