// `train`: reads all rows, settles what the user left open, fits, and saves; goes on with --resume.

import type { FitOptions, History, TiedAutoencoder } from "../../index.ts";
import type { Arguments, Command } from "../arguments.ts";
import { CommandError, UsageError } from "../errors.ts";
import { openTable, placeOf, readTableOptions, readWhole, tableOptions } from "../input.ts";
import { encodeModel, readModel, readRuntime, runtimeOptions } from "../model-file.ts";
import { duration, fixed, grouped, short } from "../numbers.ts";
import { requireWritable, writeWhole } from "../output.ts";
import { makeReporter, type Reporter, setting } from "../report.ts";
import { exitCode, handlingSignals } from "../signals.ts";
import { defaultBatchSize, defaultEpochs, survey } from "../survey.ts";
import {
  fitOptions,
  makeModel,
  matrix,
  modelOptions,
  runOptions,
  type TrainingData,
} from "../training.ts";
import { Watch } from "../watch.ts";

export const train: Command = {
  name: "train",
  operands: ["DATA"],
  summary: "Train a model on a table of numbers and save it.",
  description:
    "What you leave open follows from the data and is shown. Ctrl-C ends training after the step under way and saves; --resume goes on as if nothing had been. The file is replaced only when the new one is complete.",
  options: {
    output: { short: "o", value: "FILE", help: "the model (default model.safetensors)" },
    resume: { help: "go on with the training of the model in --output" },
    ...runOptions,
    "learning-rate": { short: "l", value: "RATE", help: "default 0.001" },
    "max-seconds": { value: "N", help: "stop after so many seconds, and save" },
    ...modelOptions,
    ...tableOptions,
    ...runtimeOptions,
    json: { help: "tell what happens as one JSON object a line, on standard output" },
    quiet: { short: "q", help: "tell nothing" },
  },
  examples: [
    [
      "all columns but the label, the rest by default",
      "tied-autoencoder train data.csv --columns '!label'",
    ],
    [
      "MNIST, 784 to 128 and back",
      "tied-autoencoder train train-images-idx3-ubyte.gz --layers 128 -e 10",
    ],
    [
      "a deeper model that stops by itself",
      "tied-autoencoder train x.npy --layers 64,32,8 --validation .1 \\\n      --early-stopping patience=10,restoreBest",
    ],
    [
      "denoising, and then on to epoch 40",
      "tied-autoencoder train x.npy --noise gaussian:std=.2 -e 20\n  tied-autoencoder train x.npy --resume -e 40",
    ],
  ],
  run,
};

const SAVE_EVERY = 30_000; // milliseconds between saves while training goes on

async function run(typed: Arguments): Promise<void> {
  const path = typed.text("output") ?? "model.safetensors";
  if (path === "-")
    throw new UsageError("train saves a model in a file; give --output the file's name.");
  await requireWritable(path);
  const report = makeReporter({ json: typed.flag("json"), quiet: typed.flag("quiet") });
  const resumed = typed.flag("resume") ? await readResumed(typed, path) : undefined;
  const args = typed.withDefaults(resumed?.note.training ?? {});

  const data = await readTraining(args, resumed?.note.columns, resumed?.model, report);
  const { rows } = data.facts;
  const batchSize = args.whole("batch-size", 1) ?? defaultBatchSize(rows);
  const epochs = args.whole("epochs", 1) ?? defaultEpochs(rows, batchSize);
  const model = resumed?.model ?? (await makeModel(args, data, report));
  const rate = typed.number("learning-rate");
  if (resumed && rate !== undefined) model.learningRate = rate;
  const { fit, stepsPerEpoch } = await fitOptions(args, data, model, epochs, batchSize);

  // Defaults are kept as they were settled, so that a resumed run does not depend on them.
  const training = {
    ...args.pick([...Object.keys(runOptions), ...Object.keys(tableOptions)]),
    epochs: String(epochs),
    "batch-size": String(batchSize),
  };
  const note = { columns: data.table.names, training };
  const save = () => writeWhole(path, encodeModel(model, note));
  const length = `${grouped(epochs)} epochs of ${grouped(stepsPerEpoch)} steps, ${batchSize} rows a step`;
  report.say(setting("training", `${length}, learning rate ${model.learningRate}`));
  report.event("start", () => ({ config: model.config, build: model.build, epochs, batchSize }));

  const watch = new Watch(report, epochs, stepsPerEpoch);
  const { history, signal } = await fitUntilSignal(model, data, fit, watch, save);
  await save();
  tell({ report, watch, history, signal, model, epochs, path, args: typed });
}

