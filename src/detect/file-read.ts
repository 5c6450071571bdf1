// Reads the files that file.ts writes: a safetensors file becomes the parts of a detector. Every name, size and
// number is checked before it is used.

import { boolean, choice, finiteNumber, positiveNumber, record, wholeNumber } from "../checks.ts";
import { show } from "../errors.ts";
import { openOwnFile } from "../exchange/own-file.ts";
import { FormatError } from "../formats/errors.ts";
import type { Safetensors } from "../formats/safetensors.ts";
import type { NamedTensor } from "../formats/safetensors-types.ts";
import { encodeSafetensors } from "../formats/safetensors-write.ts";
import type { RuntimeOptions } from "../make.ts";
import { ascending, at } from "../math/order.ts";
import { Calibration } from "./calibration.ts";
import type { DriftState } from "./drift.ts";
import { Ensemble } from "./ensemble.ts";
import {
  codeMeanName,
  codeWhiteningName,
  DETECTOR_FORMAT,
  DETECTOR_VERSION,
  modelPrefix,
  TENSORS,
} from "./file.ts";
import { EnsembleInference } from "./inference.ts";
import type { Member } from "./member.ts";
import type { Neighbours } from "./neighbours.ts";
import { type Parts, rowBlocks } from "./parts.ts";
import type { Policy } from "./policy.ts";
import type { SeriesState } from "./series/series.ts";
import { windowBlocks } from "./series/windows.ts";
import type { MartingaleState } from "./statistics/martingale.ts";
import { Encoder, type EncoderState, type Field } from "./table/encoder.ts";
import { type ColumnSchema, columnKinds } from "./table/schema.ts";

const MOST_MODELS = 1000;
const SCORE_KINDS = ["residual", "distance", "combined"] as const;

/**
 * Reads a detector.
 * @throws (rejects) FormatError for a file that is truncated, malformed, newer or of another kind
 */
export async function decodeDetector(
  bytes: Uint8Array,
  runtime: RuntimeOptions,
): Promise<{ parts: Parts; drift: DriftState }> {
  const file = openOwnFile(DETECTOR_FORMAT, bytes);
  const { metadata } = file;
  if (metadata.version !== String(DETECTOR_VERSION)) {
    throw new FormatError(
      `The file has format version ${show(metadata.version)}; this release reads version ${DETECTOR_VERSION}. A newer release may read it.`,
    );
  }
  const tensors = new Reader(file);
  const header = checked(() => readHeader(metadata.detector, metadata.models));
  const encoder = checked(() => new Encoder(header.encoder));
  // The file must contain one error for each block. This is checked before anything of that size is allocated.
  const count = header.encoder.fields.length * (header.series?.length ?? 1);
  const blockErrors = tensors.finite(TENSORS.blockErrors, count);
  if (blockErrors.some((error) => !(error > 0))) {
    throw new FormatError(`The tensor ${show(TENSORS.blockErrors)} must be greater than 0.`);
  }
  const blocks = header.series
    ? windowBlocks(rowBlocks(encoder), header.series.length)
    : rowBlocks(encoder);
  const width = at(blocks, count);
  const calibration = new Calibration(tensors.finite(TENSORS.calibration));
  const windowCalibration = header.series
    ? new Calibration(tensors.finite(TENSORS.windows))
    : undefined;
  if (calibration.sorted.length === 0) throw new FormatError("The file has no calibration scores.");
  const training = {
    score: tensors.doubles(TENSORS.trainingScore),
    pValue: tensors.doubles(TENSORS.trainingPValue),
  };
  const judgeOf = tensors.judges(training.score.length, header.models);
  const explanation = {
    heldOut: tensors.lists(TENSORS.heldOut, TENSORS.heldOutCounts, count),
    values: tensors.lists(TENSORS.values, TENSORS.valueCounts, header.encoder.fields.length),
  };
  const drift = { ...header.drift, scores: ascending(tensors.finite(TENSORS.drift)) };
  const members = readMembers(tensors, header.models);
  const { neighbourScale } = header.ensemble;
  const neighbours = neighbourScale === undefined ? undefined : tensors.neighbours(width);
  tensors.requireNoOthers();

  const inference = await loadMembers(members, neighbours, width, runtime);
  const { series, policy, notes, seed } = header;
  const state = { ...header.ensemble, blockErrors };
  const ensemble = new Ensemble(
    members,
    inference,
    blocks,
    state,
    neighbours,
    series !== undefined,
  );
  return {
    parts: {
      encoder,
      series,
      ensemble,
      calibration,
      windowCalibration,
      explanation,
      training,
      judgeOf,
      notes,
      seed,
      policy,
      runtime,
    },
    drift,
  };
}

