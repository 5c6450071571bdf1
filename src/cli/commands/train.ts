// `train`: reads all rows, chooses the options that the user left open, fits, and saves. --resume finishes an interrupted
// run. --continue trains an existing model with other data.

import { DivergenceError, type History, type TiedAutoencoder } from "../../index.ts";
import {
  type Arguments,
  type Command,
  isValueFor,
  type Option,
  type Options,
} from "../arguments.ts";
import { isSame } from "../checksum.ts";
import { decisionOptions, detectorOptions } from "../detector/options.ts";
import { columnOptions } from "../detector/table.ts";
import { trainDetector } from "../detector/train.ts";
import { DiskRows } from "../disk-rows.ts";
import { CommandError, UsageError } from "../errors.ts";
import { tableOptions } from "../input.ts";
import { Keeper } from "../keeper.ts";
import { isDetector } from "../kinds.ts";
import { answersAlike } from "../learned.ts";
import { LossRecord } from "../losses.ts";
import {
  encodeModel,
  type Fingerprint,
  type ModelFile,
  readModel,
  readRuntime,
  runtimeOptions,
} from "../model-file.ts";
import { duration, fixed, grouped, short } from "../numbers.ts";
import {
  forceOption,
  isFilePath,
  replaceable,
  requireReplaceable,
  requireWritable,
} from "../output.ts";
import { placed } from "../places.ts";
import { requireSameColumns } from "../replacing.ts";
import { makeReporter, type Reporter, setting } from "../report.ts";
import { exitCode, handlingSignals } from "../signals.ts";
import { parseSpec } from "../spec.ts";
import { defaultBatchSize, defaultEpochs } from "../survey.ts";
import { shellQuote } from "../text.ts";
import {
  fitArguments,
  heldRows,
  MEMORY,
  MISSING,
  makeModel,
  memoryOption,
  modelOptions,
  readScale,
  runOptions,
  type Validation,
  validationShare,
} from "../training.ts";
import {
  type Demands,
  readTraining,
  readValidationFile,
  type TableData,
} from "../training-data.ts";
import { Watch } from "../watch.ts";

/** A shorter run may not have learned anything yet. */
const ENOUGH_STEPS = 100;
/** Seconds between two saves. */
const AUTOSAVE = 30;

/** Options only for detectors. Options that they share with models, such as the seed, are among the options of models. */
const detectorOnly = only({ ...columnOptions, ...decisionOptions, ...detectorOptions });

function only(options: Options): Options {
  const shared = [...Object.keys(modelOptions), ...Object.keys(runOptions)];
  return Object.fromEntries(Object.entries(options).filter(([name]) => !shared.includes(name)));
}

export const train: Command = {
  name: "train",
  operands: ["DATA"],
  takes: ["table"],
  summary: "Train a model on a table of numbers and save it.",
  description:
    "What you leave open follows from the data and is shown. The model is saved while it trains and at the end; its file is replaced only when the new one is complete. Ctrl-C, SIGTERM, SIGHUP and SIGQUIT end training after the step under way and save.\n\n--resume finishes a run that was cut, with the same data, as if it had never been cut. --continue trains the model on with other data, in a new run; a detector learns on from them, and old rows fade.",
  options: {
    output: { short: "o", value: "FILE", help: "the model", default: "model.safetensors" },
    resume: {
      help: "finish the run of the model in --output, on the same data",
      contradicts: "continue",
    },
    continue: { help: "train the model in --output on, with other data" },
    ...forceOption,
    ...runOptions,
    "learning-rate": {
      short: "l",
      value: "RATE",
      kind: "number",
      least: 0,
      help: "how far a step goes",
      default: "0.001",
    },
    "max-seconds": {
      value: "N",
      kind: "number",
      above: 0,
      help: "stop after so many seconds, and save",
    },
    autosave: {
      value: "SECONDS",
      kind: "number",
      least: 0,
      help: "save so often while training; 0 saves only at the end",
      default: String(AUTOSAVE),
    },
    ...modelOptions,
    detector: {
      help: "make a detector of odd rows instead of a model, as detect does; the options after this one are for it",
    },
    ...detectorOnly,
    ...tableOptions,
    ...runtimeOptions,
    json: { help: "tell what happens as one JSON object a line, on standard output" },
    quiet: { short: "q", help: "tell nothing but warnings and errors" },
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
      "denoising, and then to epoch 40",
      "tied-autoencoder train x.npy --noise gaussian:std=.2 -e 20\n  tied-autoencoder train x.npy --resume -e 40",
    ],
    ["next month's data", "tied-autoencoder train march.csv --continue -e 5"],
    [
      "a detector, and then next month's data for it",
      "tied-autoencoder train march.csv --detector -o plant.safetensors\n  tied-autoencoder train april.csv --continue -o plant.safetensors",
    ],
  ],
  run,
};

