// Sparse codes. Top-k (Makhzani & Frey 2014, k-sparse autoencoders; Gao et al. 2024) keeps the k largest activated values
// of each row, compared with their sign. Of equal values it keeps those with lower indices. Batch top-k (Bussmann et al.
// 2024) keeps in training the k · B largest values of the whole batch of B rows. In inference it keeps values above a
// threshold, a running mean of the smallest positive kept value.
//
// Only the encoder's product is dense. Kept values are stored as lists by rows, which decoding and both weight gradients
// read. With dropout on the code the decoder is dense.

import { record } from "../checks.ts";
import { InvalidValueError } from "../errors.ts";
import { atLeast0, type Check, type Checks, flag, resolveOptions, whole } from "../options.ts";
import { Auxiliary, type AuxiliarySettings } from "./auxiliary.ts";
import { Center } from "./center.ts";
import type { CodeContext, CodeDefinition, CodeLayers, CodeModel } from "./code.ts";
import { Dense } from "./dense.ts";
import type { Layer } from "./layer.ts";
import { SparseDecoder } from "./sparse-decoder.ts";
import { SparseEncoder } from "./sparse-encoder.ts";

/** The auxiliary loss that revives dead units (Gao et al. 2024). */
export interface AuxiliaryOptions {
  /** Dead units that reconstruct the residual of a row, at least 1. Default 256. */
  k?: number;
  /** Factor on the term, at least 0. Default 1/32. */
  weight?: number;
  /** Rows without a value above 1e-3 after which a unit is dead, at least 1. Default 10,000,000. */
  deadAfter?: number;
}

/** Options of the codes `"topK"` and `"batchTopK"`. */
export interface TopKCodeOptions {
  /** The number of kept units, per row or on average over the rows of a batch: from 1 to all units. */
  k: number;
  /** Whether the first layer reads x − c, where c is the decoder's outer bias. Default false. */
  centered?: boolean;
  /** The auxiliary loss, which revives units that are never kept. Default null: none. */
  auxiliary?: AuxiliaryOptions | null;
}

/** The default number of rows without activity after which a unit is dead. */
const DEAD_AFTER = 10_000_000;

const auxiliaryChecks: Checks<AuxiliaryOptions> = {
  k: whole(1, 256),
  weight: atLeast0(1 / 32),
  deadAfter: whole(1, DEAD_AFTER),
};

const auxiliary: Check<AuxiliaryOptions | null> = (where, value) =>
  value === undefined || value === null
    ? null
    : resolveOptions(where, where, record(where, value), auxiliaryChecks);

function define<Type extends "topK" | "batchTopK">(
  type: Type,
): CodeDefinition<Type, TopKCodeOptions> {
  return {
    type,
    options: { k: whole(1), centered: flag(false), auxiliary },
    check({ layers, hasDecoderBias }: CodeModel, { k, centered }) {
      const units = layers.at(-1) ?? 0;
      if (k > units) {
        throw new InvalidValueError(
          `code.k must be at most the ${units} units of the code; got ${k}. Take fewer, or the code "dense" to keep all.`,
        );
      }
      if (centered && !hasDecoderBias) {
        throw new InvalidValueError(
          "code.centered takes the decoder's outer bias out of the input; decoderBias is false.",
        );
      }
    },
    layers: (context, options) => sparseLayers(context, type, options),
  };
}

export const topKCode = define("topK");
export const batchTopKCode = define("batchTopK");

function sparseLayers(
  context: CodeContext,
  type: "topK" | "batchTopK",
  options: Required<TopKCodeOptions>,
): CodeLayers {
  const { between, decoder, outerDecoders } = context;
  const outermost = outerDecoders.at(-1) ?? decoder;
  const input: Layer[] = options.centered && outermost.bias ? [new Center(outermost.bias)] : [];
  const inputGradient = context.encoder.inputGradient || options.centered;
  const isSparse = between.length === 0;
  // The check of the option filled in its defaults.
  const settings = options.auxiliary as AuxiliarySettings | null;
  const auxiliary = settings ? new Auxiliary(context, settings) : undefined;
  const encoder = new SparseEncoder({
    dense: { ...context.encoder, inputGradient },
    k: options.k,
    ofBatch: type === "batchTopK",
    decodesSparsely: isSparse,
    auxiliary,
    deadAfter: settings?.deadAfter ?? DEAD_AFTER,
  });
  return {
    input,
    encode: [encoder],
    decode: isSparse ? [new SparseDecoder(decoder, encoder)] : [...between, new Dense(decoder)],
  };
}
