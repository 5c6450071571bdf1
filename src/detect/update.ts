// Continues learning. New rows change the scales of the columns, the models, the scale of errors and the calibration, and old
// rows lose weight. The weight of n new rows is n / (N + n), where N is the number of rows that the detector was fitted on.
//
// The number of steps is proportional to this weight, and the learning rate to its square. The models do not see old rows
// again, and a new optimizer has no averages yet. At the full rate a few rows would replace what the models have learned:
// docs/decisions/100-detector.md has the measurements.
//
// An update works on copies. Calls during an update use the detector without the update. An update that fails or is aborted
// changes nothing.

import { TiedAutoencoder } from "../autoencoder.ts";
import { callback, onlyKeys, record, wholeNumber } from "../checks.ts";
import type { Rows } from "../data/rows.ts";
import { InvalidValueError } from "../errors.ts";
import { ascending, at } from "../math/order.ts";
import type { InTurns, Paused } from "../platform/turns.ts";
import type { AbortSignalLike } from "../training/fit-options.ts";
import { Calibration } from "./calibration.ts";
import { Ensemble, heldOutMeans } from "./ensemble.ts";
import type { ExplanationState } from "./explain.ts";
import type { DetectorProgress } from "./fit.ts";
import { blockFolds, type Folds, randomFolds, seenSamples } from "./folds.ts";
import { EnsembleInference } from "./inference.ts";
import {
  describingCodes,
  type Member,
  type MemberState,
  type TrainingHooks,
  trainingRows,
  trainModel,
  withHidden,
} from "./member.ts";
import { mergedNeighbours, type Neighbours, neighboursOf } from "./neighbours.ts";
import { type Parts, rowBlocks } from "./parts.ts";
import { filteringNumbers } from "./passes.ts";
import type { Policy } from "./policy.ts";
import { random } from "./random.ts";
import { rowSamples, type Samples } from "./samples.ts";
import { bringingToRows, covered, framingSeries } from "./series/series.ts";
import { covarianceOf, whitening } from "./statistics/covariance.ts";
import type { Encoder } from "./table/encoder.ts";
import type { Source } from "./table/source.ts";

/** Options of `AnomalyDetector.update`. */
export interface UpdateOptions {
  /**
   * How many calibration scores are kept, the newest. Default: as many as before, and at least 1,000. If rows have really
   * changed, scores of the first updates are too high, because the models had not yet adapted, and few rows are flagged as
   * long as they are kept. With a small number such as 300 they leave soon. An alpha needs 1 / alpha - 1 scores.
   */
  newest?: number;
  /** Aborting rejects with `signal.reason`; the detector is unchanged. Default: none. */
  signal?: AbortSignalLike;
  /** Called during training with the progress. Default: none. */
  onProgress?: (record: DetectorProgress) => unknown;
}

const updateKeys = ["newest", "signal", "onProgress"] as const satisfies (keyof UpdateOptions)[];

/** The fewest calibration scores that are kept. A detector that was fitted with more keeps as many as then. */
const FEWEST_CALIBRATION = 1000;
/** Steps that count as a whole training of linear models, whose fit has no steps. */
const LINEAR_STEPS = 500;
const FEWEST_STEPS = 20;
/** Held-out errors that are kept for each column. */
const MOST_KEPT = 1000;

/** Checks the options of an update. */
export function updateOptions(options: UpdateOptions | undefined): UpdateOptions {
  const settings = record("The options of update", options) as UpdateOptions;
  onlyKeys("update", settings, updateKeys);
  if (settings.newest !== undefined) wholeNumber("newest", settings.newest, 1);
  callback("onProgress", settings.onProgress);
  return settings;
}

