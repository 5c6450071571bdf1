// Makes a detector from a table and tells what was decided.

import { guessSchema } from "../../detect/table/schema.ts";
import { readSource } from "../../detect/table/source.ts";
import { AnomalyDetector, type Decision } from "../../detect.ts";
import { CellReader } from "../../formats/cell-values.ts";
import type { Arguments } from "../arguments.ts";
import { CommandError, UsageError } from "../errors.ts";
import { readRuntime } from "../model-file.ts";
import { counted, duration, grouped, short } from "../numbers.ts";
import { bar, type Reporter, setting } from "../report.ts";
import { quoted } from "../text.ts";
import { decisionText, defaultDecision, readDecision, readDetectorOptions } from "./options.ts";
import { chooseSeries } from "./series.ts";
import {
  columnsOption,
  type DetectorTable,
  labelColumns,
  namesOf,
  rowsOf,
  withIgnored,
} from "./table.ts";
import { detectorText, schemaLines } from "./text.ts";
import { inFile, inWords } from "./words.ts";

export interface Fitted {
  readonly detector: AnomalyDetector;
  readonly decision: Decision;
}

/** Fits a detector on the rows before `end`, all of them where it is absent, and tells what was decided. */
export async function fitDetector(
  args: Arguments,
  table: DetectorTable,
  report: Reporter,
  end?: number,
): Promise<Fitted> {
  const { file } = table;
  if (table.rows === 0)
    throw new CommandError(`${file}: there are no rows to learn from`, { file });
  const options = readDetectorOptions(args);
  const asked = readDecision(args);
  const isAmongThemselves = args.operands.length === 1 && end === undefined;
  if (asked && "fdr" in asked && isAmongThemselves) {
    throw new UsageError(
      "--fdr compares rows with others, and here are none: name a second file of rows to judge, or take --alpha or --contamination.",
    );
  }
  const answers = labelColumns(table);
  const learned = withIgnored(table, answers);
  if (answers.length > 0) {
    report.warn(
      `${file}: ${namesOf(answers)} ${answers.length > 1 ? "look" : "looks"} like the answer and ${answers.length > 1 ? "are" : "is"} left out; --labels ${answers[0]} compares with it, --kinds ${answers[0]}=number learns it`,
    );
  }
  return inFile(table, async () => {
    const rows = rowsOf(learned, 0, end);
    const source = readSource("rows", rows);
    const schema =
      source.kind === "table"
        ? guessSchema(source, columnsOption(learned), new CellReader(table.cells))
        : [];
    const series = chooseSeries(args, learned, schema);
    const started = performance.now();
    const detector = await AnomalyDetector.fit(rows, {
      ...options,
      ...readRuntime(args),
      columns: columnsOption(learned),
      cells: table.cells,
      yardstick: true,
      ...(series.window ? { window: series.window } : {}),
      onProgress: ({ done, model, models }) => {
        report.progress(() => `learning  ${bar(done, 20)}  model ${model + 1} of ${models}`);
      },
    });
    const seconds = (performance.now() - started) / 1000;
    const decision =
      asked ??
      defaultDecision(
        series.window !== undefined,
        isAmongThemselves,
        detector.config.calibrationRows,
      );
    for (const line of schemaLines(detector.schema)) report.say(line);
    if (series.why !== "") report.say(setting("series", series.why));
    report.say(setting("detector", detectorText(detector), duration(seconds)));
    tellYardstick(detector, report);
    tellNotes(detector, table, report);
    tellDecision(detector, decision, asked === undefined, report);
    report.event("detector", () => ({
      schema: detector.schema,
      config: detector.config,
      notes: detector.notes,
      yardstick: detector.yardstick,
      decision,
      seconds,
    }));
    return { detector, decision };
  });
}

function tellYardstick({ yardstick }: AnomalyDetector, report: Reporter): void {
  if (yardstick === undefined) return;
  const { rows, detector, pca } = yardstick;
  const figures = `AUROC ${detector.toFixed(2)}, PCA ${pca.toFixed(2)}`;
  report.say(setting("yardstick", figures, `${grouped(rows)} unseen rows with one value swapped`));
}

/** Small samples are told by the decision, other notes as they are. */
export function tellNotes(
  { notes }: AnomalyDetector,
  table: Pick<DetectorTable, "lineOf">,
  report: Reporter,
): void {
  for (const note of notes) {
    if (!/smallest p-value/.test(note)) report.say(setting("note", inWords(note, table)));
  }
}

/** How rows will be flagged; throws where they cannot be. */
export function tellDecision(
  detector: AnomalyDetector,
  decision: Decision,
  isDefault: boolean,
  report: Reporter,
): void {
  const { calibrationRows } = detector.config;
  const few = isDefault && "alpha" in decision && decision.alpha !== 0.01;
  const why = few
    ? `0.01 takes 99 rows; of ${grouped(calibrationRows)} the smallest p-value is ${short(1 / (calibrationRows + 1))}`
    : undefined;
  const threshold = "fdr" in decision ? undefined : detector.threshold(decision);
  const above = threshold === undefined ? "" : `; score above ${short(threshold)}`;
  report.say(setting("flags", `${decisionText(decision)}${above}`, why));
}

/** Says how the data look. */
export function tellTable(table: DetectorTable, seconds: number, report: Reporter): void {
  const { file, rows, columns, format } = table;
  const size = `${counted(rows, "row")} of ${counted(columns.length, "column")}`;
  report.say(
    setting(
      "data",
      `${size} in ${quoted(file).slice(1, -1)}`,
      `${format}, ${seconds.toFixed(2)} s`,
    ),
  );
  report.event("data", () => ({
    file,
    format,
    rows,
    columns: columns.map(({ name }) => name),
  }));
}
