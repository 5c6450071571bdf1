// `report`: one HTML page about a model or a detector and a table.

import { basename } from "node:path";
import type { MatrixInput } from "../../index.ts";
import { report as makeReport, type ReportImages } from "../../report/report.ts";
import type { Arguments, Command } from "../arguments.ts";
import { judgeRows } from "../detector/alarms.ts";
import { readDetector } from "../detector/file.ts";
import { requireDecision } from "../detector/fit.ts";
import { decisionOptions, defaultDecision, readDecision } from "../detector/options.ts";
import { detectorReport } from "../detector/report.ts";
import { readDetectorTable } from "../detector/table.ts";
import { inFile } from "../detector/words.ts";
import { UsageError } from "../errors.ts";
import { openTable, readTableOptions, readWhole, tableOptions } from "../input.ts";
import { isDetector } from "../kinds.ts";
import { readModel, readRuntime, runtimeOptions } from "../model-file.ts";
import { forceOption, replaceable, requireReplaceable, writeWhole } from "../output.ts";
import { placed } from "../places.ts";
import { resultReporter } from "../report.ts";
import { nameOf } from "../sources.ts";
import { requireColumns, trainedOn } from "./apply.ts";

export const report: Command = {
  name: "report",
  operands: ["MODEL", "DATA"],
  takes: ["model", "detector"],
  summary: "Write an HTML page about a model or a detector and a table.",
  description:
    "One page that needs nothing else: what the model is, the losses of its training, a map of the codes, the distribution of the errors, the oddest rows and their worst columns, and columns by error. With --images also filters and reconstructions. Of a detector: what it learned, how scores are spread, the oddest rows and why, and how flags agree with --labels.",
  options: {
    output: { short: "o", value: "FILE", help: 'where to write; "-" is standard output' },
    title: { value: "TEXT", help: "what the page is called", default: "the model's file" },
    labels: {
      value: "COLUMN",
      help: "a column of labels: colours the map of a model's codes; tells how well a detector's flags agree",
    },
    ...decisionOptions,
    images: { value: "WxH", help: "rows are images of so many pixels, such as 28x28" },
    ...tableOptions,
    ...runtimeOptions,
    ...forceOption,
  },
  examples: [
    ["of sensors", "tied-autoencoder report model.safetensors data.csv -o report.html"],
    ["of a detector", "tied-autoencoder report d.safetensors new.csv --labels odd -o report.html"],
    ["of images", "tied-autoencoder report model.safetensors digits.npy --images 8x8 -o r.html"],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const [modelPath = "", dataPath = ""] = args.operands;
  readDecision(args); // before anything is read
  const output = args.text("output");
  if (output === undefined) throw new UsageError("report needs --output FILE.");
  const images = readImages(args.text("images"));
  await requireReplaceable(output, replaceable(args, [modelPath, dataPath], ["report"]));
  const title = args.text("title") ?? basename(modelPath);
  if (await isDetector(modelPath)) {
    if (images) throw new UsageError("--images is for models of images, and not for detectors.");
    const html = await reportDetector(args, modelPath, dataPath, title);
    return save(output, html);
  }
  const stray = args.given.find((name) => Object.hasOwn(decisionOptions, name));
  if (stray !== undefined) throw new UsageError(`--${stray} is for detectors, and not for models.`);
  const { model, note } = await readModel(modelPath, readRuntime(args));
  const table = await openTable(
    dataPath,
    readTableOptions(args, resultReporter(false), trainedOn(note)),
  );
  const width = model.config.layers[0] ?? 0;
  requireColumns(table, width, "row");
  const { data, rows } = await readWhole(table);
  const matrix: MatrixInput = { data, shape: [rows, width] };
  const names = note.columns ?? table.names;
  const labels = await readLabelValues(args, dataPath, rows);
  const html = await placed([["x", table]], () =>
    makeReport(model, matrix, {
      title,
      ...(names && { columns: names }),
      ...(images && { images }),
      ...(labels && { labels }),
      ...(note.losses && { history: note.losses }),
    }),
  );
  await save(output, html);
}

async function save(output: string, html: string): Promise<void> {
  await writeWhole(output, html);
  if (output !== "-") resultReporter(false).say(`saved ${output}`);
}

/** The page about a detector. */
async function reportDetector(
  args: Arguments,
  modelPath: string,
  dataPath: string,
  title: string,
): Promise<string> {
  const { detector, decision: kept } = await readDetector(modelPath, readRuntime(args));
  const { window, calibrationRows } = detector.config;
  const decision =
    readDecision(args) ?? kept ?? defaultDecision(window !== undefined, false, calibrationRows);
  // Whether a decision is possible depends on the detector, and not on the rows to judge.
  const detectorFile = { file: nameOf(modelPath), lineOf: () => undefined };
  await inFile(detectorFile, () => requireDecision(detector, decision));
  const table = await readDetectorTable(args, dataPath, resultReporter(false), detector);
  return inFile(table, () => {
    const judged = judgeRows(detector, table, (rows) => detector.detect(rows, decision), 0);
    return detectorReport(judged, decision, title);
  });
}

/** The values of the column of labels, which may be text, for the map of codes. */
async function readLabelValues(
  args: Arguments,
  path: string,
  rows: number,
): Promise<(string | number)[] | undefined> {
  if (args.text("labels") === undefined) return undefined;
  if (path === "-") throw new UsageError("--labels reads the table once more; name a file.");
  const table = await readDetectorTable(args, path, { warn() {} });
  const column = table.columns.find(({ name }) => name === table.roles.labels);
  return Array.from({ length: rows }, (_, row) => column?.values[row] ?? "");
}

/** `28x28` as width and height. */
function readImages(text: string | undefined): ReportImages | undefined {
  if (text === undefined) return undefined;
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? [];
  if (width === undefined || height === undefined) {
    throw new UsageError(`--images takes a width and a height such as 28x28; got ${text}.`);
  }
  return { width: Number(width), height: Number(height) };
}
