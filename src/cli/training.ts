// The options of `train` and what they mean: the model's configuration, the settings of its fit, and
// what follows from the data where they are left open.

import { type FitOptions, type MatrixInput, type ModelConfig, TiedAutoencoder } from "../index.ts";
import type { Arguments } from "./arguments.ts";
import { CommandError, UsageError } from "./errors.ts";
import { openTable, type Piece, readTableOptions, readWhole, type Table } from "./input.ts";
import { readRuntime } from "./model-file.ts";
import { short } from "./numbers.ts";
import { type Reporter, setting } from "./report.ts";
import { parseSettings, parseSpec, type Spec } from "./spec.ts";
import { defaultLayers, defaultScale, type Scale, type Survey } from "./survey.ts";

/** What makes the model; given once, when it is made. */
export const modelOptions = {
  layers: {
    value: "LIST",
    help: "units from the input to the code, as in 784,256,64, or the code's alone",
  },
  activation: {
    value: "NAME",
    help: "of every hidden layer: relu (default), tanh, gelu, leakyRelu:slope=.1 …",
  },
  "output-activation": {
    value: "NAME",
    help: "of the reconstruction: linear (default), sigmoid …",
  },
  loss: { value: "NAME", help: "mse (default), mae, bce, huber:delta=1, smoothL1:beta=1" },
  optimizer: {
    value: "NAME",
    help: "adam (default), adamw, sgd, rmsprop, adagrad, with settings as in adam:beta1=.8,clipNorm=1",
  },
  initializer: {
    value: "NAME",
    help: "torchLinear (default), xavierUniform, xavierNormal, heUniform, heNormal, orthogonal, or pca (of the data)",
  },
  scale: {
    value: "HOW",
    help: "none, standard, minMax (column by column), LOW:HIGH (all alike to 0 … 1) or auto (default)",
  },
  missing: {
    value: "HOW",
    help: "missing values: error (default), mean (fill in) or mask (leave out of the loss)",
  },
  dropout: { value: "SHARE", help: "of hidden units, dropped in training (default 0)" },
  l1: { value: "X", help: "adds X times the sum of |weights| to the loss" },
  l2: { value: "X", help: "adds X times the sum of squared weights to the loss" },
  "no-bias": { help: "leave biases out of the encoder" },
  "no-decoder-bias": { help: "leave biases out of the decoder" },
  gradient: { value: "HOW", help: "auto (default), direct or gram: how gradients are found" },
  seed: { value: "N", help: "of weights, shuffles and noise (default 42)" },
} as const;

/** What a run must have in common with the one it goes on with; kept in the model's file. */
export const runOptions = {
  epochs: {
    short: "e",
    value: "N",
    help: "passes over the data, in all (default: about 5,000 steps' worth)",
  },
  "batch-size": {
    short: "b",
    value: "N",
    help: "rows a step (default: 32, from 10,000 rows on 128)",
  },
  validation: {
    value: "FILE|SHARE",
    help: "rows to check on after every epoch: a file, or a share of the data such as .1",
  },
  "early-stopping": {
    value: "SETTINGS",
    help: "end when the loss stops falling: patience=5,minDelta=0,restoreBest",
  },
  schedule: {
    value: "NAME",
    help: "of the learning rate: cosine, oneCycle, exponential:gamma=.999, step:stepSize=100, reduceOnPlateau",
  },
  noise: {
    value: "NAME",
    help: "on the input: gaussian:std=.1, masking:rate=.3, saltPepper:rate=.1",
  },
  "no-shuffle": { help: "keep the order of the rows" },
  "micro-batches": { value: "N", help: "run each batch in N parts, for less memory" },
} as const;

/** A table's rows as the library takes them. */
export const matrix = ({ rows, data }: Piece, { columns }: Table): MatrixInput => ({
  data,
  shape: [rows, columns],
});

/** What a run trains on. */
export interface TrainingData {
  readonly table: Table;
  readonly rows: Piece;
  readonly facts: Survey;
}

