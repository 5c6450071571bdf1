// `evaluate`: how well a model reconstructs a table, as a whole.

import type { MatrixInput } from "../../index.ts";
import type { Arguments, Command } from "../arguments.ts";
import { CommandError } from "../errors.ts";
import { openTable, type Piece, readTableOptions, tableOptions } from "../input.ts";
import { readModel, readRuntime, runtimeOptions } from "../model-file.ts";
import { grouped, short } from "../numbers.ts";
import { requireColumns } from "./apply.ts";

export const evaluate: Command = {
  name: "evaluate",
  operands: ["MODEL", "DATA"],
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
  const table = await openTable(dataPath, readTableOptions(args, note.columns));
  requireColumns(table, model.config.layers[0]!, "row");
  const masks = model.config.missing === "mask";
  const errors: Float32Array[] = [];
  let [loss, squares, weight] = [0, 0, 0];
  for await (const piece of table.pieces()) {
    const rows: MatrixInput = { data: piece.data, shape: [piece.rows, table.columns] };
    const rowErrors = model.reconstructionErrors(rows);
    const counts = countedValues(piece, table.columns, masks);
    const sum = counts.reduce((total, count) => total + count, 0);
    // A piece, and a row in it, weighs by the values that count.
    if (sum > 0) {
      loss += model.evaluate(rows) * sum;
      rowErrors.forEach((error, i) => {
        if (counts[i]! > 0) squares += error * counts[i]!;
      });
    }
    weight += sum;
    errors.push(rowErrors);
  }
  const rows = errors.reduce((total, { length }) => total + length, 0);
  if (rows === 0) throw new CommandError(`${table.file}: there are no rows to evaluate on`);
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
    process.stdout.write(`${JSON.stringify({ rows, ...Object.fromEntries(numbers) })}\n`);
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
  process.stdout.write(
    `${lines.map(([name, value]) => `${name!.padEnd(8)}${value}`).join("\n")}\n`,
  );
}

/** For each row how many values count: all, or those that are not missing where such are left out. */
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
