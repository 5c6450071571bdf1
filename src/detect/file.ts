// A detector as one safetensors file: the tensors of its models under "model.0." and so on, the scores that calibrate
// it, and everything else as JSON in the metadata. file-read.ts reads such files.

import type { OwnBytes } from "../arrays.ts";
import type { OwnFormat } from "../exchange/own-file.ts";
import { decodeSafetensors } from "../formats/safetensors.ts";
import type { NamedTensor } from "../formats/safetensors-types.ts";
import { encodeSafetensors } from "../formats/safetensors-write.ts";
import type { DriftState } from "./drift.ts";
import type { Parts } from "./parts.ts";

export const DETECTOR_FORMAT = "tied-autoencoder-detector" satisfies OwnFormat;
export const DETECTOR_VERSION = 1;

/** Names of the tensors that do not belong to a model. */
export const TENSORS = {
  calibration: "calibration.scores",
  windows: "calibration.windows",
  trainingScore: "training.score",
  trainingPValue: "training.pValue",
  trainingJudge: "training.judge",
  blockErrors: "errors.mean",
  heldOut: "errors.heldOut",
  heldOutCounts: "errors.heldOut.counts",
  values: "columns.values",
  valueCounts: "columns.values.counts",
  drift: "drift.scores",
  neighbours: "neighbours.rows",
  neighbourFolds: "neighbours.folds",
} as const;

export const modelPrefix = (k: number) => `model.${k}.`;
export const codeMeanName = (k: number) => `code.${k}.mean`;
export const codeWhiteningName = (k: number) => `code.${k}.whitening`;

/** The JSON in the metadata, without that of the models. */
export interface DetectorHeader {
  readonly encoder: Parts["encoder"]["state"];
  readonly series: Parts["series"] | null;
  readonly policy: Parts["policy"];
  readonly ensemble: Omit<Parts["ensemble"]["state"], "blockErrors">;
  readonly notes: readonly string[];
  readonly seed: number;
  readonly drift: Omit<DriftState, "scores">;
}

/** Writes a detector. */
export function encodeDetector(parts: Parts, drift: DriftState): OwnBytes {
  const { encoder, series, ensemble, policy, notes, seed } = parts;
  const tensors: NamedTensor[] = [];
  const metadata: Record<string, string> = {
    format: DETECTOR_FORMAT,
    version: String(DETECTOR_VERSION),
    models: String(ensemble.members.length),
  };
  ensemble.members.forEach(({ bytes, state }, k) => {
    const own = decodeSafetensors(bytes);
    for (const [name, tensor] of own.tensors) {
      tensors.push({ ...tensor, name: modelPrefix(k) + name });
    }
    for (const [key, value] of Object.entries(own.metadata)) metadata[modelPrefix(k) + key] = value;
    tensors.push(doubles(codeMeanName(k), state.codeMean));
    tensors.push(doubles(codeWhiteningName(k), state.codeWhitening));
  });
  const { blockErrors, ...rest } = ensemble.state;
  const { scores: driftScores, ...driftRest } = drift;
  const header: DetectorHeader = {
    encoder: encoder.state,
    series: series ?? null,
    policy,
    ensemble: rest,
    notes,
    seed,
    drift: driftRest,
  };
  metadata.detector = JSON.stringify(header);
  tensors.push(
    doubles(TENSORS.calibration, parts.calibration.scores),
    doubles(TENSORS.trainingScore, parts.training.score),
    doubles(TENSORS.trainingPValue, parts.training.pValue),
    {
      name: TENSORS.trainingJudge,
      dtype: "I32",
      shape: [parts.judgeOf.length],
      data: Int32Array.from(parts.judgeOf),
    },
    doubles(TENSORS.blockErrors, blockErrors),
    ...lists(TENSORS.heldOut, TENSORS.heldOutCounts, parts.explanation.heldOut),
    ...lists(TENSORS.values, TENSORS.valueCounts, parts.explanation.values),
    doubles(TENSORS.drift, driftScores),
  );
  if (parts.windowCalibration) {
    tensors.push(doubles(TENSORS.windows, parts.windowCalibration.scores));
  }
  if (ensemble.neighbours) {
    const { rows, folds } = ensemble.neighbours;
    const count = folds.length;
    tensors.push(
      { name: TENSORS.neighbours, dtype: "F32", shape: [count, rows.length / count], data: rows },
      { name: TENSORS.neighbourFolds, dtype: "U32", shape: [count], data: folds },
    );
  }
  return encodeSafetensors(tensors, metadata);
}

function doubles(name: string, data: Float64Array): NamedTensor {
  return { name, dtype: "F64", shape: [data.length], data: Float64Array.from(data) };
}

/** Lists of different lengths as two tensors: all values in order, and the length of each list. */
function lists(name: string, counts: string, values: readonly Float64Array[]): NamedTensor[] {
  const all = new Float64Array(values.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of values) {
    all.set(list, at);
    at += list.length;
  }
  const lengths = Uint32Array.from(values, ({ length }) => length);
  return [
    doubles(name, all),
    { name: counts, dtype: "U32", shape: [lengths.length], data: lengths },
  ];
}