/** A fresh model, as the options say or as suits the data. */
export async function makeModel(
  args: Arguments,
  { table, rows, facts }: TrainingData,
  report: Reporter,
): Promise<TiedAutoencoder> {
  const loss = parseSpec("loss", args.text("loss") ?? "mse");
  const layers = readLayers(args, table.columns);
  const [scale, why] = readScale(args) ?? defaultScale(facts, loss.type);
  const optimizer = parseSpec("optimizer", args.text("optimizer") ?? "adam");
  const learningRate = args.number("learning-rate");
  const initializer = args.text("initializer");
  const spec = (option: string, otherwise: string) =>
    parseSpec(option, args.text(option) ?? otherwise);
  // Names and settings are the library's to check, and its messages are good.
  const config = {
    layers: layers ?? defaultLayers(table.columns),
    activation: spec("activation", "relu"),
    outputActivation: spec("output-activation", loss.type === "bce" ? "sigmoid" : "linear"),
    loss,
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
    seed: args.whole("seed", 0),
    ...readRuntime(args),
  };
  const model = await TiedAutoencoder.create(present(config) as unknown as ModelConfig);
  if (typeof scale === "object") {
    // One range for all columns: what two rows that span it teach.
    model.fitScaler(
      [scale.low, scale.high].map((end) => new Float32Array(table.columns).fill(end)),
    );
  }
  if (initializer === "pca") await model.initializeFrom(matrix(rows, table), { method: "pca" });
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
    throw new UsageError(`--layers takes whole numbers such as 784,256,64; got "${text}".`);
  }
  if (units.length === 1) return [width, ...units];
  if (units[0] === width) return units;
  throw new UsageError(
    `--layers starts with the data's columns, of which there are ${width}; got ${text}.`,
  );
}

function readScale(args: Arguments): readonly [Scale, string?] | undefined {
  const text = args.text("scale") ?? "auto";
  if (text === "auto") return undefined;
  if (text === "none" || text === "standard" || text === "minMax") return [text];
  const [low, high] = text.split(":").map(Number);
  if (/:/.test(text) && Number.isFinite(low) && Number.isFinite(high) && low! < high!) {
    return [{ low: low!, high: high! }];
  }
  throw new UsageError(
    `--scale takes none, standard, minMax, auto or a range such as 0:255; got "${text}".`,
  );
}

/** The options of `fit`, and how long an epoch is. */
export async function fitOptions(
  args: Arguments,
  { table, facts }: TrainingData,
  model: TiedAutoencoder,
  epochs: number,
  batchSize: number,
): Promise<{ fit: FitOptions; stepsPerEpoch: number }> {
  const validation = await readValidation(args, table);
  const held = Math.floor(facts.rows * (validation.validationSplit ?? 0));
  const stepsPerEpoch = Math.ceil((facts.rows - held) / batchSize);
  const schedule = args.text("schedule");
  const stopping = args.text("early-stopping");
  const noise = args.text("noise");
  const fit = {
    epochs,
    batchSize,
    ...validation,
    shuffle: !args.flag("no-shuffle"),
    resume: args.flag("resume"),
    microBatches: args.whole("micro-batches", 1),
    maxSeconds: args.number("max-seconds"),
    corruption: noise === undefined ? undefined : parseSpec("noise", noise),
    schedule:
      schedule === undefined ? undefined : readSchedule(schedule, model, epochs, stepsPerEpoch),
    earlyStopping: stopping === undefined ? undefined : parseSettings("early-stopping", stopping),
  };
  return { fit: present(fit) as FitOptions, stepsPerEpoch };
}

/** A cosine lasts the whole run and one cycle peaks at the learning rate, unless they say otherwise. */
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
    return { maxLearningRate: model.config.optimizer.learningRate, ...spec };
  }
  return spec;
}

async function readValidation(
  args: Arguments,
  table: Table,
): Promise<Pick<FitOptions, "validationData" | "validationSplit">> {
  const text = args.text("validation");
  if (text === undefined) return {};
  const share = Number(text);
  if (share > 0 && share < 1) return { validationSplit: share };
  const other = await openTable(text, readTableOptions(args, table.names));
  if (other.columns !== table.columns) {
    throw new CommandError(
      `${other.file}: has ${other.columns} columns, and ${table.file} has ${table.columns}`,
    );
  }
  return { validationData: matrix(await readWhole(other), other) };
}

/** Without the settings that were left open. */
const present = (settings: object): object =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
