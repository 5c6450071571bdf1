// One model of an ensemble, trained on its share of the samples: its bytes, and the mean and covariance of the codes of its
// training samples. inference.ts judges samples with it.

import { TiedAutoencoder } from "../autoencoder.ts";
import { ColumnStatistics } from "../data/column-statistics.ts";
import { FlatRows } from "../data/rows.ts";
import { DivergenceError } from "../errors.ts";
import type { CategoryBlock } from "../losses/mixed.ts";
import type { RuntimeOptions } from "../make.ts";
import { at } from "../math/order.ts";
import type { InTurns, Paused } from "../platform/turns.ts";
import type { AbortSignalLike } from "../training/fit-options.ts";
import { visiting } from "./passes.ts";
import { modelConfig, type Policy } from "./policy.ts";
import { random } from "./random.ts";
import type { Samples } from "./samples.ts";
import { shrinkingCovariance, whitening } from "./statistics/covariance.ts";
import type { Encoded } from "./table/encoder.ts";

/** Observes training and ends it. */
export interface TrainingHooks {
  readonly signal?: AbortSignalLike | undefined;
  /** Runs long computations other than training, with pauses for the event loop. Throws the reason of the signal on an abort. */
  readonly work: InTurns;
  /** Called after steps with the number of finished steps. */
  readonly onStep?: ((done: number, of: number) => void) | undefined;
  readonly onEpoch?: ((epoch: number, loss: number) => void) | undefined;
  /** Called with remarks for the user. */
  readonly note: (text: string) => void;
}

/** The data of a member in a file, without the model. */
export interface MemberState {
  /** Mean of the codes of the training samples, [units]. */
  readonly codeMean: Float64Array;
  /** Turns codes into codes of unit covariance, [units, units], lower triangular. */
  readonly codeWhitening: Float64Array;
}

/** The most training samples for the covariance of the codes. */
const MOST_CODES = 20_000;
/** The most training samples for principal components, and the most components. */
const MOST_FOR_COMPONENTS = 50_000;
const MOST_COMPONENTS = 64;
/** The most values of a training matrix: 64 MiB. */
const MOST_VALUES = 2 ** 24;
const FEWEST_ROWS = 5_000;
/** Samples whose codes are computed between pauses, and values that are copied between pauses. */
const CODED_TOGETHER = 1024;
const PIECE = 2 ** 18;
/** A model that explains less than this share of the variance has learned nothing. */
const LEARNED = 1e-3;
const ATTEMPTS = 4;

/** A trained model. */
export interface Member {
  /** What the model's `save` wrote. */
  readonly bytes: Uint8Array;
  readonly state: MemberState;
}

/** Trains a model on the samples with the given numbers, which are in random order. */
export async function trainMember(
  samples: Samples,
  indexes: Uint32Array,
  policy: Policy,
  seed: number,
  runtime: RuntimeOptions,
  hooks: TrainingHooks,
): Promise<Member> {
  const most = Math.max(FEWEST_ROWS, Math.floor(MOST_VALUES / samples.width));
  const seen =
    policy.components === undefined ? policy.steps * policy.batchSize : MOST_FOR_COMPONENTS;
  const rows = indexes.slice(0, Math.min(most, seen));
  const { work } = hooks;
  // Principal components need a value in place of each missing one.
  const x = await work(trainingRows(samples, rows, policy.components === undefined));
  const finished = async (model: TiedAutoencoder): Promise<Member> => {
    const state = await work(describingCodes(model, x, rows.length, samples.width));
    return { bytes: model.save(), state };
  };
  if (policy.components !== undefined) {
    const { components } = policy;
    const model = await principalModel(
      samples,
      x,
      rows.length,
      policy,
      components,
      seed,
      runtime,
      hooks,
    );
    try {
      hooks.onStep?.(1, 1);
      return await finished(model);
    } finally {
      model.dispose();
    }
  }
  for (let attempt = 1; ; attempt++) {
    const model = await TiedAutoencoder.create({
      ...modelConfig(policy, samples.width, (seed + attempt * 7919) >>> 0),
      ...(samples.hasMissing ? { missing: "mask" } : {}),
      ...runtime,
    });
    try {
      const lessons = await work(withHidden(x, samples.width, policy, seed));
      const diverged = await trainModel(model, lessons, policy, hooks);
      const problem = diverged ?? (await work(notLearned(model, x, samples.width)));
      if (problem === undefined) return await finished(model);
      if (attempt === ATTEMPTS) {
        hooks.note(
          `A model ${problem}, also from ${ATTEMPTS - 1} other seeds. Scores lean on it less than they should.`,
        );
        return await finished(model);
      }
      hooks.note(`A model ${problem}; it was started again from another seed.`);
    } finally {
      model.dispose();
    }
  }
}

