// Makes a detector from a table and reports the decisions.

import { decisionText, percent } from "../../detect/decision-text.ts";
import { rowsToReach, smallestAlpha } from "../../detect/statistics/conformal.ts";
import { FEWEST_SCORES, tailShare } from "../../detect/statistics/peaks.ts";
import { guessSchema } from "../../detect/table/schema.ts";
import { readSource } from "../../detect/table/source.ts";
import {
  AnomalyDetector,
  type ColumnSchema,
  type Decision,
  type DetectorOptions,
} from "../../detect.ts";
import { CellReader } from "../../formats/cell-values.ts";
import type { Arguments } from "../arguments.ts";
import { CommandError, UsageError } from "../errors.ts";
import { formatText } from "../input.ts";
import { readRuntime } from "../model-file.ts";
import { counted, duration, grouped, short, shortBelow } from "../numbers.ts";
import { learningProgress, type Reporter, setting } from "../report.ts";
import { quoted } from "../text.ts";
import { defaultDecision, readDecision, readDetectorOptions } from "./options.ts";
import { chooseSeries, requireWindowOptions, type SeriesAnswer } from "./series.ts";
import {
  columnsOption,
  type DetectorTable,
  type Known,
  labelColumns,
  namesOf,
  rowsOf,
  withIgnored,
} from "./table.ts";
import { detectorText, schemaLines } from "./text.ts";
import { withoutTypos } from "./typos.ts";
import { inFile, inWords } from "./words.ts";

export interface Fitted {
  readonly detector: AnomalyDetector;
  readonly decision: Decision;
  /** The decision for rows that are judged later: the requested one, or the default for rows that were not learned. */
  readonly later: Decision;
}

/** The choices that are made before a detector learns. */
export interface Plan {
  /** The table to learn from, without the columns that are left out. */
  readonly table: DetectorTable;
  /** The rows before this one are the training rows. Undefined: all rows. */
  readonly end: number | undefined;
  readonly schema: readonly ColumnSchema[];
  readonly series: SeriesAnswer;
  readonly options: DetectorOptions;
  readonly asked: Decision | undefined;
  /** Whether the training rows are also the judged rows. */
  readonly isAmongThemselves: boolean;
}

/** Checks the options of a new detector, before anything is read. */
export function requireOptions(args: Arguments): void {
  readDetectorOptions(args);
  readDecision(args);
  requireWindowOptions(args);
}

/** Determines the kinds of the columns, and whether the rows are a series. */
export function planDetector(
  args: Arguments,
  given: DetectorTable,
  report: Reporter,
  end?: number,
): Promise<Plan> {
  const { file } = given;
  if (given.rows === 0)
    throw new CommandError(`${file}: there are no rows to learn from`, { file });
  const options = readDetectorOptions(args);
  const asked = readDecision(args);
  const isAmongThemselves = args.operands.length === 1 && end === undefined;
  if (asked && "fdr" in asked && isAmongThemselves) {
    throw new UsageError(
      "--fdr compares rows with others, and here are none: name a second file of rows to judge, or take --alpha or --contamination.",
    );
  }
  const answers = labelColumns(given);
  const unlabelled = withIgnored(given, answers);
  if (answers.length > 0) {
    report.warn(
      `${file}: ${namesOf(answers)} ${answers.length > 1 ? "look" : "looks"} like the answer and ${answers.length > 1 ? "are" : "is"} left out; --labels ${answers[0]} compares with it, --kinds ${answers[0]}=number learns it`,
    );
  }
  const table = withoutTypos(unlabelled, report);
  return inFile(table, () => {
    const source = readSource("rows", rowsOf(table, 0, end));
    const schema =
      source.kind === "table"
        ? guessSchema(source, columnsOption(table), new CellReader(table.cells))
        : [];
    requireLearned(table, schema);
    requireRows(asked, file, end ?? table.rows);
    const series = chooseSeries(args, table, schema);
    return { table, end, schema, series, options, asked, isAmongThemselves };
  });
}

