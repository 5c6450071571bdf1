// The commands that run rows through a model as they arrive: encode, decode, reconstruct and score. All share one
// loop, whose memory does not grow with the data.

import type { MatrixInput, TiedAutoencoder } from "../../index.ts";
import type { Arguments, Command, Options } from "../arguments.ts";
import { CommandError } from "../errors.ts";
import { openTable, readTableOptions, type Table, tableOptions, type Wanted } from "../input.ts";
import { isDetector } from "../kinds.ts";
import { type ModelNote, readModel, readRuntime, runtimeOptions } from "../model-file.ts";
import { compact, grouped, jsonNumbers } from "../numbers.ts";
import { placed } from "../places.ts";
import { bar, type Reporter, resultReporter } from "../report.ts";
import { type RowShape, requireRowOutput, rowOptions, writingRows } from "../rows.ts";

interface Application {
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  readonly options?: Options;
  readonly examples: Command["examples"];
  /** The kind of a row of the data: a row of the input, or a code. */
  readonly takes: "row" | "code";
  /** The columns of the output. `features` are the names of the columns that the model was trained on. */
  shape(model: TiedAutoencoder, features: readonly string[] | undefined, args: Arguments): RowShape;
  apply(model: TiedAutoencoder, rows: MatrixInput, args: Arguments): Float32Array;
}

