// The options of `train` and their meaning: the configuration of the model, the settings of `fit`, and the defaults that
// follow from the data.

import { constraints } from "../constraints/index.ts";
import {
  type BatchStream,
  type FitOptions,
  type MatrixInput,
  type ModelConfig,
  TiedAutoencoder,
} from "../index.ts";
import { activations } from "../layers/activations.ts";
import { losses } from "../losses/index.ts";
import { codes } from "../model/codes.ts";
import { initializers } from "../model/initial/initializers.ts";
import { scalers } from "../model/scalers.ts";
import { optimizers } from "../optimizers/index.ts";
import { penalties } from "../penalties/index.ts";
import { earlyStoppingChecks } from "../training/early-stopping.ts";
import { noises } from "../training/noise/index.ts";
import { schedules } from "../training/schedules/index.ts";
import type { Arguments, Options } from "./arguments.ts";
import { DiskRows } from "./disk-rows.ts";
import { CommandError, UsageError } from "./errors.ts";
import type { Piece } from "./input.ts";
import { readRuntime, seedOption } from "./model-file.ts";
import { short } from "./numbers.ts";
import { type Reporter, setting } from "./report.ts";
import { parseSettings, parseSpec, type Spec } from "./spec.ts";
import { defaultLayers, defaultScale, type Scale } from "./survey.ts";
import { quoted } from "./text.ts";
import { matrix, type TableData } from "./training-data.ts";

const GRADIENTS = ["auto", "direct", "gram"] as const;
export const MISSING = ["error", "mean", "mask"] as const;
/** The scalings that `--scale` can name: none, and the scalers without options. */
const SCALES: readonly string[] = [
  "none",
  ...scalers.all.filter(({ options }) => Object.keys(options).length === 0).map(({ type }) => type),
];
const isScale = (text: string): text is Extract<Scale, string> => SCALES.includes(text);

/** Options for making a model. They are given once, when the model is made. */
export const modelOptions = {
  layers: {
    value: "LIST",
    help: "units from the input to the code, as in 784,256,64, or the code's alone",
    default: "about a quarter of the columns",
  },
  activation: {
    value: "NAME",
    registry: activations,
    help: "of every hidden layer",
    default: "relu",
  },
  "output-activation": {
    value: "NAME",
    registry: activations,
    help: "of the reconstruction",
    default: "linear; sigmoid for bce",
  },
  loss: {
    value: "NAME",
    registry: losses,
    except: ["mixed"],
    help: "what training makes small",
    default: "mse",
  },
  code: {
    value: "NAME",
    registry: codes,
    except: ["auxiliary"],
    help: "what the code is",
    default: "dense",
  },
  penalty: {
    value: "NAME",
    registry: penalties,
    repeats: true,
    help: "adds a term to the loss; may be given more than once",
  },
  constraint: {
    value: "NAME",
    registry: constraints,
    help: "what the weights keep to after every step",
    default: "none",
  },
  optimizer: {
    value: "NAME",
    registry: optimizers,
    help: "how weights follow the gradient",
    default: "adam",
  },
  initializer: {
    value: "NAME",
    registry: initializers,
    also: ["pca"],
    help: "how weights start; pca: from the data's principal components",
    default: "torchLinear",
  },
  scale: {
    value: "HOW",
    help: `${SCALES.join(", ")} (column by column), or LOW:HIGH (all alike to 0 … 1)`,
    default: "by the data",
  },
  missing: {
    value: "HOW",
    choices: MISSING,
    help: "missing values: an error, filled in with the column's mean, or left out of the loss",
    default: "error",
  },
  dropout: {
    value: "SHARE",
    kind: "number",
    least: 0,
    below: 1,
    help: "of hidden units, dropped in training",
    default: "0",
  },
  l1: {
    value: "X",
    kind: "number",
    least: 0,
    help: "adds X times the sum of |weights| to the loss",
  },
  l2: {
    value: "X",
    kind: "number",
    least: 0,
    help: "adds X times the sum of squared weights to the loss",
  },
  "no-bias": { help: "leave biases out of the encoder" },
  "no-decoder-bias": { help: "leave biases out of the decoder" },
  gradient: {
    value: "HOW",
    choices: GRADIENTS,
    help: "how gradients are found",
    default: "auto",
  },
  seed: seedOption,
} as const satisfies Options;

/** Megabytes of rows in memory. It does not depend on the machine, because the order of the rows depends on it. */
export const MEMORY = 2000;

/** The bytes of rows in memory of `--memory`. */
export const memoryOption = (args: Arguments): number => (args.number("memory") ?? MEMORY) * 1e6;