/** Throws if no column can be learned. */
function requireLearned({ file }: DetectorTable, schema: readonly ColumnSchema[]): void {
  if (
    schema.length === 0 ||
    schema.some(({ kind }) => /^(?:number|category|boolean)$/.test(kind))
  ) {
    return;
  }
  const kinds = [...new Set(schema.map(({ kind }) => kind))];
  const told = kinds.map((kind) => {
    const names = schema.filter((column) => column.kind === kind).map(({ name }) => String(name));
    const what = { id: "names rows", time: "orders rows", constant: "constant" };
    return `${kind === "id" || kind === "time" || kind === "constant" ? what[kind] : "left out"}: ${namesOf(names)}`;
  });
  throw new CommandError(
    `${file}: there is nothing to learn from: no column is a number or a category that varies (${told.join("; ")})`,
    { file },
  );
}

/** Throws for a decision that needs more rows than there are. Called before the detector learns. */
function requireRows(asked: Decision | undefined, file: string, rows: number): void {
  if (asked === undefined) return;
  const few = (option: string, least: number, advice = "") =>
    new CommandError(
      `${file}: ${option} takes at least ${grouped(least)} rows to learn from; here are ${grouped(rows)}${advice}`,
      { file },
    );
  if ("alpha" in asked && asked.alpha !== undefined) {
    const least = rowsToReach(asked.alpha);
    const smallest = `; for them the smallest is --alpha ${smallestAlpha(rows)}`;
    if (rows < least) throw few(`--alpha ${asked.alpha}`, least, smallest);
  }
  if (!("pot" in asked)) return;
  if (rows < FEWEST_SCORES) throw few("--pot", FEWEST_SCORES);
  if (asked.pot > tailShare(rows)) {
    throw new UsageError(
      `--pot is for rare alarms, at most ${short(tailShare(rows))} with ${counted(rows, "row")}; got ${asked.pot}. --alpha flags such a share.`,
    );
  }
}

/** What is known of a detector before it learns. */
export function knownOf({ schema, series, table }: Plan): Known {
  const time = schema.find(({ kind }) => kind === "time")?.name;
  const { groupBy } = series.window ?? {};
  const window = series.window && {
    ...(typeof time === "string" ? { time } : {}),
    ...(groupBy === undefined ? {} : { groupBy }),
  };
  return { schema, config: { cells: table.cells, window } };
}

/** Throws if the planned detector cannot judge a table. Called before the detector learns, which takes time. */
export function requireJudgeable(table: DetectorTable, { series }: Pick<Plan, "series">): void {
  const { file } = table;
  if (table.rows === 0) throw new CommandError(`${file}: there are no rows to judge`, { file });
  const length = series.window?.length;
  if (typeof length === "number" && table.rows < length) {
    throw new CommandError(
      `${file}: windows of ${length} rows are longer than the ${counted(table.rows, "row")} to judge; a smaller --window N makes shorter ones, --window none judges each row by itself`,
      { file },
    );
  }
}

/** Fits a detector as planned, and reports the decisions. */
export function fitDetector(
  args: Arguments,
  { table, end, series, options, asked, isAmongThemselves }: Plan,
  report: Reporter,
): Promise<Fitted> {
  return inFile(table, async () => {
    const started = performance.now();
    const { onProgress, end: endProgress } = learningProgress(report);
    const detector = await AnomalyDetector.fit(rowsOf(table, 0, end), {
      ...options,
      ...readRuntime(args),
      columns: columnsOption(table),
      cells: table.cells,
      yardstick: true,
      ...(series.window ? { window: series.window } : {}),
      onProgress,
    });
    endProgress();
    const seconds = (performance.now() - started) / 1000;
    const isSeries = series.window !== undefined;
    const { calibrationRows } = detector.config;
    const decision = asked ?? defaultDecision(isSeries, isAmongThemselves, calibrationRows);
    const later = asked ?? defaultDecision(isSeries, false, calibrationRows);
    for (const line of schemaLines(detector.schema, detector.config.window)) report.say(line);
    if (series.why !== "") report.say(setting("series", series.why));
    report.say(setting("detector", detectorText(detector), duration(seconds)));
    tellYardstick(detector, report);
    tellNotes(detector, table, report);
    const threshold = isAmongThemselves ? detector.detectTraining(decision).threshold : undefined;
    tellDecision(detector, decision, asked === undefined, report, threshold);
    if (isAmongThemselves) tellMoreOdd(detector, decision, report);
    report.event("detector", () => ({
      schema: detector.schema,
      config: detector.config,
      notes: detector.notes,
      yardstick: detector.yardstick,
      decision,
      seconds,
    }));
    return { detector, decision, later };
  });
}

