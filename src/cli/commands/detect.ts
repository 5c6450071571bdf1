// `detect`: which rows of a table are odd, and why. Learns from one table and judges it or another one, or uses a saved
// detector.

import { stat } from "node:fs/promises";
import { percent } from "../../detect/decision-text.ts";
import type { AnomalyDetector, Decision, Detection } from "../../detect.ts";
import type { Arguments, Command } from "../arguments.ts";
import { print } from "../console.ts";
import { type Alarm, findAlarms, type Judged, judgeRows, oddest } from "../detector/alarms.ts";
import { encodeDetectorFile, readDetector } from "../detector/file.ts";
import {
  fitDetector,
  knownOf,
  planDetector,
  requireJudgeable,
  requireOptions,
  tellDecision,
  tellTable,
} from "../detector/fit.ts";
import {
  decisionOptions,
  defaultDecision,
  detectorOptions,
  readDecision,
} from "../detector/options.ts";
import { qualityOf, qualityText } from "../detector/quality.ts";
import {
  columnOptions,
  type DetectorTable,
  type Known,
  learnedColumns,
  placeIn,
  readDetectorTable,
  readLabels,
  rowsOf,
} from "../detector/table.ts";
import { alarmLines, namingOf } from "../detector/text.ts";
import { inFile, toldOf } from "../detector/words.ts";
import { alarmJson, scoreFormat, writeRows } from "../detector/write.ts";
import { CommandError, fileError, UsageError } from "../errors.ts";
import { tableOptions } from "../input.ts";
import { isDetector } from "../kinds.ts";
import { wrap } from "../lines.ts";
import { readRuntime, runtimeOptions } from "../model-file.ts";
import { counted, grouped, short } from "../numbers.ts";
import {
  forceOption,
  replaceable,
  requireReplaceable,
  requireWritable,
  writeWhole,
} from "../output.ts";
import { requireSameColumns } from "../replacing.ts";
import { makeReporter, type Reporter } from "../report.ts";
import { toJson } from "../text.ts";

/** The most alarms that are shown, and the most that are explained for programs. */
const SHOWN = 10;
const MOST_EXPLAINED = 1000;
/** The exit code with --fail-on-anomaly if a row is flagged. */
export const ANOMALY_CODE = 3;

export const detect: Command = {
  name: "detect",
  operands: ["DATA", "[NEW]"],
  takes: ["table", "detector"],
  summary: "Find the odd rows of a table, and say why they are odd.",
  description:
    "Learns what is normal from DATA and flags rows of NEW; without NEW those of DATA, each judged by models that have not seen it. DATA may also be a saved detector, which then judges NEW. What it decided about columns, times and thresholds is shown on the standard error; the alarms are the standard output.\n\nExit code 3 with --fail-on-anomaly says that rows were flagged.",
  options: {
    ...columnOptions,
    ...decisionOptions,
    ...detectorOptions,
    learn: {
      value: "N",
      kind: "whole",
      least: 1,
      help: "learn from the first N rows of DATA and judge the others",
    },
    top: {
      value: "N",
      kind: "whole",
      least: 0,
      help: "how many alarms to show and explain",
      default: `${SHOWN}; with --json or --output ${grouped(MOST_EXPLAINED)}`,
    },
    output: {
      short: "o",
      value: "FILE",
      help: "write every row's score, p-value and flag, as CSV or JSON lines",
    },
    format: {
      short: "f",
      value: "FORMAT",
      choices: ["csv", "json"],
      help: "how to write rows",
      default: "by the file's ending, else csv",
    },
    "escape-formulas": {
      help: "put an apostrophe before text that a spreadsheet would run as a formula",
    },
    save: { value: "FILE", help: "save the detector, for detect, score and watch" },
    "fail-on-anomaly": { help: `end with exit code ${ANOMALY_CODE} where a row is flagged` },
    json: { help: "tell what was decided and what is flagged as one JSON object a line" },
    quiet: { short: "q", help: "tell nothing but alarms, warnings and errors" },
    ...forceOption,
    ...tableOptions,
    ...runtimeOptions,
  },
  examples: [
    ["which customers are odd?", "tied-autoencoder detect customers.csv"],
    [
      "learn from last month, judge this month",
      "tied-autoencoder detect may.csv june.csv -o scores.csv",
    ],
    [
      "a job that fails where something is odd",
      "tied-autoencoder detect may.csv --save plant.safetensors\n  tied-autoencoder detect plant.safetensors today.csv --fail-on-anomaly",
    ],
    [
      "the first 400 rows are known to be good; compare with what is known",
      "tied-autoencoder detect pump.csv --learn 400 --labels anomaly",
    ],
  ],
  run,
};

