// `train --detector`: makes a detector and saves it. `train --continue` with a detector: it continues to learn from other rows.

import type { Arguments } from "../arguments.ts";
import { UsageError } from "../errors.ts";
import { readRuntime } from "../model-file.ts";
import { duration, grouped } from "../numbers.ts";
import { replaceable, requireReplaceable, requireWritable, writeWhole } from "../output.ts";
import { requireSameColumns } from "../replacing.ts";
import { learningProgress, makeReporter } from "../report.ts";
import { encodeDetectorFile, readDetector } from "./file.ts";
import { fitDetector, planDetector, requireOptions, tellTable } from "./fit.ts";
import { defaultDecision, detectorOptions, readDecision } from "./options.ts";
import { learnedColumns, placeIn, readDetectorTable, rowsOf } from "./table.ts";
import { inFile } from "./words.ts";

/** Makes the detector in `path` from the rows of `dataPath`, or continues it. */
export async function trainDetector(
  args: Arguments,
  path: string,
  dataPath: string,
): Promise<void> {
  requireOptions(args);
  await requireReplaceable(path, replaceable(args, [dataPath], ["detector"]));
  await requireWritable(path);
  return args.flag("continue") ? update(args, path, dataPath) : make(args, path, dataPath);
}

async function make(args: Arguments, path: string, dataPath: string): Promise<void> {
  const report = makeReporter({ json: args.flag("json"), quiet: args.flag("quiet") });
  const started = performance.now();
  const table = await readDetectorTable(args, dataPath, report);
  tellTable(table, (performance.now() - started) / 1000, report);
  await requireSameColumns(args, path, "output", learnedColumns(table));
  const plan = await planDetector(args, table, report, table.rows);
  const { detector, later } = await fitDetector(args, plan, report);
  await writeWhole(path, ...encodeDetectorFile(detector, later));
  report.event("saved", () => ({ file: path }));
  report.say(`saved     ${path}`);
}

async function update(args: Arguments, path: string, dataPath: string): Promise<void> {
  const settled = args.given.find((name) => Object.hasOwn(detectorOptions, name));
  if (settled !== undefined) {
    throw new UsageError(
      `--${settled} is for a new detector; --continue trains the one in ${path} on.`,
    );
  }
  const report = makeReporter({ json: args.flag("json"), quiet: args.flag("quiet") });
  const { detector, decision: kept } = await readDetector(path, readRuntime(args));
  const started = performance.now();
  const table = await readDetectorTable(args, dataPath, report, detector);
  tellTable(table, (performance.now() - started) / 1000, report);
  const before = detector.drift();
  const { onProgress, end } = learningProgress(report);
  await inFile(table, () => detector.update(rowsOf(table), { onProgress }));
  end();
  const seconds = (performance.now() - started) / 1000;
  const { alarm, sinceRow = 0 } = detector.drift();
  if (alarm && !before.alarm) {
    const row = Math.max(0, Math.min(table.rows - 1, sinceRow - before.rows));
    report.warn(
      `${table.file}: from about ${placeIn(table, row)} on, rows are not like those learned from before; the detector has learned them`,
    );
    report.event("drift", () => ({ sinceRow: row }));
  }
  const { window, calibrationRows } = detector.config;
  const decision =
    readDecision(args) ?? kept ?? defaultDecision(window !== undefined, false, calibrationRows);
  await writeWhole(path, ...encodeDetectorFile(detector, decision));
  report.event("saved", () => ({ file: path }));
  report.say(`Learned on from ${grouped(table.rows)} rows in ${duration(seconds)}; saved ${path}`);
}