const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${name}${i + 1}`);

const width = (model: TiedAutoencoder): number => model.config.layers[0]!;
const codeUnits = (model: TiedAutoencoder): number => model.config.layers.at(-1)!;

const featureShape: Application["shape"] = (model, features) => ({
  names: features,
  columns: width(model),
  toJson: (row) => ({ values: jsonNumbers(row) }),
});

export const encode = application({
  name: "encode",
  summary: "Turn rows into their codes.",
  takes: "row",
  examples: [
    ["codes as CSV", "tied-autoencoder encode model.safetensors data.csv -o codes.csv"],
    ["through a pipe", "zcat big.csv.gz | tied-autoencoder encode model.safetensors - | head"],
  ],
  shape: (model) => ({
    names: numbered("code", codeUnits(model)),
    columns: codeUnits(model),
    toJson: (row) => ({ code: jsonNumbers(row) }),
  }),
  apply: (model, rows) => model.encode(rows),
});

export const decode = application({
  name: "decode",
  summary: "Turn codes back into rows.",
  takes: "code",
  examples: [
    ["what the codes stand for", "tied-autoencoder decode model.safetensors codes.npy -o rows.npy"],
  ],
  shape: featureShape,
  apply: (model, codes) => model.decode(codes),
});

export const reconstruct = application({
  name: "reconstruct",
  summary: "Run rows through the model: encode and decode.",
  description: "Rows come out in the units that they came in.",
  takes: "row",
  examples: [
    ["without noise", "tied-autoencoder reconstruct model.safetensors noisy.csv -o clean.csv"],
  ],
  shape: featureShape,
  apply: (model, rows) => model.reconstruct(rows),
});

export const score = application({
  name: "score",
  summary: "Tell how badly the model reconstructs each row: an anomaly score.",
  description:
    "The error is the mean of the squared differences, after scaling where the model scales. --features adds the squared error of every column, to see which of them stand out. By a detector the score is its own, with a p-value beside it.",
  takes: "row",
  options: { features: { help: "the error of every column as well" } },
  examples: [
    ["one error a row", "tied-autoencoder score model.safetensors data.csv -o errors.csv"],
    [
      "the ten oddest rows, with their numbers",
      "tied-autoencoder score model.safetensors data.csv --no-names \\\n      | cat -n | sort -rgk2 | head",
    ],
    [
      "which columns stand out",
      "tied-autoencoder score model.safetensors data.csv --features --json",
    ],
  ],
  shape(model, features, args) {
    if (!args.flag("features")) {
      return { names: ["error"], columns: 1, toJson: (row) => ({ error: jsonNumbers(row)[0] }) };
    }
    const columns = width(model);
    const names = features ?? numbered("column", columns);
    return {
      names: ["error", ...names],
      columns: 1 + columns,
      toJson(row) {
        const [error, ...errors] = jsonNumbers(row);
        return { error, features: Object.fromEntries(names.map((name, j) => [name, errors[j]])) };
      },
    };
  },
  apply(model, rows, args) {
    const errors = model.reconstructionErrors(rows);
    if (!args.flag("features")) return errors;
    const each = model.featureErrors(rows);
    const columns = width(model);
    const joined = new Float32Array(errors.length * (columns + 1));
    errors.forEach((error, i) => {
      joined[i * (columns + 1)] = error;
      joined.set(each.subarray(i * columns, (i + 1) * columns), i * (columns + 1) + 1);
    });
    return joined;
  },
});

function application(what: Application): Command {
  return {
    name: what.name,
    operands: ["MODEL", what.takes === "row" ? "DATA" : "CODES"],
    takes: what.name === "score" ? ["model", "detector"] : ["model"],
    summary: what.summary,
    ...(what.description === undefined ? {} : { description: what.description }),
    options: { ...what.options, ...rowOptions, ...tableOptions, ...runtimeOptions },
    examples: what.examples,
    run: (args) => run(what, args),
  };
}

async function run(what: Application, args: Arguments): Promise<void> {
  const [modelPath = "", dataPath = ""] = args.operands;
  await requireRowOutput(args, [modelPath, dataPath]);
  if (await isDetector(modelPath)) {
    return (await import("../detector/score.ts")).scoreByDetector(args);
  }
  const { model, note } = await readModel(modelPath, readRuntime(args));
  const report = resultReporter(args.flag("json"));
  const table = await openTable(
    dataPath,
    readTableOptions(args, report, what.takes === "row" ? trainedOn(note) : { isFixed: true }),
  );
  requireColumns(table, what.takes === "row" ? width(model) : codeUnits(model), what.takes);
  const features = note.columns ?? (what.takes === "row" ? table.names : undefined);
  const started = performance.now();
  let done = 0;
  await writingRows(args, what.shape(model, features, args), async (writer) => {
    for await (const { rows, data } of table.pieces()) {
      const input: MatrixInput = { data, shape: [rows, table.columns] };
      const tables = ["x", "code"].map((name) => [name, table] as const);
      await writer.write(await placed(tables, () => what.apply(model, input, args), done));
      done += rows;
      tell(report, table, done, started);
    }
  });
  const seconds = (performance.now() - started) / 1000;
  const output = args.text("output") ?? "-";
  if (output !== "-")
    report.say(`${grouped(done)} rows in ${seconds.toFixed(1)} s; saved ${output}`);
}

/** The columns that a model was trained on, which are found by their names. */
export const trainedOn = ({ columns, decimal }: ModelNote): Wanted => ({
  decimal,
  ...(columns ? { wanted: { names: columns, why: "which the model was trained on" } } : {}),
  isFixed: true,
});

export function requireColumns(table: Table, width: number, takes: "row" | "code"): void {
  if (table.columns === width) return;
  const what = takes === "row" ? "the model takes" : "the model's codes have";
  const hint = table.columns > width ? "; --columns chooses some" : "";
  throw new CommandError(`${table.file}: has ${table.columns} columns, ${what} ${width}${hint}`, {
    file: table.file,
  });
}

function tell(report: Reporter, table: Table, rows: number, started: number): void {
  report.progress(() => {
    const seconds = (performance.now() - started) / 1000;
    const read = table.bytesRead();
    const share = table.rows === undefined ? read / (table.size ?? Infinity) : rows / table.rows;
    return [
      ...(table.size === undefined ? [] : [bar(share, 20)]),
      `${grouped(rows)} rows`,
      `${compact(rows / seconds)} rows/s`,
      `${compact(read / seconds)}B/s`,
    ].join("  ");
  });
}
