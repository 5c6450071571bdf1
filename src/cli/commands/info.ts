// `info`: describes a model, a detector or a table.

import { open, stat } from "node:fs/promises";
import { decisionText } from "../../detect/decision-text.ts";
import { guessSchema } from "../../detect/table/schema.ts";
import { readSource } from "../../detect/table/source.ts";
import { type CellOptions, CellReader } from "../../formats/cell-values.ts";
import { sniffTable } from "../../formats/sniff.ts";
import { readBytes } from "../../formats/streams.ts";
import type { TableFormat } from "../../formats/table.ts";
import type { Arguments, Command } from "../arguments.ts";
import { print } from "../console.ts";
import { readDetector } from "../detector/file.ts";
import { columnOptions, readDetectorTable } from "../detector/table.ts";
import { detectorText, schemaLines } from "../detector/text.ts";
import { withoutTypos } from "../detector/typos.ts";
import { inFile } from "../detector/words.ts";
import { fileError } from "../errors.ts";
import {
  formatText,
  openTable,
  readHead,
  readTableOptions,
  readWhole,
  tableOptions,
} from "../input.ts";
import { isDetector, safetensorsHeader } from "../kinds.ts";
import { readModel } from "../model-file.ts";
import { counted, grouped, short } from "../numbers.ts";
import { resultReporter, setting } from "../report.ts";
import { openSource } from "../sources.ts";
import {
  defaultBatchSize,
  defaultEpochs,
  defaultLayers,
  defaultScale,
  type Survey,
  survey,
} from "../survey.ts";
import { listed, quoted, toJson, visibleLines } from "../text.ts";