/** Options that apply to a detector. */
const DETECTOR_OPTIONS = [
  ...Object.keys({ ...detectorOnly, ...tableOptions, ...runtimeOptions, ...forceOption }),
  ...["detector", "continue", "output", "seed", "json", "quiet", "debug"],
];

async function run(typed: Arguments): Promise<void> {
  const path = typed.text("output") ?? "model.safetensors";
  if (path === "-") {
    throw new UsageError("train saves a model in a file; give --output the file's name.");
  }
  const [dataPath = ""] = typed.operands;
  if (typed.flag("detector") || (typed.flag("continue") && (await isDetector(path)))) {
    const other = typed.given.find((name) => !DETECTOR_OPTIONS.includes(name));
    if (other !== undefined)
      throw new UsageError(`--${other} is for models, and not for detectors.`);
    return trainDetector(typed, path, dataPath);
  }
  const stray = typed.given.find((name) => Object.hasOwn(detectorOnly, name));
  if (stray !== undefined) throw new UsageError(`--${stray} is for detectors; add --detector.`);
  const validationText = typed.text("validation");
  const share = validationText === undefined ? undefined : validationShare(validationText);
  const validationPath = share === undefined ? validationText : undefined;
  await requireReplaceable(
    path,
    replaceable(typed, [dataPath, validationPath], ["training", "model"]),
  );
  await requireWritable(path);
  const report = makeReporter({ json: typed.flag("json"), quiet: typed.flag("quiet") });
  const earlier = await readEarlier(typed, path);
  const kept = keptOptions(earlier);
  if (typed.flag("continue")) delete kept.epochs; // a new run on data of another size
  if (typed.flag("resume")) requireSameOrder(typed, kept, path);
  const args = typed.withDefaults(kept);
  await trainOn({ typed, args, path, dataPath, validationPath, earlier, report });
}

interface Task {
  /** The typed options, and the same with options of the earlier run for those that were left open. */
  readonly typed: Arguments;
  readonly args: Arguments;
  readonly path: string;
  readonly dataPath: string;
  readonly validationPath: string | undefined;
  readonly earlier: ModelFile | undefined;
  readonly report: Reporter;
}

async function trainOn(task: Task): Promise<void> {
  const { typed, args, path, report } = task;
  const demands = demandsOf(args, task.earlier);
  const storage = { memory: memoryOption(args), beside: path };
  const data = await readTraining(typed, task.dataPath, demands, report, storage);
  try {
    await trainWith(task, demands, data);
  } finally {
    if (data.rows instanceof DiskRows) await data.rows.close();
  }
}

