// Writes a model as a safetensors file: tensors under their public names, the configuration as JSON in the metadata, and
// on request the optimizer's state, so that training can continue. checkpoint-read.ts reads these files.

import type { OwnBytes, OwnFloats } from "../arrays.ts";
import { packSafetensors } from "../formats/safetensors-pack.ts";
import type { NamedTensor } from "../formats/safetensors-types.ts";
import type { ParameterLayout } from "../model/parameters.ts";
import type { ModelSnapshot, Weights } from "../model/state.ts";
import { stateNames } from "../optimizers/index.ts";
import type { RunState } from "../training/run-state.ts";
import type { OwnFormat } from "./own-file.ts";

export const FORMAT = "tied-autoencoder" satisfies OwnFormat;
/** Version 2 (package 0.2.0) adds codes, penalties and constraints, and counts epoch losses by values. */
export const VERSION = 2;

/** The sets of weights of a run, with the prefixes of their tensors. */
export const RUN_BLOCKS = { best: "best.", last: "last." } as const satisfies Partial<
  Record<keyof RunState, string>
>;

/** Writes a model whose parameters have the layout `layout`, and the state of its run. */
export function encodeCheckpoint(
  model: ModelSnapshot,
  layout: ParameterLayout,
  run: RunState | undefined,
): OwnBytes {
  const { config, optimizer } = model;
  const tensors = weightTensors("", model, layout);
  for (const [name, data] of Object.entries(model.preparation ?? {})) {
    tensors.push({ name, dtype: "F64", shape: [data.length], data: Float64Array.from(data) });
  }
  const metadata: Record<string, string> = {
    format: FORMAT,
    version: String(VERSION),
    config: JSON.stringify(config),
  };
  if (optimizer) {
    const { blocks, ...progress } = optimizer;
    metadata.training = JSON.stringify(progress);
    stateNames(config.optimizer).forEach((name, i) => {
      const block = blocks[i];
      if (block) tensors.push(...namedTensors(statePrefix(name), block, layout));
    });
  }
  if (run) {
    const { best, last, ...state } = run;
    metadata.run = JSON.stringify(state);
    if (best) tensors.push(...weightTensors(RUN_BLOCKS.best, best, layout));
    if (last) tensors.push(...weightTensors(RUN_BLOCKS.last, last, layout));
  }
  return packSafetensors(tensors, metadata);
}

export function statePrefix(name: string): string {
  return `optimizer.${name}.`;
}

/** The parameters, and the buffers of layers. */
function weightTensors(
  prefix: string,
  { parameters, buffers }: Weights,
  layout: ParameterLayout,
): NamedTensor[] {
  const tensors = namedTensors(prefix, parameters, layout);
  for (const [key, data] of Object.entries(buffers)) {
    const [name, shape] = [prefix + key, [data.length]];
    if (data instanceof Float32Array)
      tensors.push({ name, dtype: "F32", shape, data: ownBuffer(data) });
    else tensors.push({ name, dtype: "U32", shape, data: Uint32Array.from(data) });
  }
  return tensors;
}

function namedTensors(prefix: string, block: Float32Array, layout: ParameterLayout): NamedTensor[] {
  return layout.tensors.map(({ name, shape, offset, length }) => ({
    name: prefix + name,
    dtype: "F32",
    shape,
    data: ownBuffer(block.subarray(offset, offset + length)),
  }));
}

/** The same array with the type that the writer takes. The writer only reads, so shared memory is allowed. */
function ownBuffer(data: Float32Array): OwnFloats {
  return data as OwnFloats;
}
