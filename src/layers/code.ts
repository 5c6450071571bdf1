// What a code is: the last encoding layer, the first decoding layer, and the layers between them. A dense code is two
// dense layers. Sparse codes and the gaussian code have their own files.

import type { Seed } from "../math/seed.ts";
import type { Definition, Resolved } from "../options.ts";
import { Dense, type DenseOptions } from "./dense.ts";
import type { Layer } from "./layer.ts";

/** What a code is built from. */
export interface CodeContext {
  /** The last encoding and the first decoding layer of a dense code in this place. */
  readonly encoder: DenseOptions;
  readonly decoder: DenseOptions;
  /** The layers between the two: dropout, where it is configured. */
  readonly between: readonly Layer[];
  /** The random stream of the code. */
  readonly stream: number;
  readonly seed: Seed;
  /** Columns of the data. */
  readonly width: number;
  /** Whether NaN in a target marks a missing value. */
  readonly masked: boolean;
  /** Columns of the output that a softmax makes probabilities: the first and the levels of each category. */
  readonly categories: readonly (readonly [first: number, levels: number])[];
  /** The decoding layers after the first, from the code to the output. */
  readonly outerDecoders: readonly DenseOptions[];
}

export interface CodeLayers {
  /** Layers before all others. */
  readonly input?: readonly Layer[];
  /** Layers that end with the code. */
  readonly encode: readonly Layer[];
  /** Layers that begin with the code. */
  readonly decode: readonly Layer[];
}

/** What a code's check can read of a model's configuration. */
export interface CodeModel {
  readonly layers: readonly number[];
  /** The activation of the last encoding layer. */
  readonly codeActivation: string;
  readonly hasDecoderBias: boolean;
}

export interface CodeDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  /** The activation of the last encoding layer is linear by default, instead of `activation`. */
  readonly isLinear?: boolean;
  /** Throws for options that do not fit the model. The message says what to use instead. */
  check?(model: CodeModel, options: Resolved<Options>): void;
  layers(context: CodeContext, options: Resolved<Options>): CodeLayers;
}

export type AnyCode = CodeDefinition<string, object>;

/** The ordinary code: the output of the last encoding layer. */
export const denseCode: CodeDefinition<"dense", object> = {
  type: "dense",
  options: {},
  layers: ({ encoder, decoder, between }) => ({
    encode: [new Dense(encoder)],
    decode: [...between, new Dense(decoder)],
  }),
};