/** Options that a run must share with the run that it resumes; kept in the model's file. */
export const runOptions = {
  epochs: {
    short: "e",
    value: "N",
    kind: "whole",
    least: 1,
    help: "passes over the data, in all",
    default: "about 5,000 steps' worth",
  },
  "batch-size": {
    short: "b",
    value: "N",
    kind: "whole",
    least: 1,
    help: "rows a step",
    default: "32, from 10,000 rows on 128",
  },
  validation: {
    value: "FILE|SHARE",
    help: "rows to check on after every epoch: a file, or a share of the data such as .1, which is not trained on",
  },
  "validation-shuffle": {
    help: "draw the share of --validation at random, by the seed, instead of taking the last rows",
  },
  "early-stopping": {
    value: "SETTINGS",
    settings: earlyStoppingChecks,
    help: "end when the loss stops falling: patience=5,minDelta=0,restoreBest",
  },
  schedule: {
    value: "NAME",
    registry: schedules,
    except: ["function"],
    filled: ["tMax", "maxLearningRate"],
    help: "how the learning rate moves",
    default: "it does not",
  },
  noise: {
    value: "NAME",
    registry: noises,
    help: "on the input, for denoising",
    default: "none",
  },
  "no-shuffle": { help: "keep the order of the rows" },
  memory: {
    value: "MB",
    kind: "number",
    above: 0,
    help: "most megabytes of rows in memory; more rows are kept on disk, and every epoch shuffles blocks of rows, and then the rows of as many blocks as fit",
    default: String(MEMORY),
  },
  "micro-batches": {
    value: "N",
    kind: "whole",
    least: 1,
    help: "run each batch in N parts, for less memory",
  },
} as const satisfies Options;

/** A new model, by the options and by defaults for the data. */
export async function makeModel(
  args: Arguments,
  { table, rows, facts }: TableData,
  validation: Validation,
  report: Reporter,
): Promise<TiedAutoencoder> {
  const loss = parseSpec("loss", args.text("loss") ?? "mse");
  const layers = readLayers(args, table.columns);
  const [scale, why] = readScale(args) ?? defaultScale(facts, loss.type);
  const optimizer = parseSpec("optimizer", args.text("optimizer") ?? "adam");
  const learningRate = args.number("learning-rate");
  const initializer = args.text("initializer");
  const code = args.text("code");
  const constraint = args.text("constraint");
  const spec = (option: string, otherwise: string) =>
    parseSpec(option, args.text(option) ?? otherwise);
  const config = {
    layers: layers ?? defaultLayers(table.columns),
    activation: spec("activation", "relu"),
    outputActivation: spec("output-activation", loss.type === "bce" ? "sigmoid" : "linear"),
    loss,
    code: code === undefined ? undefined : parseSpec("code", code),
    penalties: args.texts("penalty").map((text) => parseSpec("penalty", text)),
    constraint: constraint === undefined ? undefined : parseSpec("constraint", constraint),
    optimizer: learningRate === undefined ? optimizer : { ...optimizer, learningRate },
    initializer: initializer === "pca" ? undefined : initializer,
    ...(scale === "none" ? {} : { scaler: typeof scale === "string" ? scale : "minMax" }),
    missing: args.text("missing"),
    dropout: args.number("dropout"),
    l1: args.number("l1"),
    l2: args.number("l2"),
    bias: !args.flag("no-bias"),
    decoderBias: !args.flag("no-decoder-bias"),
    gradient: args.text("gradient"),
    seed: args.number("seed"),
    ...readRuntime(args),
  };
  const model = await TiedAutoencoder.create(present(config) as unknown as ModelConfig);
  const isRange = typeof scale === "object";
  if (isRange) {
    // One range for all columns: fit the scaler to two rows with the ends of the range.
    model.fitScaler(
      [scale.low, scale.high].map((end) => new Float32Array(table.columns).fill(end)),
    );
  }
  const end = trainingRows(facts, validation);
  if (rows instanceof DiskRows) {
    if (!isRange && (scale !== "none" || model.config.missing !== "error")) {
      await model.fitScaler(() => rows.pieces(end));
    }
    if (initializer === "pca") {
      const sample = await rows.sample({
        end,
        memory: memoryOption(args),
        shuffle: { seed: model.config.seed, epoch: 0 },
      });
      await model.initializeFrom(sample, { method: "pca" });
    }
  } else if (initializer === "pca") {
    // Only fit knows which rows --validation-shuffle draws.
    const count = args.flag("validation-shuffle") ? rows.rows : end;
    const data = rows.data.subarray(0, count * table.columns);
    await model.initializeFrom(matrix({ rows: count, data }, table), { method: "pca" });
  }
  const shown = typeof scale === "string" ? scale : `${short(scale.low)}:${short(scale.high)}`;
  const guess = layers ? undefined : "a power of two, about a quarter of the width";
  report.say(setting("scale", shown, why));
  report.say(setting("layers", model.config.layers.join(","), guess));
  return model;
}