/** Options for making a detector, which do not apply to a saved one. */
const MAKING = [...Object.keys(detectorOptions), "kinds", "learn"];

async function run(args: Arguments): Promise<void> {
  const [dataPath = "", newPath] = args.operands;
  const { output, save } = { output: args.text("output"), save: args.text("save") };
  requireOptions(args);
  if (output !== undefined) {
    scoreFormat(args);
    await requireReplaceable(output, replaceable(args, args.operands));
    if (output !== "-") await requireWritable(output);
  }
  if (save !== undefined) {
    await requireReplaceable(save, replaceable(args, args.operands, ["detector"], "save"));
    await requireWritable(save);
  }
  const report = makeReporter({ json: args.flag("json"), quiet: args.flag("quiet") });
  const { judged, decision, later } = (await isDetector(dataPath))
    ? await judgeBySaved(args, dataPath, newPath, report)
    : await judgeByNew(args, dataPath, newPath, report);
  if (save !== undefined) {
    await writeWhole(save, ...encodeDetectorFile(judged.detector, later));
    report.say(`saved     ${save}`);
    report.event("saved", () => ({ file: save }));
  }
  await tellAlarms(args, judged, decision, report);
}

interface Answer {
  readonly judged: Judged;
  readonly decision: Decision;
  /** The decision for a saved detector. */
  readonly later: Decision;
}

async function judgeBySaved(
  args: Arguments,
  modelPath: string,
  newPath: string | undefined,
  report: Reporter,
): Promise<Answer> {
  if (newPath === undefined) {
    throw new UsageError(`${modelPath} is a detector; name the rows that it is to judge as well.`);
  }
  const useless = args.given.find((name) => MAKING.includes(name));
  if (useless !== undefined && !(useless === "contamination" && args.number("contamination"))) {
    throw new UsageError(`--${useless} is for a new detector; ${modelPath} is made already.`);
  }
  const { detector, decision: kept } = await readDetector(modelPath, readRuntime(args));
  const table = await readTold(args, newPath, report, detector);
  readLabels(table); // before the long work
  const asked = readDecision(args);
  const { window, calibrationRows } = detector.config;
  const decision = asked ?? kept ?? defaultDecision(window !== undefined, false, calibrationRows);
  await inFile({ file: modelPath, lineOf: () => undefined }, () =>
    tellDecision(detector, decision, false, report),
  );
  const judged = await inFile(table, () => judgeNew(detector, table, decision, report));
  return { judged, decision, later: decision };
}

async function judgeByNew(
  args: Arguments,
  dataPath: string,
  newPath: string | undefined,
  report: Reporter,
): Promise<Answer> {
  const learn = args.number("learn");
  if (learn !== undefined && newPath !== undefined) {
    throw new UsageError("--learn judges the rest of DATA, and NEW names other rows; take one.");
  }
  if (newPath !== undefined) await requireThere(newPath);
  const table = await readTold(args, dataPath, report);
  if (learn !== undefined && learn >= table.rows) {
    throw new CommandError(
      `${table.file}: has ${grouped(table.rows)} rows, and --learn ${learn} leaves none to judge`,
      { file: table.file },
    );
  }
  const save = args.text("save");
  if (save !== undefined) await requireSameColumns(args, save, "save", learnedColumns(table));
  const plan = await planDetector(args, table, report, learn);
  if (newPath !== undefined) {
    // Read before the learning, which may take a long time.
    const other = await readTold(args, newPath, report, knownOf(plan));
    requireJudgeable(other, plan);
    readLabels(other);
    const { detector, decision, later } = await fitDetector(args, plan, report);
    const judged = await inFile(other, () => judgeNew(detector, other, decision, report));
    return { judged, decision, later };
  }
  readLabels(table);
  const { detector, decision, later } = await fitDetector(args, plan, report);
  const { table: learned } = plan;
  const judged = await inFile(learned, () =>
    learn === undefined
      ? {
          detector,
          table: learned,
          first: 0,
          areTraining: true,
          detection: detector.detectTraining(decision),
        }
      : judgeRows(detector, learned, (rows) => detector.detect(rows, decision), learn),
  );
  return { judged, decision, later };
}

/** Tables with more rows are not checked for drift, because the check takes as long as judging them. */
const MOST_FOR_DRIFT = 100_000;

/** Judges rows of another table. Warns if they have drifted from the training rows. */
function judgeNew(
  detector: AnomalyDetector,
  table: DetectorTable,
  decision: Decision,
  report: Reporter,
): Judged {
  const judged = judgeRows(detector, table, (rows) => detector.detect(rows, decision), 0);
  if (table.rows > MOST_FOR_DRIFT) return judged;
  const { alarm, sinceRow = 0 } = detector.drift(rowsOf(table));
  if (alarm) {
    report.warn(
      `${table.file}: from about ${placeIn(table, Math.min(sinceRow, table.rows - 1))} on, rows are no longer like those learned from: more of them are flagged than expected. Learn from newer rows if they are normal`,
    );
    report.event("drift", () => ({ sinceRow }));
  }
  return judged;
}