/** The parts of a detector that has learned from new rows too. */
export async function updateParts(
  parts: Parts,
  source: Source,
  { newest, signal, onProgress }: UpdateOptions,
  work: InTurns,
): Promise<Parts> {
  const raw = await work(parts.encoder.reading(source));
  if (raw.count === 0) throw new InvalidValueError("update needs at least one row; rows has none.");
  const known = parts.ensemble.state.trainingCount;
  const encoder = await work(parts.encoder.merging(raw, known));
  const frame = await work(frameOf(parts, encoder, source, raw));
  const { samples } = frame;
  const share = samples.count / (known + samples.count);
  const models = parts.ensemble.members.length;
  const notes: string[] = [];
  let model = 0;
  const hooks: TrainingHooks = {
    signal,
    work,
    note: (text) => notes.push(text),
    onStep:
      onProgress &&
      ((done, of) => onProgress({ done: (model + done / of) / models, model, models })),
  };
  const members: Member[] = [];
  for (const member of parts.ensemble.members) {
    const training = frame.folds.training(model);
    members.push(await updateMember(member, samples, training, share, parts, hooks));
    model += 1;
  }
  const neighbours = updatedNeighbours(parts, encoder, frame);
  const inference = await EnsembleInference.load(members, neighbours, parts.runtime);
  try {
    const held = await heldOutMeans(inference, samples, frame.folds, hooks);
    const mix = (old: number, fresh: number) => (1 - share) * old + share * fresh;
    const before = parts.ensemble.state;
    const state = {
      ...before,
      blockErrors: before.blockErrors.map((error, b) => mix(error, at(held.blockErrors, b))),
      distanceScale:
        parts.policy.components === undefined
          ? before.distanceScale
          : mix(before.distanceScale, held.distance / (parts.policy.distanceWeight ?? 1)),
      neighbourScale: before.neighbourScale && mix(before.neighbourScale, held.nearest),
    };
    const ensemble = new Ensemble(
      members,
      inference,
      samples.blocks,
      state,
      neighbours,
      samples.areWindows,
    );
    const scores = await ensemble.outOfFold(samples, frame.folds, hooks);
    const fresh = await ensemble.heldOutBlocks(samples, frame.folds, hooks);
    const explanation = await work(mergingExplanation(parts, encoder, fresh));
    const rowScores = await work(frame.rowScores(scores));
    const windowScores = await work(frame.sampleScores(scores));
    return {
      ...parts,
      encoder,
      ensemble,
      calibration: appended(parts.calibration, rowScores, newest),
      windowCalibration:
        parts.windowCalibration && appended(parts.windowCalibration, windowScores, newest),
      explanation,
      notes: [...parts.notes, ...notes],
    };
  } catch (error) {
    inference.dispose();
    throw error;
  }
}

interface Frame {
  readonly samples: Samples;
  readonly folds: Folds;
  /** Scores of rows that are in a sample, by models that have not seen them. */
  rowScores(scores: Float64Array): Paused<Float64Array>;
  /** Scores of samples by models that have not seen them. */
  sampleScores(scores: Float64Array): Paused<Float64Array>;
}

function* frameOf(parts: Parts, encoder: Encoder, source: Source, raw: Rows): Paused<Frame> {
  const blocks = rowBlocks(encoder);
  const models = parts.ensemble.members.length;
  const order = random(parts.seed, 3);
  if (!parts.series) {
    const samples = rowSamples(yield* encoder.encoding(raw, 0, raw.count), blocks);
    const folds = randomFolds(samples.count, models, order);
    const seen = seenSamples(folds, samples.count);
    const unseen = (scores: Float64Array) =>
      filteringNumbers(scores, (sample) => seen[sample] !== 1);
    return { samples, folds, rowScores: unseen, sampleScores: unseen };
  }
  const { length } = parts.series;
  const framed = yield* framingSeries(parts.series, encoder, source, raw, blocks);
  const { samples, starts, segmentOf } = framed;
  const folds = blockFolds(starts, segmentOf, length, models, order);
  const seen = seenSamples(folds, samples.count);
  const isSeen = covered(framed, length, seen);
  const inWindow = covered(framed, length, new Uint8Array(samples.count).fill(1));
  return {
    samples,
    folds,
    *rowScores(scores) {
      const rows = yield* bringingToRows(framed, length, scores);
      return yield* filteringNumbers(rows, (row) => inWindow[row] === 1 && isSeen[row] !== 1);
    },
    sampleScores: (scores) => filteringNumbers(scores, (sample) => seen[sample] !== 1),
  };
}

