// `info`: what a model or a table holds.

import { open, stat } from "node:fs/promises";
import type { Arguments, Command } from "../arguments.ts";
import { print } from "../console.ts";
import { fileError } from "../errors.ts";
import { openTable, readTableOptions, readWhole, tableOptions } from "../input.ts";
import { safetensorsHeader } from "../kinds.ts";
import { readModel } from "../model-file.ts";
import { grouped, short } from "../numbers.ts";
import { resultReporter, setting } from "../report.ts";
import { defaultBatchSize, defaultEpochs, defaultLayers, defaultScale, survey } from "../survey.ts";
import { listed, toJson, visibleLines } from "../text.ts";

export const info: Command = {
  name: "info",
  operands: ["FILE"],
  summary: "Tell what a model or a table holds.",
  options: { ...tableOptions, json: { help: "print one JSON object" } },
  examples: [
    ["a model", "tied-autoencoder info model.safetensors"],
    ["a table, and how train would treat it", "tied-autoencoder info data.csv"],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const [path] = args.operands as [string];
  const facts = (await isModel(path)) ? await modelFacts(path) : await tableFacts(path, args);
  await print(`${args.flag("json") ? toJson(facts.json) : facts.text}\n`);
}

interface Facts {
  readonly text: string;
  readonly json: object;
}

/** A safetensors file opens with the length of its header, a small number, and a brace. */
async function isModel(path: string): Promise<boolean> {
  if (path === "-") return false;
  try {
    if (!(await stat(path)).isFile()) return false; // a pipe is read once
    const handle = await open(path);
    try {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(9), 0, 9, 0);
      return safetensorsHeader(buffer.subarray(0, bytesRead)) !== undefined;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(path, error);
  }
}

async function modelFacts(path: string): Promise<Facts> {
  const { model, note } = await readModel(path, {});
  const { scaler, missing } = model.config;
  const lines = [
    visibleLines(model.summary()),
    setting("trained", `${grouped(model.stepCount)} steps`),
    ...(scaler ? [setting("scale", typeof scaler === "string" ? scaler : scaler.type)] : []),
    ...(missing === "error" ? [] : [setting("missing", missing)]),
    ...(note.columns ? [setting("columns", listed(note.columns))] : []),
  ];
  const json = { model: model.config, steps: model.stepCount, columns: note.columns };
  return { text: lines.join("\n"), json };
}

async function tableFacts(path: string, args: Arguments): Promise<Facts> {
  const table = await openTable(path, readTableOptions(args, resultReporter(args.flag("json"))));
  const { data } = await readWhole(table);
  const facts = survey(data, table.columns);
  const { rows, columns, low, high, missing } = facts;
  const [scale, why] = defaultScale(facts, "mse");
  const scaleText = typeof scale === "string" ? scale : `${short(scale.low)}:${short(scale.high)}`;
  const batchSize = defaultBatchSize(rows);
  const epochs = defaultEpochs(rows, batchSize);
  const layers = defaultLayers(columns);
  const lines = [
    setting("format", table.format),
    setting("rows", grouped(rows)),
    setting("columns", grouped(columns), table.names && listed(table.names)),
    setting("range", `${short(low)} to ${short(high)}`, facts.whole ? "whole numbers" : undefined),
    setting("missing", missing === 0 ? "none" : `${grouped(missing)} values`),
    "",
    "train would take",
    setting("  layers", layers.join(",")),
    setting("  scale", scaleText, why),
    setting("  epochs", `${epochs}, ${batchSize} rows a step`),
  ];
  const { file, format, names } = table;
  const json = { file, format, rows, columns, names, low, high, missing };
  return { text: lines.join("\n"), json };
}
