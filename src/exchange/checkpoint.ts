// A model as a safetensors file: tensors under their public names, the configuration as JSON in the file's
// metadata, and on request the optimizer's state, so that training can go on. checkpoint-read.ts is the
// way back.

import { packSafetensors } from "../formats/safetensors-pack.ts";
import type { NamedTensor } from "../formats/safetensors-types.ts";
import type { ResolvedConfig } from "../model/config.ts";
import { layoutParameters, type ParameterLayout } from "../model/layout.ts";
import { stateNames } from "../model/optimizers.ts";
import type { PreparationState } from "../model/preparation.ts";
import type { RunState } from "../training/run-state.ts";

export const FORMAT = "tied-autoencoder";
export const VERSION = 1;
/** Prefix of the best epoch's weights, in a run that wants them back. */
export const BEST = "best.";

/** The optimizer's memory: what a resumed run needs beside the weights. */
export interface TrainingState {
  readonly learningRate: number;
  /** The rate that schedules start from. */
  readonly baseLearningRate: number;
  /** Optimizer steps taken. */
  readonly stepCount: number;
  /** The last loss over its data's mean square, which decides on the Gram step; null where unknown. */
  readonly lossRatio: number | null;
  /** How far the last `fit` came. */
  readonly run: RunState | undefined;
  /** One flat block, laid out like the parameters, for each of the optimizer's state names. */
  readonly blocks: readonly Float32Array[];
}

export interface Checkpoint {
  readonly config: ResolvedConfig;
  /** The flat block of parameters, laid out as `layoutParameters` says. */
  readonly parameters: Float32Array;
  /** What was learned for scaling and for filling in; undefined before there was data. */
  readonly preparation: PreparationState | undefined;
  readonly training: TrainingState | undefined;
}

/** Writes a model. */
export function encodeCheckpoint(model: Checkpoint): Uint8Array {
  const { config, parameters, training } = model;
  const layout = layoutOf(config);
  const tensors = namedTensors("", parameters, layout);
  for (const [name, data] of Object.entries(model.preparation ?? {})) {
    tensors.push({
      name,
      dtype: "F32",
      shape: [data.length],
      data: data as Float32Array<ArrayBuffer>,
    });
  }
  const metadata: Record<string, string> = {
    format: FORMAT,
    version: String(VERSION),
    config: JSON.stringify(config),
  };
  if (training) {
    const { blocks, run, ...progress } = training;
    metadata.training = JSON.stringify(progress);
    if (run) {
      const { best, ...state } = run;
      metadata.run = JSON.stringify(state);
      if (best) tensors.push(...namedTensors(BEST, best, layout));
    }
    stateNames(config.optimizer).forEach((name, i) => {
      tensors.push(...namedTensors(statePrefix(name), blocks[i] as Float32Array, layout));
    });
  }
  return packSafetensors(tensors, metadata);
}

export function layoutOf(config: ResolvedConfig): ParameterLayout {
  return layoutParameters(config.layers, config.bias, config.decoderBias);
}

export function statePrefix(name: string): string {
  return `optimizer.${name}.`;
}

function namedTensors(prefix: string, block: Float32Array, layout: ParameterLayout): NamedTensor[] {
  return layout.tensors.map(({ name, shape, offset, length }) => ({
    name: prefix + name,
    dtype: "F32",
    shape,
    data: block.subarray(offset, offset + length) as Float32Array<ArrayBuffer>,
  }));
}