function tellYardstick({ yardstick }: AnomalyDetector, report: Reporter): void {
  if (yardstick === undefined) return;
  const { rows, detector, pca } = yardstick;
  const told = (auroc: number) => `${Math.round(100 * auroc)} %`;
  report.say(
    setting(
      "self-test",
      `a row with a swapped value scores above another in ${told(detector)} of pairs; by principal components alone in ${told(pca)}; by a guess in 50 %`,
      `AUROC of ${grouped(rows)} unseen rows, in which one value was swapped`,
    ),
  );
}

/** Reports the notes of a detector, except those about small samples, which are part of the decision. */
function tellNotes(
  { notes }: AnomalyDetector,
  table: Pick<DetectorTable, "lineOf">,
  report: Reporter,
): void {
  for (const note of notes) {
    if (!/smallest p-value/.test(note)) report.say(setting("note", inWords(note, table)));
  }
}

/** The threshold of a decision, if it does not depend on the rows. @throws InvalidValueError if the decision is not possible */
export const requireDecision = (
  detector: AnomalyDetector,
  decision: Decision,
): number | undefined => ("fdr" in decision ? undefined : detector.threshold(decision));

/** Reports how rows will be flagged, with the threshold `known` if it is given. Throws if the decision is not possible. */
export function tellDecision(
  detector: AnomalyDetector,
  decision: Decision,
  isDefault: boolean,
  report: Reporter,
  known?: number,
): void {
  const { calibrationRows } = detector.config;
  const few = isDefault && "alpha" in decision && decision.alpha !== 0.01;
  const why = few
    ? `0.01 takes 99 rows; of ${grouped(calibrationRows)} the smallest p-value is ${short(1 / (calibrationRows + 1))}`
    : undefined;
  const threshold = known ?? requireDecision(detector, decision);
  const above = threshold === undefined ? "" : `; score above ${shortBelow(threshold)}`;
  report.say(setting("flags", `${decisionText(decision)}${above}`, why));
  // A tail fitted to faults is long: smaller faults are then below the threshold.
  const isLong = "pot" in decision && threshold !== undefined;
  if (isLong && threshold > LONG_TAIL * detector.threshold({ quantile: 0.75 })) {
    report.say(
      setting(
        "note",
        "The oddest of the rows learned from score far above the others. If they are faults, a detector made with --contamination .01 finds smaller ones.",
      ),
    );
  }
}

/** The threshold of a tail, in multiples of the upper quartile of scores, above which the tail is called long. */
const LONG_TAIL = 10;

/** A note if more rows of a table score far above the usual than its share of flags allows. */
function tellMoreOdd(detector: AnomalyDetector, decision: Decision, report: Reporter): void {
  const { score } = detector.training;
  if (!("alpha" in decision) || decision.alpha === undefined) return;
  const usual = detector.threshold({ quantile: 0.75 });
  const odd = score.reduce((sum, value) => sum + (value > LONG_TAIL * usual ? 1 : 0), 0);
  if (odd <= decision.alpha * score.length) return;
  const share = odd / score.length;
  const digit = 10 ** Math.floor(Math.log10(share));
  const contamination = Number((Math.ceil(share / digit) * digit).toPrecision(1));
  if (contamination >= 0.5) return; // most rows cannot be called odd
  report.say(
    setting(
      "note",
      `${grouped(odd)} rows score more than ${LONG_TAIL} times as high as three quarters of the rows, and only ${percent(decision.alpha)} of all are flagged. --contamination ${contamination} flags more, by models that learn without the oddest rows.`,
    ),
  );
}

/** Describes the table. */
export function tellTable(table: DetectorTable, seconds: number, report: Reporter): void {
  const { file, rows, columns, format, cells } = table;
  const size = `${counted(rows, "row")} of ${counted(columns.length, "column")}`;
  report.say(
    setting(
      "data",
      `${size} in ${quoted(file).slice(1, -1)}`,
      `${formatText({ format, decimal: cells.decimal }, cells)}, ${seconds.toFixed(2)} s`,
    ),
  );
  report.event("data", () => ({
    file,
    format,
    decimal: cells.decimal,
    ...(cells.thousands === undefined ? {} : { thousands: cells.thousands }),
    units: cells.units ?? [],
    rows,
    columns: columns.map(({ name }) => name),
  }));
}
