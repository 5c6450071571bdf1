// `report`: a model and a table as one HTML page.

import { basename } from "node:path";
import type { MatrixInput } from "../../index.ts";
import { report as makeReport, type ReportImages } from "../../report/report.ts";
import type { Arguments, Command } from "../arguments.ts";
import { UsageError } from "../errors.ts";
import { openTable, readTableOptions, readWhole, tableOptions } from "../input.ts";
import { readModel, readRuntime, runtimeOptions } from "../model-file.ts";
import { forceOption, replaceable, requireReplaceable, writeWhole } from "../output.ts";
import { placed } from "../places.ts";
import { resultReporter } from "../report.ts";
import { requireColumns, trainedOn } from "./apply.ts";

export const report: Command = {
  name: "report",
  operands: ["MODEL", "DATA"],
  summary: "Write an HTML page about a model and a table.",
  description:
    "One page that needs nothing else: what the model is, a map of the codes, the distribution of the errors, the oddest rows with the columns to blame, and columns by error. With --images also filters and reconstructions.",
  options: {
    output: { short: "o", value: "FILE", help: 'where to write; "-" is standard output' },
    title: { value: "TEXT", help: "what the page is called", default: "the model's file" },
    images: { value: "WxH", help: "rows are images of so many pixels, such as 28x28" },
    ...tableOptions,
    ...runtimeOptions,
    ...forceOption,
  },
  examples: [
    ["of sensors", "tied-autoencoder report model.safetensors data.csv -o report.html"],
    ["of images", "tied-autoencoder report model.safetensors digits.npy --images 8x8 -o r.html"],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const [modelPath, dataPath] = args.operands as [string, string];
  const output = args.text("output");
  if (output === undefined) throw new UsageError("report needs --output FILE.");
  const images = readImages(args.text("images"));
  await requireReplaceable(output, replaceable(args, [modelPath, dataPath], []));
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
  const title = args.text("title") ?? basename(modelPath);
  const html = await placed([["x", table]], () =>
    makeReport(model, matrix, {
      title,
      ...(names && { columns: names }),
      ...(images && { images }),
    }),
  );
  await writeWhole(output, html);
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