function readLayers(args: Arguments, width: number): number[] | undefined {
  const text = args.text("layers");
  if (text === undefined) return undefined;
  const units = text.split(",").map(Number);
  if (!units.every((count) => Number.isSafeInteger(count) && count > 0)) {
    throw new UsageError(`--layers takes whole numbers such as 784,256,64; got ${quoted(text)}.`);
  }
  if (units.length === 1) return [width, ...units];
  if (units[0] === width) return units;
  throw new UsageError(
    `--layers starts with the data's columns, of which there are ${width}; got ${quoted(text)}.`,
  );
}

export function readScale(args: Arguments): readonly [Scale, string?] | undefined {
  const text = args.text("scale") ?? "auto";
  if (text === "auto") return undefined;
  if (isScale(text)) return [text];
  const [low = Number.NaN, high = Number.NaN] = text.split(":").map(Number);
  if (Number.isFinite(low) && Number.isFinite(high) && low < high) return [{ low, high }];
  throw new UsageError(
    `--scale takes ${SCALES.join(", ")}, auto or a range such as 0:255; got ${quoted(text)}.`,
  );
}

/**
 * The validation of a run: rows of a file, a share of the data, or none. A share is the last rows, as many as `held`. If
 * the data are on disk, `rows` are these rows in memory.
 */
export type Validation =
  | { readonly file: TableData<Piece> }
  | { readonly share: number; readonly held: number; readonly rows?: MatrixInput }
  | undefined;

/** The number of rows to train on. */
const trainingRows = ({ rows }: TableData["facts"], validation: Validation): number =>
  rows - (validation && "held" in validation ? validation.held : 0);

/** The share in `--validation`; undefined if it names a file. */
export function validationShare(text: string): number | undefined {
  const share = Number(text);
  if (text.trim() === "" || Number.isNaN(share)) return undefined;
  if (share > 0 && share < 1) return share;
  throw new UsageError(
    `--validation takes a file, or a share between 0 and 1; got ${quoted(text)}.`,
  );
}

/** The number of held-out rows at the end of the data, for a share. */
export function heldRows(share: number, { rows }: TableData["facts"], file: string): number {
  const held = Math.floor(rows * share);
  if (held > 0 && held < rows) return held;
  throw new CommandError(
    `${file}: --validation ${share} of ${rows} rows comes to ${held === 0 ? "no row" : "all of them"}`,
    { file },
  );
}

/** The arguments of `fit`, and the number of steps of an epoch. */
export function fitArguments(
  args: Arguments,
  data: TableData,
  validation: Validation,
  model: TiedAutoencoder,
  epochs: number,
  batchSize: number,
): { input: MatrixInput | BatchStream; options: FitOptions; stepsPerEpoch: number } {
  const end = trainingRows(data.facts, validation);
  const stepsPerEpoch = Math.ceil(end / batchSize);
  const schedule = args.text("schedule");
  const stopping = args.text("early-stopping");
  const noise = args.text("noise");
  const isShuffled = !args.flag("no-shuffle");
  const options = {
    epochs,
    resume: args.flag("resume"),
    microBatches: args.number("micro-batches"),
    maxSeconds: args.number("max-seconds"),
    corruption: noise === undefined ? undefined : parseSpec("noise", noise),
    schedule:
      schedule === undefined ? undefined : readSchedule(schedule, model, epochs, stepsPerEpoch),
    earlyStopping: stopping === undefined ? undefined : parseSettings("early-stopping", stopping),
    validationData:
      validation && "file" in validation
        ? matrix(validation.file.rows, validation.file.table)
        : validation?.rows,
  };
  const { rows, table } = data;
  if (rows instanceof DiskRows) {
    const { seed } = model.config;
    const memory = memoryOption(args);
    const input = (epoch: number) =>
      rows.epoch({ end, batchSize, memory, shuffle: isShuffled ? { seed, epoch } : undefined });
    return { input, options: present(options) as FitOptions, stepsPerEpoch };
  }
  const share = validation && "share" in validation ? validation : undefined;
  const inMemory = {
    ...options,
    batchSize,
    shuffle: isShuffled,
    validationSplit: share?.share,
    validationShuffle: share && args.flag("validation-shuffle"),
  };
  return { input: matrix(rows, table), options: present(inMemory) as FitOptions, stepsPerEpoch };
}

/**
 * By default, "cosine" and "one cycle" last the whole run, and the peak of "one cycle" is the learning rate.
 */
function readSchedule(
  text: string,
  model: TiedAutoencoder,
  epochs: number,
  stepsPerEpoch: number,
): Spec {
  const spec = parseSpec("schedule", text);
  if (spec.type === "cosine") {
    const length = spec.per === "epoch" ? epochs : epochs * stepsPerEpoch;
    return { tMax: Math.max(1, length - Number(spec.warmUp ?? 0)), ...spec };
  }
  if (spec.type === "oneCycle") {
    return {
      maxLearningRate: model.config.optimizer.learningRate,
      totalSteps: epochs * stepsPerEpoch,
      ...spec,
    };
  }
  return spec;
}

/** The settings without those that are undefined. */
const present = (settings: object): object =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
