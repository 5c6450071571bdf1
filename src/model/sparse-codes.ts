// Functions for models with a sparse code: codes as lists, dead units, and the threshold of batch top-k.

import type { Rows } from "../data/rows.ts";
import { InvalidStateError, show } from "../errors.ts";
import {
  PlannedSparseEncoder,
  ROWS_SINCE_ACTIVE,
  SparseEncoder,
  THRESHOLD,
} from "../layers/sparse-encoder.ts";
import { longForm } from "../options.ts";
import type { Engine } from "./engine.ts";

/** The kept units of some rows as lists. The elements of row r are starts[r] to starts[r + 1] - 1. */
export interface SparseCodes {
  /** The index of the first element of each row, and the number of all elements at the end [rows + 1]. */
  readonly starts: Uint32Array;
  /** The kept units, ascending within a row. For top-k it is [rows, k]. */
  readonly indices: Uint32Array;
  /** The values of the kept units. */
  readonly values: Float32Array;
}

/** The codes of `x` as lists. */
export function encodeSparse(engine: Engine, x: Rows): SparseCodes {
  sparseLayer(engine, "encode with sparse: true");
  const { arena, staging, network, inference } = engine;
  const starts = new Uint32Array(x.count + 1);
  const indices: Uint32Array[] = [];
  const values: Float32Array[] = [];
  let kept = 0;
  staging.chunks(x, 0, x.count, (plan, first, count) => {
    inference.run(plan, count, 0, network.codeEnd);
    const planned = plan.layers[network.codeEnd - 1];
    if (!(planned instanceof PlannedSparseEncoder)) throw new Error("The plan has no sparse code.");
    const { lists } = planned;
    const chunkStarts = arena.words(lists.starts, count + 1);
    for (let row = 0; row <= count; row++) starts[first + row] = kept + (chunkStarts[row] ?? 0);
    indices.push(arena.words(lists.indices, planned.count).slice());
    values.push(arena.view(lists.values, planned.count).slice());
    kept += planned.count;
  });
  const all = { starts, indices: new Uint32Array(kept), values: new Float32Array(kept) };
  let at = 0;
  indices.forEach((chunk, i) => {
    all.indices.set(chunk, at);
    all.values.set(values[i] ?? [], at);
    at += chunk.length;
  });
  return all;
}

/** The units that were not active for `auxiliary.deadAfter` rows, or 10,000,000 if the code has no auxiliary loss. */
export function deadUnits(engine: Engine): number[] {
  const { deadAfter } = sparseLayer(engine, "deadUnits").options;
  const idle = engine.state.buffers[ROWS_SINCE_ACTIVE] ?? [];
  const units: number[] = [];
  for (let unit = 0; unit < idle.length; unit++) {
    if ((idle[unit] ?? 0) >= deadAfter) units.push(unit);
  }
  return units;
}

/** The threshold of batch top-k: inference keeps values above it. */
export function codeThreshold(engine: Engine): number {
  const layer = sparseLayer(engine, "codeThreshold");
  if (!layer.options.ofBatch) {
    throw new InvalidStateError(
      'codeThreshold belongs to the code "batchTopK"; "topK" keeps k units of every row and has none.',
    );
  }
  return engine.state.buffers[THRESHOLD]?.[0] ?? 0;
}

function sparseLayer({ config, network }: Engine, call: string): SparseEncoder {
  const layer = network.layers[network.codeEnd - 1];
  if (layer instanceof SparseEncoder) return layer;
  throw new InvalidStateError(
    `${call} needs a sparse code; this model's is ${show(longForm(config.code).type)}. Make it with code: { type: "topK", k } or { type: "batchTopK", k }.`,
  );
}