/** A copy of a member that has also trained on new samples. */
async function updateMember(
  member: Member,
  samples: Samples,
  indexes: Uint32Array,
  share: number,
  { policy, runtime, seed }: Parts,
  hooks: TrainingHooks,
): Promise<Member> {
  if (indexes.length === 0) return member;
  const model = await TiedAutoencoder.load(member.bytes, runtime);
  try {
    const { work } = hooks;
    // A model that was trained on complete rows takes the mean of the column for a missing value.
    const x = await work(trainingRows(samples, indexes, model.config.missing === "mask"));
    const steps = Math.max(FEWEST_STEPS, Math.ceil(share * (policy.steps || LINEAR_STEPS)));
    const gentle: Policy = { ...policy, steps };
    model.learningRate *= share ** 2;
    const lessons = await work(withHidden(x, samples.width, gentle, seed));
    const problem = await trainModel(model, lessons, gentle, hooks);
    if (problem !== undefined) {
      hooks.note(`A model ${problem} during an update.`);
    }
    const fresh = await work(describingCodes(model, x, indexes.length, samples.width));
    return { bytes: model.save(), state: mergedCodes(member.state, fresh, share) };
  } finally {
    model.dispose();
  }
}

/** The neighbours in the new scales of their columns, together with the new samples. */
function updatedNeighbours(
  { ensemble, encoder: before }: Parts,
  encoder: Encoder,
  { samples, folds }: Frame,
): Neighbours | undefined {
  const { neighbours } = ensemble;
  if (!neighbours) return undefined;
  const { width } = encoder;
  const rows = neighbours.rows.slice();
  before.state.fields.forEach((old, f) => {
    const own = encoder.state.fields[f];
    if (old.kind !== "number" || own?.kind !== "number") return;
    for (let i = old.start; i < rows.length; i += width) {
      rows[i] = (at(rows, i) * old.scale + old.center - own.center) / own.scale;
    }
  });
  const fresh = neighboursOf(samples, folds);
  return fresh ? mergedNeighbours({ ...neighbours, rows }, fresh, width) : { ...neighbours, rows };
}

/** Mean and covariance of the codes of old and new samples together. The new samples are `share` of all. */
function mergedCodes(old: MemberState, fresh: MemberState, share: number): MemberState {
  const units = old.codeMean.length;
  const mix = (a: number, b: number) => (1 - share) * a + share * b;
  const [before, after] = [old, fresh].map(({ codeWhitening }) =>
    covarianceOf(codeWhitening, units),
  );
  const shift = old.codeMean.map((mean, j) => at(fresh.codeMean, j) - mean);
  const covariance = Float64Array.from({ length: units * units }, (_, i) => {
    const apart = at(shift, Math.floor(i / units)) * at(shift, i % units);
    return mix(at(before ?? [], i), at(after ?? [], i)) + share * (1 - share) * apart;
  });
  return {
    codeMean: old.codeMean.map((mean, j) => mix(mean, at(fresh.codeMean, j))),
    codeWhitening: whitening(covariance, units),
  };
}

/** The calibration with new scores. The oldest scores are removed. */
function appended(
  calibration: Calibration,
  fresh: Float64Array,
  most = Math.max(FEWEST_CALIBRATION, calibration.scores.length),
): Calibration {
  const { length } = calibration.scores;
  const all = new Float64Array(length + fresh.length);
  all.set(calibration.scores);
  all.set(fresh, length);
  return new Calibration(all.slice(Math.max(0, all.length - most)));
}

function* mergingExplanation(
  { explanation, encoder: before }: Parts,
  encoder: Encoder,
  fresh: readonly Float64Array[],
): Paused<ExplanationState> {
  const heldOut: Float64Array[] = [];
  for (const [b, old] of explanation.heldOut.entries()) {
    const all = ascending([...old, ...(fresh[b] ?? [])]);
    const stride = Math.max(1, Math.ceil(all.length / MOST_KEPT));
    heldOut.push(all.filter((_, i) => i % stride === 0));
    yield;
  }
  return {
    heldOut,
    // The same values, in the new scales of their columns.
    values: explanation.values.map((values, f) => {
      const [old, own] = [before.state.fields[f], encoder.state.fields[f]];
      if (old?.kind !== "number" || own?.kind !== "number") return values;
      return values.map((value) => (value * old.scale + old.center - own.center) / own.scale);
    }),
  };
}