function readMembers(tensors: Reader, count: number): Member[] {
  return Array.from({ length: count }, (_, k) => {
    const codeMean = tensors.finite(codeMeanName(k));
    const units = codeMean.length;
    const codeWhitening = tensors.finite(codeWhiteningName(k), units * units);
    return { bytes: tensors.model(k), state: { codeMean, codeWhitening } };
  });
}

/** Loads the models. @throws (rejects) FormatError for a model of other sizes than the detector's */
async function loadMembers(
  members: readonly Member[],
  neighbours: Neighbours | undefined,
  width: number,
  runtime: RuntimeOptions,
): Promise<EnsembleInference> {
  const inference = await EnsembleInference.load(members, neighbours, runtime);
  members.forEach(({ state }, k) => {
    const { inputs, units } = inference.sizeOf(k);
    if (inputs === width && units === state.codeMean.length) return;
    inference.dispose();
    throw new FormatError(
      `Model ${k} has ${inputs} inputs and a code of ${units} units; the detector's rows have ${width} features and its codes ${state.codeMean.length} units.`,
    );
  });
  return inference;
}

/** The tensors of a file. Each is read once. */
class Reader {
  readonly #tensors: Safetensors["tensors"];
  readonly #metadata: Record<string, string>;
  readonly #asked = new Set<string>();

  constructor({ tensors, metadata }: Safetensors) {
    this.#tensors = tensors;
    this.#metadata = metadata;
  }

  /** A float64 list, which may contain NaN. */
  doubles(name: string, length?: number): Float64Array {
    this.#asked.add(name);
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new FormatError(`The file lacks the tensor ${show(name)}.`);
    const { data, dtype, shape } = tensor;
    if (!(data instanceof Float64Array) || shape.length !== 1) {
      throw new FormatError(
        `The tensor ${show(name)} must be F64 of one dimension; it is ${dtype} of [${shape.join(", ")}].`,
      );
    }
    if (length !== undefined && data.length !== length) {
      throw new FormatError(
        `The tensor ${show(name)} holds ${data.length} values; the detector asks for ${length}.`,
      );
    }
    return data.slice();
  }

  finite(name: string, length?: number): Float64Array {
    const values = this.doubles(name, length);
    const index = values.findIndex((value) => !Number.isFinite(value));
    if (index < 0) return values;
    throw new FormatError(
      `The tensor ${show(name)} must hold finite numbers; element ${index} is ${values[index]}.`,
    );
  }

  /** Ascending lists from one tensor; another tensor has their lengths. */
  lists(name: string, countsName: string, length: number): Float64Array[] {
    const values = this.finite(name);
    this.#asked.add(countsName);
    const counts = this.#tensors.get(countsName)?.data;
    if (!(counts instanceof Uint32Array) || counts.length !== length) {
      throw new FormatError(
        `The tensor ${show(countsName)} must hold ${length} counts of type U32.`,
      );
    }
    let end = 0;
    const lists = Array.from(counts, (count) => {
      end += count;
      return ascending(values.subarray(end - count, end));
    });
    if (end === values.length) return lists;
    throw new FormatError(
      `The tensor ${show(name)} holds ${values.length} values; its counts ask for ${end}.`,
    );
  }

  /** For each training row the model that judges it, or -1 for all. */
  judges(rows: number, models: number): Int32Array {
    const name = TENSORS.trainingJudge;
    this.#asked.add(name);
    const judges = this.#tensors.get(name)?.data;
    const isSound =
      judges instanceof Int32Array &&
      judges.length === rows &&
      judges.every((judge) => judge >= -1 && judge < models);
    if (isSound) return judges.slice();
    throw new FormatError(
      `The tensor ${show(name)} must hold ${rows} numbers of models, or -1, of type I32.`,
    );
  }