/** The training data of a model: inputs [rows, width], and the targets if they differ from the inputs. */
export interface Lessons {
  readonly x: Float32Array;
  readonly target: Float32Array | undefined;
}

/** Additional copies of the rows in which categories are hidden, and the chance that a category is hidden. */
const HIDDEN_COPIES = 3;
const HIDDEN = 0.5;

/**
 * Rows, and copies of them in which random categories are hidden, that is, replaced by the shares of their levels. A model
 * that always sees a category only copies it. A model that must guess it learns how it depends on the other columns.
 */
export function* withHidden(
  x: Float32Array,
  width: number,
  policy: Policy,
  seed: number,
): Paused<Lessons> {
  const categories = choicesOf(policy);
  const copies = Math.min(HIDDEN_COPIES, Math.floor(MOST_VALUES / x.length));
  if (categories.length === 0 || copies < 1) return { x, target: undefined };
  const means = yield* columnMeans(x, width);
  const target = new Float32Array(x.length * (copies + 1));
  const hidden = new Float32Array(target.length);
  for (let first = 0; first < x.length; first += PIECE) {
    const some = x.subarray(first, first + PIECE);
    for (let copy = 0; copy <= copies; copy++) {
      target.set(some, copy * x.length + first);
      hidden.set(some, copy * x.length + first);
    }
    yield;
  }
  const { below } = random(seed, 5);
  const rows = (hidden.length - x.length) / width;
  yield* visiting(rows, (i) => {
    const row = x.length + i * width;
    for (const [first, levels] of categories) {
      if (below(1000) >= HIDDEN * 1000) continue;
      for (let j = first; j < first + levels; j++) hidden[row + j] = means[j] ?? 0;
    }
  });
  return { x: hidden, target };
}

/** The categories that the models of a policy learn as choices. */
function choicesOf({ config: { loss } }: Policy): readonly CategoryBlock[] {
  return typeof loss === "object" && loss.type === "mixed" ? loss.categories : [];
}

/** Trains. Returns a message if the loss stopped being finite. */
export async function trainModel(
  model: TiedAutoencoder,
  { x, target }: Lessons,
  policy: Policy,
  { signal, onStep, onEpoch }: TrainingHooks,
): Promise<string | undefined> {
  const { steps, batchSize, noise } = policy;
  const rows = x.length / (model.config.layers[0] ?? 1);
  const perEpoch = Math.ceil(rows / batchSize);
  let done = 0;
  try {
    await model.fit(x, {
      epochs: Math.ceil(steps / perEpoch),
      maxSteps: steps,
      batchSize,
      schedule: { type: "cosine", tMax: steps },
      ...(target ? { target } : {}),
      ...(noise > 0 ? { corruption: { type: "gaussian", std: noise } } : {}),
      ...(signal ? { signal } : {}),
      ...(onStep ? { onStep: () => onStep(++done, steps) } : {}),
      ...(onEpoch ? { onEpoch: ({ epoch, loss }) => onEpoch(epoch, loss) } : {}),
    });
    return undefined;
  } catch (error) {
    if (error instanceof DivergenceError) return `diverged at step ${error.step}`;
    throw error;
  }
}

/** A linear model of the leading principal components that explain a share of the variance. */
async function principalModel(
  { width }: Samples,
  x: Float32Array,
  rows: number,
  policy: Policy,
  share: number,
  seed: number,
  runtime: RuntimeOptions,
  { signal, work }: TrainingHooks,
): Promise<TiedAutoencoder> {
  const make = (units: number) =>
    TiedAutoencoder.create({
      ...policy.config,
      layers: [width, units],
      seed,
      ...runtime,
    });
  const most = Math.max(1, Math.min(width, rows - 1, MOST_COMPONENTS));
  const probe = await make(most);
  try {
    await probe.initializeFrom(x, { method: "pca", ...(signal ? { signal } : {}) });
    const units = await work(unitsToHold(share, probe, most, x, width));
    if (units === most) return probe;
    const model = await make(units);
    const weights = probe.weights();
    model.setWeights(
      Object.fromEntries(
        Object.entries(model.weights()).map(([name, { shape, data }]) => {
          // Components are rows, the leading first, so the first values of a tensor belong to them.
          return [name, { shape, data: weights[name]?.data.subarray(0, data.length) ?? data }];
        }),
      ),
    );
    probe.dispose();
    return model;
  } catch (error) {
    probe.dispose();
    throw error;
  }
}