export const info: Command = {
  name: "info",
  operands: ["FILE"],
  summary: "Tell what a model, a detector or a table holds.",
  options: { kinds: columnOptions.kinds, ...tableOptions, json: { help: "print one JSON object" } },
  examples: [
    ["a model", "tied-autoencoder info model.safetensors"],
    ["a table, its columns, and how train would treat it", "tied-autoencoder info data.csv"],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const [path = ""] = args.operands;
  const read = (await isModel(path))
    ? (await isDetector(path))
      ? detectorFacts
      : modelFacts
    : (await isArray(path))
      ? arrayFacts
      : tableFacts;
  const facts = await read(path, args);
  await print(`${args.flag("json") ? toJson(facts.json) : facts.text}\n`);
}

interface Facts {
  readonly text: string;
  readonly json: object;
}

/** A safetensors file begins with the length of its header, a small number, and a brace. */
async function isModel(path: string): Promise<boolean> {
  if (path === "-") return false;
  try {
    if (!(await stat(path)).isFile()) return false; // a pipe can be read only once
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

async function detectorFacts(path: string): Promise<Facts> {
  const { detector, decision } = await readDetector(path, {});
  const { schema, config, notes } = detector;
  const { window } = config;
  const drift = detector.drift();
  const time = window?.time === undefined ? "" : `; time in ${quoted(window.time)}`;
  const group =
    window?.groupBy === undefined ? "" : `; a series for each ${quoted(window.groupBy)}`;
  const lines = [
    setting("detector", detectorText(detector)),
    setting("learned", `${grouped(detector.training.score.length)} rows${time}${group}`),
    ...(decision ? [setting("flags", decisionText(decision))] : []),
    ...schemaLines(schema, window),
    ...notes.map((note) => setting("note", visibleLines(note))),
    ...(drift.alarm
      ? [setting("drift", "rows that it saw since are no longer like those learned")]
      : []),
  ];
  return { text: lines.join("\n"), json: { detector: config, schema, notes, decision, drift } };
}

/** Whether a file contains an array of numbers, which may be large and has no text. */
async function isArray(path: string): Promise<boolean> {
  const source = path === "-" ? undefined : await openSource(path);
  if (!source?.isFile) return false;
  const bytes = readBytes(source.bytes);
  try {
    const { head } = await readHead(bytes);
    return !/^(?:csv|json)$/.test(sniffTable(head));
  } catch {
    return false; // the reader of the file reports the error
  } finally {
    await bytes.return();
  }
}

/** A table of numbers and text, column by column. */
async function tableFacts(path: string, args: Arguments): Promise<Facts> {
  const report = resultReporter(args.flag("json"));
  const table = withoutTypos(await readDetectorTable(args, path, report), report);
  const chosen = table.columns.filter(({ name }) => table.roles.kinds[name] !== "ignore");
  const numbers = chosen.flatMap(({ kind, values }) =>
    kind === "number" ? [survey(values, 1)] : [],
  );
  const facts = merged(numbers, table.rows);
  const source = readSource("rows", { columns: chosen });
  const given = Object.fromEntries(
    Object.entries(table.roles.kinds).filter(([, kind]) => kind !== "ignore"),
  );
  const schema =
    source.kind === "table" && table.rows > 0
      ? await inFile(table, () => guessSchema(source, given, new CellReader(table.cells)))
      : [];
  const names = table.named ? chosen.map(({ name }) => name) : undefined;
  const texts = chosen.filter(({ kind }) => kind === "text");
  const { file, format, rows, cells } = table;
  const shape = { file, format, decimal: cells.decimal, rows, columns: chosen.length, names };
  const [first] = texts;
  const treatment = first
    ? [`train takes numbers, and ${quoted(first.name)} holds text; detect takes both`]
    : trainText(facts);
  const text = [
    ...headText({ ...shape, names: undefined }, facts, cells),
    ...(rows > 0 ? schemaLines(schema) : []),
    "",
    ...treatment,
  ].join("\n");
  const { low, high, missing } = facts;
  const kinds = schema.map(({ name, kind, missing: share, levels, value }) => {
    return { name, kind, missing: share, levels, value };
  });
  const json = { ...shape, low, high, missing, schema: kinds };
  return { text, json };
}

/** The facts about several columns together. */
function merged(columns: readonly Survey[], rows: number): Survey {
  const all = <Key extends keyof Survey>(key: Key) => columns.map((column) => column[key]);
  return {
    rows,
    columns: columns.length,
    low: Math.min(...all("low")),
    high: Math.max(...all("high")),
    whole: all("whole").every((whole) => whole),
    missing: all("missing").reduce((sum, count) => sum + count, 0),
    firstMissing: -1,
    firstInfinite: -1,
    firstOutside: -1,
  };
}

async function arrayFacts(path: string, args: Arguments): Promise<Facts> {
  const table = await openTable(path, readTableOptions(args, resultReporter(args.flag("json"))));
  const { data } = await readWhole(table);
  const facts = survey(data, table.columns);
  const { rows, columns, low, high, missing } = facts;
  const { file, format, names } = table;
  const shape = { file, format, rows, columns, names };
  const lines = [...headText(shape, facts), "", ...trainText(facts)];
  return { text: lines.join("\n"), json: { ...shape, low, high, missing } };
}

interface Shape {
  readonly format: TableFormat;
  readonly decimal?: "." | "," | undefined;
  readonly rows: number;
  readonly columns: number;
  readonly names: readonly string[] | undefined;
}

function headText(
  { format, decimal, rows, columns, names }: Shape,
  facts: Survey,
  cells?: CellOptions,
): string[] {
  const { low, high, missing, whole } = facts;
  const range = low <= high ? `${short(low)} to ${short(high)}` : "none";
  return [
    setting("format", formatText({ format, decimal }, cells)),
    setting("rows", grouped(rows)),
    setting("width", counted(columns, "column"), names && listed(names)),
    ...(facts.columns > 0
      ? [setting("range", range, whole && low <= high ? "whole numbers" : undefined)]
      : []),
    ...(facts.columns > 0
      ? [setting("missing", missing === 0 ? "none" : `${grouped(missing)} values`)]
      : []),
  ];
}

function trainText(facts: Survey): string[] {
  if (facts.rows < 2 || !(facts.low <= facts.high))
    return ["train needs at least two rows of numbers"];
  const { rows, columns } = facts;
  const [scale, why] = defaultScale(facts, "mse");
  const scaleText = typeof scale === "string" ? scale : `${short(scale.low)}:${short(scale.high)}`;
  const batchSize = defaultBatchSize(rows);
  const epochs = defaultEpochs(rows, batchSize);
  return [
    "train would take",
    setting("  layers", defaultLayers(columns).join(",")),
    setting("  scale", scaleText, why),
    setting("  epochs", `${epochs}, ${batchSize} rows a step`),
  ];
}
