// Medians, spreads, and tables of them. A ratio is computed within each round, in which other work on the machine affects both
// sides, and then its median over the rounds is taken.

const WIDTH = 80;
const NAME_WIDTH = 20;
const CELL_WIDTH = 10;
const TITLES = { train: "one training step", encode: "encoding" };

/**
 * Summarises `seconds`, one for each peer and round: times, and ratios to the times of the `first` peer if it was
 * measured.
 */
export function compare(seconds, first) {
  const base = seconds[first];
  const ratios = (times) => base && summary(times.map((time, round) => time / base[round]));
  return Object.fromEntries(
    Object.entries(seconds).map(([peer, times]) => [
      peer,
      { time: summary(times), ratio: ratios(times), seconds: times },
    ]),
  );
}

/** Median, quartiles, and half the distance between those as a share of the median. */
function summary(values) {
  const sorted = Float64Array.from(values).sort();
  const [low, median, high] = [0.25, 0.5, 0.75].map((share) => quantile(sorted, share));
  return { median, low, high, spread: (high - low) / 2 / median };
}

/** A quantile of sorted values, interpolated linearly. */
function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

/** A text for the terminal: what was measured, on which machine, and when. */
export function headline(run) {
  const { date, machine, runtime, build, data, rounds, clock, peers, skipped } = run;
  return [
    `${date.slice(0, 10)}  ${machine}`,
    `${runtime}; ${build}`,
    `${data}; ${rounds} interleaved rounds, ${clock} time; medians ± half the quartile distance`,
    ...peers.map(({ name, version }) => `  ${name}: ${version}`),
    ...skipped.map(({ peer, reason }) => `  skipped ${peer}: ${reason}`),
  ]
    .map(wrap)
    .join("\n");
}

/** Breaks a line between words if it is longer than the terminal's width. */
export function wrap(line) {
  return line.replace(new RegExp(`(.{1,${WIDTH - 1}})(\\s+|$)`, "g"), "$1\n    ").trimEnd();
}

/** The cells of one workload and kind belong in one table. */
function tables({ cells, peers }) {
  const groups = new Map(cells.map((cell) => [title(cell), []]));
  for (const cell of cells) groups.get(title(cell)).push(cell);
  return [...groups].map(([heading, group]) => ({
    heading,
    rows: group.map((cell) => String(cell.rows)),
    peers: peers.map(({ name }) => name).filter((name) => group.some(({ peers }) => peers[name])),
    /** One peer's line: `show` of every cell, or a dash if there is none. */
    line: (peer, show) => group.map(({ peers }) => (peers[peer] ? show(peers[peer]) : "-")),
  }));
}

const title = ({ workload, layers, topK, kind }) =>
  `${workload} ${layers.join("-")}${topK ? `, top-k of ${topK}` : ""}, ${TITLES[kind]}`;

/** Three digits, or three decimals for small values. */
function digits(value) {
  if (value >= 100) return value.toFixed(0);
  return value < 0.1 ? value.toFixed(3) : value.toPrecision(3);
}

const spreadOf = ({ spread }) => `±${(100 * spread).toFixed(0)}%`;

/** Tables for the terminal: times with their spread, then ratios with theirs. */
export function text(run) {
  const line = (name, cells) =>
    name.padEnd(NAME_WIDTH) + cells.map((cell) => cell.padStart(CELL_WIDTH)).join("");
  const time = (result) => digits(1000 * result.time.median) + spreadOf(result.time);
  const ratio = ({ ratio }) => (ratio ? digits(ratio.median) + spreadOf(ratio) : "-");
  return tables(run)
    .flatMap((table) => [
      "",
      table.heading,
      line("milliseconds, rows:", table.rows),
      ...table.peers.map((peer) => line(peer, table.line(peer, time))),
      "times the first",
      ...table.peers
        .filter((peer) => peer !== run.peers[0].name)
        .map((peer) => line(peer, table.line(peer, ratio))),
    ])
    .join("\n");
}

/** Tables for the README: milliseconds, with the ratio to the first peer in brackets. */
export function markdown(run) {
  const { date, machine, runtime, build, data, rounds, clock, peers, skipped } = run;
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const cell = ({ time, ratio }) =>
    digits(1000 * time.median) + (ratio ? ` (${digits(ratio.median)})` : "");
  return [
    `Measured ${date.slice(0, 10)}: ${machine}; ${runtime}; ${build}; ${data}. Milliseconds of ${clock} time,`,
    `medians of ${rounds} interleaved rounds; in brackets how many times as long as ${peers[0].name},`,
    "taken round by round.",
    ...tables(run).flatMap((table) => [
      "",
      line([`${table.heading}; rows:`, ...table.rows]),
      line(["---", ...table.rows.map(() => "---:")]),
      ...table.peers.map((peer) => line([peer, ...table.line(peer, cell)])),
    ]),
    "",
    `${peers.map(({ name, version }) => `${name}: ${version}`).join("; ")}.`,
    ...skipped.flatMap(({ peer, reason }) => ["", `Not measured: ${peer} (${reason}).`]),
    "",
  ].join("\n");
}
