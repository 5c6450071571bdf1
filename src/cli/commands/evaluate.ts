// `evaluate`: how well a model reconstructs a table, as a whole.

import type { MatrixInput } from "../../index.ts";
import type { Arguments, Command } from "../arguments.ts";
import { print } from "../console.ts";
import { CommandError } from "../errors.ts";
import { openTable, type Piece, readTableOptions, tableOptions } from "../input.ts";
import { readModel, readRuntime, runtimeOptions } from "../model-file.ts";
import { grouped, short } from "../numbers.ts";
import { placed } from "../places.ts";
import { resultReporter } from "../report.ts";
import { toJson } from "../text.ts";
import { requireColumns, trainedOn } from "./apply.ts";

export const evaluate: Command = {
  name: "evaluate",
  operands: ["MODEL", "DATA"],
  takes: ["model"],
  summary: "Tell how well a model reconstructs a table.",
  description:
    "Prints the loss that the model was trained on, the mean squared error of a number, and how the errors of rows are spread. Errors are those after scaling where the model scales.",
  options: {
    ...tableOptions,
    ...runtimeOptions,
    json: { help: "print one JSON object" },
  },
  examples: [
    ["on rows it never saw", "tied-autoencoder evaluate model.safetensors test.csv"],
    ["for a program", "tied-autoencoder evaluate model.safetensors test.npy --json"],
  ],
  run,
};

const QUANTILES = { median: 0.5, p95: 0.95, p99: 0.99, max: 1 };

async function run(args: Arguments): Promise<void> {
  const [modelPath, dataPath] = args.operands as [string, string];
  const { model, note } = await readModel(modelPath, readRuntime(args));
  const table = await openTable(
    dataPath,
    readTableOptions(args, resultReporter(args.flag("json")), trainedOn(note)),
  );
  requireColumns(table, model.config.layers[0]!, "row");
  const masks = model.config.missing === "mask";
  const errors: Float32Array[] = [];
  let [loss, squares, weight, done] = [0, 0, 0, 0];
  for await (const piece of table.pieces()) {
    const rows: MatrixInput = { data: piece.data, shape: [piece.rows, table.columns] };
    const tables = [["x", table]] as const;
    const rowErrors = await placed(tables, () => model.reconstructionErrors(rows), done);
    const counts = countedValues(piece, table.columns, masks);
    const sum = counts.reduce((total, count) => total + count, 0);
    // Weight each piece, and each row in it, by its number of known values.
    if (sum > 0) {
      loss += (await placed(tables, () => model.evaluate(rows), done)) * sum;
      rowErrors.forEach((error, i) => {
        if (counts[i]! > 0) squares += error * counts[i]!;
      });
    }
    weight += sum;
    errors.push(rowErrors);
    done += piece.rows;
  }
  const rows = errors.reduce((total, { length }) => total + length, 0);
  if (rows === 0)
    throw new CommandError(`${table.file}: there are no rows to evaluate on`, {
      file: table.file,
    });
  const known = new Float64Array(rows);
  let at = 0;
  for (const part of errors) {
    const there = part.filter((error) => !Number.isNaN(error));
    known.set(there, at);
    at += there.length;
  }
  const sorted = known.subarray(0, at).sort();
  const quantiles = Object.entries(QUANTILES).map(
    ([name, share]) => [name, sorted[Math.ceil(share * at) - 1] ?? Number.NaN] as const,
  );
  const means = { loss: loss / weight, mse: squares / weight };
  if (args.flag("json")) {
    const finite = (value: number) => (Number.isFinite(value) ? value : null);
    const numbers = [...Object.entries(means), ...quantiles].map(([k, v]) => [k, finite(v)]);
    await print(`${toJson({ rows, ...Object.fromEntries(numbers) })}\n`);
    return;
  }
  const lossName =
    typeof model.config.loss === "string" ? model.config.loss : model.config.loss.type;
  const scaled = model.config.scaler ? ", after scaling" : "";
  const lines = [
    ["rows", grouped(rows)],
    [`loss`, `${short(means.loss)}  (${lossName}${scaled})`],
    ["mse", `${short(means.mse)}  (mean squared error of a number${scaled})`],
    ...quantiles.map(([name, value], i) => [
      name,
      `${short(value)}${i === 0 ? "  (errors of rows)" : ""}`,
    ]),
  ];
  await print(`${lines.map(([name, value]) => `${name!.padEnd(8)}${value}`).join("\n")}\n`);
}

/** The number of counted values in each row: all values, or the known ones if the model leaves out missing values. */
function countedValues({ rows, data }: Piece, columns: number, masks: boolean): number[] {
  return Array.from({ length: rows }, (_, row) => {
    if (!masks) return columns;
    let count = 0;
    for (let at = row * columns; at < (row + 1) * columns; at++) {
      if (!Number.isNaN(data[at])) count++;
    }
    return count;
  });
}