/** How many leading units of the codes explain a share of the variance of the samples. */
function* unitsToHold(
  share: number,
  model: TiedAutoencoder,
  units: number,
  x: Float32Array,
  width: number,
): Paused<number> {
  const codes = new ColumnStatistics(units);
  let total = 0;
  for (const some of evenPieces(x, width)) {
    codes.add(new FlatRows().read("codes", model.encode(some), units));
    for (let i = 0; i < some.length; i++) {
      const value = some[i] ?? 0;
      if (!Number.isNaN(value)) total += value * value;
    }
    yield;
  }
  let sum = 0;
  for (let j = 0; j < units; j++) {
    sum += codes.variance(j) * codes.rows;
    if (sum >= share * total) return j + 1;
  }
  return units;
}

/** Samples [rows, width] in pieces of about equal size, because products of a few rows are summed in another order. */
function* evenPieces(x: Float32Array, width: number): Generator<Float32Array> {
  const rows = x.length / width;
  const most = Math.ceil(rows / Math.max(1, Math.ceil(rows / CODED_TOGETHER)));
  for (let first = 0; first < rows; first += most) {
    yield x.subarray(first * width, (first + most) * width);
  }
}

/** The mean and the whitening matrix of the codes of the training samples. */
export function* describingCodes(
  model: TiedAutoencoder,
  x: Float32Array,
  rows: number,
  width: number,
): Paused<MemberState> {
  const units = model.config.layers.at(-1) ?? 1;
  const some = x.subarray(0, Math.min(rows, MOST_CODES) * width);
  const codes = new Float32Array((some.length / width) * units);
  let filled = 0;
  for (const piece of evenPieces(some, width)) {
    const own = model.encode(piece);
    codes.set(own, filled);
    filled += own.length;
    yield;
  }
  const { mean, covariance } = yield* shrinkingCovariance(codes, units);
  return { codeMean: mean, codeWhitening: whitening(covariance, units) };
}

/** A message if a model has learned nothing, that is, if its error is no smaller than that of the mean; else undefined. */
function* notLearned(
  model: TiedAutoencoder,
  x: Float32Array,
  width: number,
): Paused<string | undefined> {
  const some = x.subarray(0, Math.min(x.length, 2000 * width));
  const errors = model.featureErrors(some);
  const means = yield* columnMeans(some, width);
  let error = 0;
  let spread = 0;
  for (let i = 0; i < some.length; i++) {
    const value = at(some, i);
    if (Number.isNaN(value)) continue;
    error += at(errors, i);
    spread += (value - at(means, i % width)) ** 2;
  }
  return error < (1 - LEARNED) * spread
    ? undefined
    : "learned nothing: its error is that of always answering with the mean";
}

/** Means of the known values of each column of x [rows, width]. */
function* columnMeans(x: Float32Array, width: number): Paused<Float64Array> {
  const sums = new Float64Array(width);
  const counts = new Float64Array(width);
  yield* visiting(x.length / width, (row) => {
    for (let j = 0; j < width; j++) {
      const value = x[row * width + j] ?? 0;
      if (Number.isNaN(value)) continue;
      sums[j] = (sums[j] ?? 0) + value;
      counts[j] = (counts[j] ?? 0) + 1;
    }
  });
  return sums.map((sum, j) => sum / Math.max(1, at(counts, j)));
}

/**
 * Features of training samples. With `marksMissing` missing values are NaN, as a model with `missing: "mask"` requires;
 * otherwise they are the means of their columns.
 */
export function* trainingRows(
  samples: Samples,
  indexes: Uint32Array,
  marksMissing: boolean,
): Paused<Float32Array> {
  const { width, blocks } = samples;
  const x = new Float32Array(indexes.length * width);
  const most = Math.max(1, Math.floor(PIECE / width));
  for (let first = 0; first < indexes.length; first += most) {
    const taken = samples.take(indexes.subarray(first, first + most));
    x.set(marksMissing ? withNaN(taken, blocks) : taken.features, first * width);
    yield;
  }
  return x;
}

function withNaN({ count, features, missing }: Encoded, blocks: Uint32Array): Float32Array {
  if (!missing) return features;
  const width = blocks.at(-1) ?? 0;
  const blockCount = blocks.length - 1;
  for (let i = 0; i < count; i++) {
    for (let b = 0; b < blockCount; b++) {
      if (missing[i * blockCount + b] !== 1) continue;
      features.fill(Number.NaN, i * width + at(blocks, b), i * width + at(blocks, b + 1));
    }
  }
  return features;
}