async function trainWith(task: Task, demands: Demands, data: TableData): Promise<void> {
  const { typed, args, path, earlier, report } = task;
  const known = data.fingerprint;
  if (!earlier) {
    const { file, columns, names } = data.table;
    await requireSameColumns(typed, path, "output", { file, count: columns, names });
  }
  const resumes = typed.flag("resume");
  if (resumes) requireSameData(task, "data", data.table.file, known);
  const { validation, checked } = await readValidation(task, data, demands);

  const { rows } = data.facts;
  const batchSize = args.number("batch-size") ?? defaultBatchSize(rows);
  const epochs = args.number("epochs") ?? defaultEpochs(rows, batchSize);
  const model =
    earlier?.model ??
    (await placed([["x", data.table]], () => makeModel(args, data, validation, report)));
  const rate = typed.number("learning-rate");
  if (earlier && rate !== undefined) model.learningRate = rate;
  const fit = fitArguments(args, data, validation, model, epochs, batchSize);
  const { stepsPerEpoch } = fit;

  // The chosen defaults are kept, so that a resumed run does not depend on later defaults. Paths are not kept, because a
  // model from another source must not be able to select a file to read.
  const training = {
    ...args.pick([...Object.keys(runOptions), ...Object.keys(tableOptions)]),
    epochs: String(epochs),
    "batch-size": String(batchSize),
    memory: String(args.number("memory") ?? MEMORY),
  };
  if (validation && "file" in validation) delete (training as { validation?: string }).validation;
  const note = {
    columns: data.table.names ?? earlier?.note.columns,
    ...(data.table.decimal === "," ? { decimal: data.table.decimal } : {}),
    training,
    data: known,
    validation: checked,
  };
  const length = `${grouped(epochs)} epochs of ${grouped(stepsPerEpoch)} steps, ${batchSize} rows a step`;
  report.say(setting("training", `${length}, learning rate ${model.learningRate}`));
  report.event("start", () => ({ config: model.config, build: model.build, epochs, batchSize }));

  const losses = new LossRecord(resumes ? earlier?.note.losses : undefined);
  const keeper = new Keeper({
    path,
    every: (await isFilePath(path)) ? (typed.number("autosave") ?? AUTOSAVE) : 0,
    encode: () => encodeModel(model, { ...note, losses: losses.history }),
    steps: () => model.stepCount,
    report,
  });
  const watch = new Watch(report, epochs, stepsPerEpoch);
  const fitting = { model, data, validation, fit, watch, losses, keeper, report, path };
  const { history, signal } = await fitAndSave(fitting);
  if (watch.steps >= ENOUGH_STEPS && (await answersAlike(model, data.rows, data.table.columns))) {
    report.warn(
      `the model in ${path} has learned nothing: it answers every row alike. Another --seed, --activation or --learning-rate, more --epochs or fewer penalties may help`,
    );
  }
  tell({ task, watch, history, signal, model, epochs });
}

/** The model whose training continues. The options that made it cannot be changed. */
async function readEarlier(typed: Arguments, path: string): Promise<ModelFile | undefined> {
  const verb = ["resume", "continue"].find((name) => typed.flag(name));
  if (verb === undefined) return undefined;
  const settled = typed.given.find((name) => Object.hasOwn(modelOptions, name));
  if (settled !== undefined) {
    throw new UsageError(
      `--${settled} is for a new model; --${verb} trains the one in ${path} on.`,
    );
  }
  return readModel(path, readRuntime(typed));
}

const keptTable: Options = { ...runOptions, ...tableOptions };

/** The options of an earlier run in its file. Unknown options and paths are left out. */
function keptOptions(earlier: ModelFile | undefined): Record<string, string | boolean> {
  const kept = Object.entries(earlier?.note.training ?? {}).filter(([name, value]) => {
    const option: Option | undefined = Object.hasOwn(keptTable, name) ? keptTable[name] : undefined;
    if (option === undefined || !isValueFor(name, option, value)) return false;
    return name !== "validation" || isShare(String(value));
  });
  return Object.fromEntries(kept);
}

const isShare = (text: string): boolean => Number(text) > 0 && Number(text) < 1;

/** The options that decide which rows are in which step. */
const ORDER = ["batch-size", "memory", "no-shuffle"] as const;

/** --resume finishes a run with the rows in the same order. */
function requireSameOrder(
  typed: Arguments,
  kept: Record<string, string | boolean>,
  path: string,
): void {
  const defaults = { memory: String(MEMORY), "no-shuffle": false };
  const all: Record<string, string | boolean> = { ...defaults, ...kept };
  const began = (name: string) => (all[name] === false ? `without --${name}` : `with --${name}`);
  for (const name of ORDER) {
    const given = name === "no-shuffle" ? typed.flag(name) : typed.number(name);
    if (!typed.given.includes(name) || all[name] === undefined) continue;
    if (String(given) === String(all[name])) continue;
    const value = typeof all[name] === "string" ? ` ${all[name]}` : "";
    throw new UsageError(
      `The run in ${path} began ${began(name)}${value}, and --resume finishes it with the rows in the same order.`,
    );
  }
}