/** Before anything is read. */
async function requireThere(path: string): Promise<void> {
  if (path === "-") return;
  await stat(path).catch((error) => {
    throw fileError(path, error);
  });
}

async function readTold(
  args: Arguments,
  path: string,
  report: Reporter,
  known?: Known,
): Promise<DetectorTable> {
  const started = performance.now();
  const table = await readDetectorTable(args, path, report, known);
  tellTable(table, (performance.now() - started) / 1000, report);
  return table;
}

async function tellAlarms(
  args: Arguments,
  judged: Judged,
  decision: Decision,
  report: Reporter,
): Promise<void> {
  const { detector, table, detection, first } = judged;
  const output = args.text("output");
  const json = args.flag("json");
  const most = args.number("top") ?? (json || output !== undefined ? MOST_EXPLAINED : SHOWN);
  const alarms = await inFile(table, () => findAlarms(judged, most));
  const explained = oddest(alarms, most);
  const quality = qualityOf(judged);
  const firstRow = judged.detector.config.window === undefined ? first : 0;
  for (const note of detection.notes) {
    report.warn(toldOf(table, note, firstRow));
  }
  if (output !== undefined) {
    await writeRows(args, output, judged, explained);
    report.say(`saved     ${output}`);
  }
  const flagged = detection.flagged.reduce((sum, flag) => sum + flag, 0);
  if (flagged > 0 && args.flag("fail-on-anomaly")) process.exitCode = ANOMALY_CODE;
  if (json) {
    const done = {
      rows: table.rows - first,
      flagged,
      alarms: alarms.length,
      decision,
      threshold: Number.isFinite(detection.threshold) ? detection.threshold : null,
      ...(quality ? { quality } : {}),
    };
    const events = [
      ...explained.map((alarm) => ({ event: "anomaly", ...alarmJson(judged, alarm) })),
      { event: "done", ...done },
    ];
    // The result, unlike the events before it: if it cannot be written, the command fails.
    for (const event of events) await print(`${toJson(event)}\n`);
    return;
  }
  if (output === "-") return;
  const naming = namingOf(detector);
  const blocks = [
    ...(explained.length > 0 ? explained.map((alarm) => alarmLines(alarm, table, naming)) : []),
    summaryLines(judged, decision, flagged, alarms, explained.length),
    ...(quality ? [wrap(qualityText(quality))] : []),
  ];
  await print(`${blocks.map((lines) => lines.join("\n")).join("\n\n")}\n`);
}

function summaryLines(
  { detector, table, first, detection }: Judged,
  decision: Decision,
  flagged: number,
  alarms: readonly Alarm[],
  shown: number,
): string[] {
  const rows = table.rows - first;
  const isSeries = detector.config.window !== undefined;
  const all = `${grouped(flagged)} of ${counted(rows, "row")} ${flagged === 1 ? "is" : "are"} flagged`;
  const events =
    isSeries && alarms.length > 0
      ? `, in ${grouped(alarms.length)} ${alarms.length === 1 ? "stretch" : "stretches"}`
      : "";
  const rest =
    shown < alarms.length ? `; ${grouped(shown)} shown, --top ${alarms.length} shows all` : "";
  const chance = chanceText(decision, rows, detection);
  return wrap(`${all}${events}${rest}. ${chance}`);
}

/** The number of rows that are flagged by chance. With a false discovery rate, the text has the threshold for these rows. */
function chanceText(decision: Decision, rows: number, { threshold }: Detection): string {
  if ("fdr" in decision) {
    const above = Number.isFinite(threshold)
      ? ` Scores above ${short(threshold)} are flagged.`
      : "";
    return `At most ${short(100 * decision.fdr)} % of the flagged rows are expected to be normal.${above}`;
  }
  if ("contamination" in decision) {
    return `Flagged is what scores as high as the oddest ${percent(decision.contamination)} of the rows learned from.`;
  }
  const share =
    "pot" in decision
      ? decision.pot
      : "quantile" in decision
        ? 1 - decision.quantile
        : (decision.alpha ?? 0);
  const expected = share * rows;
  const about = expected >= 1 ? `about ${grouped(expected)}` : "fewer than 1";
  if ("pot" in decision) {
    return `By the curve fitted to the highest scores, ${about} of ${counted(rows, "normal row")} would be flagged.`;
  }
  return `Among ${counted(rows, "normal row")} ${about} would be flagged.`;
}
