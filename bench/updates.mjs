// Measures what `AnomalyDetector.update` does to decisions, on artificial rows:
//
//   node bench/updates.mjs [--seed 1] [--newest N]
//
// A detector learns 2,000 rows and is updated, once or often, with rows of the same kind or of a changed kind. For each plan
// the script prints the median score of 2,000 other rows of that kind, the share of them that alpha 0.01 and 0.05 flag, and
// the drift that the updates observed.

import { parseArgs } from "node:util";
import { AnomalyDetector } from "tied-autoencoder/detect";
import { describeHost } from "./support/host.mjs";
import { seeded } from "./support/random.mjs";

const { seed, newest } = parseArgs({
  options: { seed: { type: "string", default: "1" }, newest: { type: "string" } },
}).values;
const options = newest === undefined ? {} : { newest: Number(newest) };
const uniform = seeded(Number(seed));

const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const numbers = (count) =>
  times(count, () => {
    const [u, v, w] = [uniform(), uniform(), uniform()];
    const noise = () => 0.1 * uniform();
    return [u + noise(), 2 * u + noise(), u + v, v * w + noise(), w - u + noise(), Math.sin(3 * u)];
  });
const mixed = (count) =>
  times(count, () => {
    const [u, v] = [uniform(), uniform()];
    const kind = u < 0.3 ? "x" : uniform() < 0.5 ? "y" : "z";
    return { a: u + 0.1 * uniform(), b: 2 * u + 0.1 * uniform(), c: u + v, kind };
  });
/** Two columns change: one is higher, and the other is mirrored. */
const changed = (rows) =>
  rows.map((row) =>
    Array.isArray(row)
      ? row.map((value, j) => (j === 0 ? value + 0.5 : j === 1 ? 2.5 - value : value))
      : { ...row, a: row.a + 0.5, b: 2.5 - row.b },
  );
const same = (rows) => rows;

const PLANS = [
  [],
  [1],
  [10],
  [50],
  [500],
  [2000],
  times(20, () => 50),
  times(40, () => 50),
  times(10, () => 300),
];
for (const [name, make] of Object.entries({ numbers, mixed })) {
  const file = (await AnomalyDetector.fit(make(2000))).save();
  for (const change of [same, changed]) {
    const test = change(make(2000));
    for (const plan of PLANS) {
      const detector = await AnomalyDetector.load(file);
      for (const rows of plan) await detector.update(change(make(rows)), options);
      const median = detector.score(test).sort()[test.length / 2];
      const pValues = detector.pValues(test);
      const flagged = [0.01, 0.05].map((alpha) => pValues.filter((p) => p <= alpha).length);
      const shares = flagged.map((count) => (count / test.length).toFixed(3));
      const { martingale, alarm } = detector.drift();
      const label = plan.length > 1 ? `${plan.length} x ${plan[0]}` : `${plan[0] ?? 0}`;
      console.log(
        `${name}, ${change.name.padEnd(7)} ${label.padStart(8)} rows: median ${median.toFixed(2).padStart(6)}, ` +
          `flagged ${shares.join(" / ")}, martingale ${martingale.toPrecision(2)}${alarm ? ", alarm" : ""}`,
      );
      detector.dispose();
    }
  }
}
console.log(describeHost());