function demandsOf(args: Arguments, earlier: ModelFile | undefined): Demands {
  if (earlier) {
    const { config } = earlier.model;
    const columns = earlier.note.training?.columns;
    return {
      names: earlier.note.columns,
      decimal: earlier.note.decimal,
      width: config.layers[0],
      columns: typeof columns === "string" ? columns : undefined,
      missing: config.missing,
      loss: typeof config.loss === "string" ? config.loss : config.loss.type,
      unscaled: config.scaler === undefined,
    };
  }
  return {
    columns: args.text("columns"),
    missing: args.choice("missing", MISSING) ?? "error",
    loss: parseSpec("loss", args.text("loss") ?? "mse").type,
    unscaled: readScale(args)?.[0] === "none",
  };
}

async function readValidation(
  task: Task,
  data: TableData,
  demands: Demands,
): Promise<{ validation: Validation; checked?: Fingerprint }> {
  const { typed, args, validationPath, report } = task;
  if (validationPath !== undefined) {
    const file = await readValidationFile(typed, validationPath, data.table, demands, report);
    const checked = file.fingerprint;
    if (typed.flag("resume")) requireSameData(task, "validation", file.table.file, checked);
    report.say(setting("checks", `${grouped(file.facts.rows)} rows of ${file.table.file}`));
    return { validation: { file }, checked };
  }
  const text = args.text("validation");
  if (text !== undefined) {
    const share = Number(text);
    const held = heldRows(share, data.facts, data.table.file);
    const { rows } = data;
    const onDisk = rows instanceof DiskRows ? await heldFromDisk(args, rows, share, held) : {};
    const which = args.flag("validation-shuffle")
      ? `${grouped(held)} rows drawn at random`
      : `the last ${grouped(held)} rows`;
    report.say(setting("checks", `${which}, which are not trained on`));
    return { validation: { share, held, ...onDisk } };
  }
  if (typed.flag("resume") && task.earlier?.note.validation) {
    throw new UsageError(
      `The run in ${task.path} was checked on a file of ${grouped(task.earlier.note.validation.rows)} rows; name it with --validation.`,
    );
  }
  return { validation: undefined };
}

/** The last rows of those on disk, in memory. */
async function heldFromDisk(args: Arguments, rows: DiskRows, share: number, held: number) {
  const megabytes = (bytes: number) => `${short(bytes / 1e6)} MB`;
  const [memory, bytes] = [memoryOption(args), held * rows.rowBytes];
  const why =
    bytes > memory
      ? `--validation ${share} comes to ${grouped(held)} rows of ${megabytes(bytes)} in all, and they are kept in memory`
      : args.flag("validation-shuffle")
        ? "--validation-shuffle draws from rows in memory"
        : undefined;
  if (why !== undefined) {
    throw new UsageError(
      `${why}. The ${grouped(rows.rows)} rows have ${megabytes(rows.rows * rows.rowBytes)}, and --memory is ${megabytes(memory)}. Name a file with --validation, or give more --memory.`,
    );
  }
  return { rows: await rows.read(rows.rows - held, held) };
}

/** --resume finishes a run. It needs the rows with which the run began. */
function requireSameData(
  { path, dataPath, earlier }: Task,
  part: "data" | "validation",
  file: string,
  found: Fingerprint,
): void {
  const expected = earlier?.note[part];
  if (expected === undefined || isSame(expected, found)) return;
  const size = (one: typeof found) => `${grouped(one.rows)} rows of ${grouped(one.columns)}`;
  const kept = ({ bytes }: typeof found) =>
    bytes === undefined ? "in memory" : `on disk, with ${bytes} bytes a number`;
  const difference =
    size(expected) !== size(found)
      ? `it has ${size(found)} where that had ${size(expected)}`
      : expected.checksum !== found.checksum
        ? "its numbers are others"
        : `its numbers are the same, but the rows are ${kept(found)}, and then they were ${kept(expected)}, so that their order differs`;
  const what = part === "data" ? "trained" : "checked";
  const hint =
    part === "data"
      ? `. To train the model on with other data:\n  ${command([dataPath, "-o", path, "--continue"])}`
      : "";
  throw new CommandError(
    `${file}: is not what the run in ${path} was ${what} on: ${difference}, and --resume finishes a run on the same rows${hint}`,
    { file },
  );
}