/** The model to go on with; what made it cannot be chosen again. */
async function readResumed(typed: Arguments, path: string) {
  const settled = typed.given.find((name) => Object.hasOwn(modelOptions, name));
  if (settled !== undefined) {
    throw new UsageError(
      `--${settled} is for a new model; --resume goes on with the one in ${path}.`,
    );
  }
  return readModel(path, readRuntime(typed));
}

/** All rows, looked over for what training refuses, so that messages can name the place in the file. */
async function readTraining(
  args: Arguments,
  wanted: readonly string[] | undefined,
  model: TiedAutoencoder | undefined,
  report: Reporter,
): Promise<TrainingData> {
  const started = performance.now();
  const table = await openTable(args.operands[0]!, readTableOptions(args, wanted));
  const width = model?.config.layers[0];
  if (width !== undefined && table.columns !== width) {
    throw new CommandError(
      `${table.file}: has ${table.columns} columns, the model takes ${width}; --columns chooses`,
    );
  }
  const rows = await readWhole(table);
  if (rows.rows === 0) throw new CommandError(`${table.file}: there are no rows to train on`);
  const facts = survey(rows.data, table.columns);
  const place = (at: number) => placeOf(table, Math.floor(at / table.columns), at % table.columns);
  if (facts.firstInfinite >= 0) {
    throw new CommandError(
      `${await place(facts.firstInfinite)}: training wants finite numbers, this one is infinite`,
    );
  }
  const missing = model?.config.missing ?? args.text("missing") ?? "error";
  if (facts.missing > 0 && missing === "error") {
    throw new CommandError(
      `${await place(facts.firstMissing)}: no value here; --missing mask leaves such cells out, --missing mean fills them in`,
    );
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(2);
  const size = `${grouped(facts.rows)} rows of ${grouped(facts.columns)}`;
  const range = `${short(facts.low)} to ${short(facts.high)}`;
  const gaps = facts.missing > 0 ? `, ${grouped(facts.missing)} values missing` : "";
  const note = `${table.format}, read in ${seconds} s`;
  report.say(setting("data", `${size}, from ${range}${gaps}`, note));
  report.event("data", () => ({
    file: table.file,
    format: table.format,
    rows: facts.rows,
    columns: facts.columns,
    names: table.names,
    low: facts.low,
    high: facts.high,
    missing: facts.missing,
  }));
  return { table, rows, facts };
}

async function fitUntilSignal(
  model: TiedAutoencoder,
  data: TrainingData,
  fit: FitOptions,
  watch: Watch,
  save: () => Promise<void>,
): Promise<{ history: History; signal: NodeJS.Signals | undefined }> {
  let signal: NodeJS.Signals | undefined;
  let saved = performance.now();
  const history = await handlingSignals(
    (received) => {
      signal = received;
    },
    () =>
      model.fit(matrix(data.rows, data.table), {
        ...fit,
        onStep(step) {
          watch.step(step);
          return signal === undefined;
        },
        async onEpoch(epoch) {
          watch.epoch(epoch);
          if (signal !== undefined) return false;
          if (performance.now() - saved < SAVE_EVERY) return true;
          await save();
          saved = performance.now();
          return true;
        },
      }),
  );
  return { history, signal };
}

interface Ending {
  readonly report: Reporter;
  readonly watch: Watch;
  readonly history: History;
  readonly signal: NodeJS.Signals | undefined;
  readonly model: TiedAutoencoder;
  readonly epochs: number;
  readonly path: string;
  readonly args: Arguments;
}

/** How it ended, and how to go on. */
function tell({ report, watch, history, signal, model, epochs, path, args }: Ending): void {
  const { seconds, steps } = watch;
  const total = model.stepCount;
  const { loss, valLoss } = history.history;
  report.event("saved", () => ({ file: path, steps: total, seconds, complete: !signal }));
  const again = `tied-autoencoder train ${args.operands[0]} -o ${path} --resume`;
  if (signal) {
    process.exitCode = exitCode(signal);
    report.say(`Stopped after step ${grouped(total)}, saved ${path}. To go on:\n  ${again}`);
    return;
  }
  if (steps === 0) {
    report.say(
      `The run has had its ${epochs} epochs. For more:\n  ${again} --epochs ${epochs * 2}`,
    );
    return;
  }
  const reached = loss.length > 0 ? `loss ${fixed(loss.at(-1)!)}, ` : "";
  const checked = valLoss?.length ? `validation ${fixed(valLoss.at(-1)!)}, ` : "";
  report.say(`${reached}${checked}${grouped(steps)} steps in ${duration(seconds)}; saved ${path}`);
}