  /** Training samples of `width` features. */
  neighbours(width: number): Neighbours {
    this.#asked.add(TENSORS.neighbours).add(TENSORS.neighbourFolds);
    const rows = this.#tensors.get(TENSORS.neighbours)?.data;
    const folds = this.#tensors.get(TENSORS.neighbourFolds)?.data;
    const isSound =
      rows instanceof Float32Array &&
      folds instanceof Uint32Array &&
      folds.length > 0 &&
      rows.length === folds.length * width &&
      rows.every(Number.isFinite) &&
      folds.every((fold, i) => i === 0 || fold >= at(folds, i - 1)) &&
      (folds[0] ?? 0) + (folds.at(-1) ?? 0) > 0;
    if (isSound) return { rows: rows.slice(), folds: folds.slice() };
    throw new FormatError(
      `The tensors ${show(TENSORS.neighbours)} and ${show(TENSORS.neighbourFolds)} must hold finite samples of ${width} features (F32) and their folds, rising (U32).`,
    );
  }

  /** The file of model `k` alone. */
  model(k: number): Uint8Array {
    const prefix = modelPrefix(k);
    const own: NamedTensor[] = [];
    for (const [name, tensor] of this.#tensors) {
      if (!name.startsWith(prefix)) continue;
      this.#asked.add(name);
      own.push({ ...tensor, name: name.slice(prefix.length) });
    }
    const metadata = Object.entries(this.#metadata).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
    );
    return encodeSafetensors(own, Object.fromEntries(metadata));
  }

  requireNoOthers(): void {
    const extra = [...this.#tensors.keys()].find((name) => !this.#asked.has(name));
    if (extra === undefined) return;
    throw new FormatError(
      `The file holds a tensor ${show(extra)} that a detector has no place for.`,
    );
  }
}

interface Header {
  readonly models: number;
  readonly encoder: EncoderState;
  readonly series: SeriesState | undefined;
  readonly policy: Policy;
  readonly ensemble: Omit<Ensemble["state"], "blockErrors">;
  readonly notes: readonly string[];
  readonly seed: number;
  readonly drift: Omit<DriftState, "scores">;
}

/** Reads a part of the header. An error about an argument becomes the reason of a FormatError. */
function checked<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError(`The file's description of the detector cannot be used: ${reason}`);
  }
}

function readHeader(text: string | undefined, models: string | undefined): Header {
  const from = record("detector", JSON.parse(text ?? ""));
  const ensemble = record("ensemble", from.ensemble);
  const drift = record("drift", from.drift);
  const count = wholeNumber("models", Number(models), 1);
  if (count > MOST_MODELS) throw new FormatError(`models must be at most ${MOST_MODELS}.`);
  return {
    models: count,
    encoder: readEncoder(record("encoder", from.encoder)),
    series: from.series === null ? undefined : readSeries(record("series", from.series)),
    policy: readPolicy(record("policy", from.policy)),
    ensemble: {
      kind: choice("ensemble.kind", ensemble.kind, SCORE_KINDS),
      distanceScale: positiveNumber("ensemble.distanceScale", ensemble.distanceScale),
      neighbourScale:
        ensemble.neighbourScale === undefined
          ? undefined
          : positiveNumber("ensemble.neighbourScale", ensemble.neighbourScale),
      trainingCount: wholeNumber("ensemble.trainingCount", ensemble.trainingCount, 1),
    },
    notes: list("notes", from.notes).map((note, i) => string(`notes[${i}]`, note)),
    seed: wholeNumber("seed", from.seed, 0),
    drift: {
      rowsPerScore: wholeNumber("drift.rowsPerScore", drift.rowsPerScore, 1),
      reference: wholeNumber("drift.reference", drift.reference, 1),
      martingale: readMartingale(record("drift.martingale", drift.martingale)),
    },
  };
}

function readEncoder(from: Record<string, unknown>): EncoderState {
  const schema = list("encoder.schema", from.schema).map((column, i) =>
    readColumn(`encoder.schema[${i}]`, record(`encoder.schema[${i}]`, column)),
  );
  let start = 0;
  let before = -1;
  const fields = list("encoder.fields", from.fields).map((value, i): Field => {
    const where = `encoder.fields[${i}]`;
    const field = record(where, value);
    const column = wholeNumber(`${where}.column`, field.column, before + 1);
    before = column;
    const own = schema[column];
    if (!own) throw new FormatError(`${where} is of a column that there is not.`);
    const scale = positiveNumber(`${where}.scale`, field.scale);
    const isCategory = own.kind === "category";
    const levels = own.levels ?? [];
    const width = isCategory ? levels.length : 1;
    const place = { column, start, width };
    start += width;
    if (!isCategory) {
      const center = finiteNumber(`${where}.center`, field.center);
      return { kind: "number", ...place, center, scale };
    }
    const shares = list(`${where}.shares`, field.shares).map((share, l) =>
      finiteNumber(`${where}.shares[${l}]`, share, 0, 1),
    );
    if (shares.length !== width)
      throw new FormatError(`${where} must have a share for each level.`);
    const isChoice = boolean(`${where}.isChoice`, field.isChoice);
    return { kind: "category", ...place, levels, shares, scale, isChoice };
  });
  if (fields.length === 0) throw new FormatError("encoder.fields is empty.");
  // The reader of cells checks its own options.
  return { schema, cells: record("encoder.cells", from.cells), fields };
}