interface Fitting {
  readonly model: TiedAutoencoder;
  readonly data: TableData;
  readonly validation: Validation;
  readonly fit: ReturnType<typeof fitArguments>;
  readonly watch: Watch;
  readonly losses: LossRecord;
  readonly keeper: Keeper;
  readonly report: Reporter;
  readonly path: string;
}

/** Trains until the end or a signal, and saves in both cases. */
async function fitAndSave(
  fitting: Fitting,
): Promise<{ history: History; signal: NodeJS.Signals | undefined }> {
  const { keeper } = fitting;
  let signal: NodeJS.Signals | undefined;
  return handlingSignals(
    (received) => {
      signal ??= received;
      keeper.interrupt();
    },
    async () => {
      let history: History;
      try {
        history = await fitUntil(fitting, () => signal !== undefined);
      } catch (error) {
        return await saveAfter(error, fitting);
      }
      await keeper.finish();
      return { history, signal };
    },
  );
}

/**
 * After a divergence the weights are useless, and the last save is kept. After any other error, such as a thread that
 * ended, the model is valid up to this step and is saved.
 */
async function saveAfter(error: unknown, { keeper, watch, report, path }: Fitting): Promise<never> {
  if (error instanceof DivergenceError) {
    if (keeper.saved === undefined) throw error;
    const message = `${error.message} ${path} holds the model of step ${grouped(keeper.saved)}`;
    throw new CommandError(message, { file: path, cause: error });
  }
  if (watch.steps > 0) {
    try {
      await keeper.finish();
      report.warn(`training ended early; what it came to is saved in ${path}`);
    } catch (other) {
      report.warn((other as Error).message);
    }
  }
  throw error;
}

function fitUntil(
  { model, data, validation, fit, watch, losses, keeper }: Fitting,
  stopped: () => boolean,
): Promise<History> {
  const tables = [["x", data.table] as const];
  if (validation && "file" in validation) {
    return placed([...tables, ["validationData", validation.file.table]], start);
  }
  return placed(tables, start);

  function start() {
    return model.fit(fit.input, {
      ...fit.options,
      onStep(step) {
        watch.step(step);
        if (stopped()) return false;
        keeper.step();
        return true;
      },
      onEpoch(epoch) {
        watch.epoch(epoch);
        losses.add(epoch);
        return !stopped();
      },
    });
  }
}

interface Ending {
  readonly task: Task;
  readonly watch: Watch;
  readonly history: History;
  readonly signal: NodeJS.Signals | undefined;
  readonly model: TiedAutoencoder;
  readonly epochs: number;
}

/** Reports how the run ended, and how to continue it. */
function tell({ task, watch, history, signal, model, epochs }: Ending): void {
  const { report, path, dataPath, validationPath, typed } = task;
  const { seconds, steps } = watch;
  const total = model.stepCount;
  const { loss, valLoss } = history.history;
  report.event("saved", () => ({ file: path, steps: total, seconds, complete: !signal }));
  const again = command([
    dataPath,
    "-o",
    path,
    "--resume",
    ...(validationPath === undefined ? [] : ["--validation", validationPath]),
  ]);
  if (signal) {
    process.exitCode = exitCode(signal);
    report.say(`Stopped after step ${grouped(total)}, saved ${path}. To continue:\n  ${again}`);
    return;
  }
  if (steps === 0 && typed.flag("resume")) {
    report.say(
      `The run has had its ${epochs} epochs. For more:\n  ${again} --epochs ${epochs * 2}`,
    );
    return;
  }
  const reached = loss.length > 0 ? `loss ${fixed(loss.at(-1)!)}, ` : "";
  const best = valLoss?.at(-1);
  const checked = best === undefined ? "" : `validation ${fixed(best)}, `;
  report.say(`${reached}${checked}${grouped(steps)} steps in ${duration(seconds)}; saved ${path}`);
}

/** A command of this program that can be copied and typed. */
const command = (words: readonly string[]): string =>
  ["tied-autoencoder", "train", ...words].map(shellQuote).join(" ");