function readColumn(where: string, from: Record<string, unknown>): ColumnSchema {
  const { name, value } = from;
  const isName = typeof name === "string" || Number.isSafeInteger(name);
  const isValue = value === undefined || typeof value === "string" || Number.isFinite(value);
  if (!isName || !isValue) throw new FormatError(`${where} has no proper name or value.`);
  return {
    name: name as string | number,
    kind: choice(`${where}.kind`, from.kind, columnKinds),
    reason: string(`${where}.reason`, from.reason),
    missing: finiteNumber(`${where}.missing`, from.missing, 0, 1),
    ...(from.levels === undefined
      ? {}
      : {
          levels: list(`${where}.levels`, from.levels).map((level, i) =>
            string(`${where}.levels[${i}]`, level),
          ),
        }),
    ...(value === undefined ? {} : { value: value as number | string }),
  };
}

function readSeries(from: Record<string, unknown>): SeriesState {
  const length = wholeNumber("series.length", from.length, 2);
  const stride = wholeNumber("series.stride", from.stride, 1);
  if (stride > length) throw new FormatError("series.stride must not be above series.length.");
  return {
    length,
    stride,
    ...(from.time === undefined ? {} : { time: string("series.time", from.time) }),
    ...(from.groupBy === undefined ? {} : { groupBy: string("series.groupBy", from.groupBy) }),
    ...(from.step === undefined ? {} : { step: finiteNumber("series.step", from.step, 0) }),
    ...(from.fills === undefined ? {} : { fills: boolean("series.fills", from.fills) }),
  };
}

function readPolicy(from: Record<string, unknown>): Policy {
  return {
    models: wholeNumber("policy.models", from.models, 1),
    hidden: list("policy.hidden", from.hidden).map((units, i) =>
      wholeNumber(`policy.hidden[${i}]`, units, 1),
    ),
    noise: finiteNumber("policy.noise", from.noise, 0),
    steps: wholeNumber("policy.steps", from.steps, 0),
    batchSize: wholeNumber("policy.batchSize", from.batchSize, 1),
    config: record("policy.config", from.config),
    ...(from.neighbours === undefined
      ? {}
      : { neighbours: boolean("policy.neighbours", from.neighbours) }),
    ...(from.distanceWeight === undefined
      ? {}
      : { distanceWeight: positiveNumber("policy.distanceWeight", from.distanceWeight) }),
    ...(from.components === undefined
      ? {}
      : { components: finiteNumber("policy.components", from.components, 0, 1) }),
  };
}

function readMartingale(from: Record<string, unknown>): MartingaleState {
  const capital = list("drift.capital", from.capital).map((value, i) =>
    finiteNumber(`drift.capital[${i}]`, value, 0),
  );
  const runs = list("drift.runs", from.runs).map((run, i) => {
    const own = record(`drift.runs[${i}]`, run);
    return {
      gain: finiteNumber(`drift.runs[${i}].gain`, own.gain, 0),
      since: wholeNumber(`drift.runs[${i}].since`, own.since, 0),
    };
  });
  const [down, none, up] = capital;
  const [first, second] = runs;
  if (down === undefined || none === undefined || up === undefined || !first || !second) {
    throw new FormatError("drift must have three capitals and two runs.");
  }
  return {
    capital: [down, none, up],
    count: wholeNumber("drift.count", from.count, 0),
    highest: finiteNumber("drift.highest", from.highest, 0),
    alarmAt: wholeNumber("drift.alarmAt", from.alarmAt, -1),
    runs: [first, second],
  };
}

function list(where: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new FormatError(`${where} must be a list; got ${show(value)}.`);
}

function string(where: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw new FormatError(`${where} must be text; got ${show(value)}.`);
}
