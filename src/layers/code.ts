// What a code is: the innermost pair of layers, and what lies between them. A dense code is two dense layers; a
// sparse or a variational one has its own file.

import type { Seed } from "../math/seed.ts";
import type { Definition, Resolved } from "../options.ts";
import { Dense, type DenseOptions } from "./dense.ts";
import type { Layer } from "./layer.ts";

/** What a code is built from. */
export interface CodeContext {
  /** The last encoding layer and the first decoding one, as they would be for a dense code. */
  readonly encoder: DenseOptions;
  readonly decoder: DenseOptions;
  /** What lies between the two: dropout, where it is configured. */
  readonly between: readonly Layer[];
  /** Stream of random draws that belongs to the code. */
  readonly stream: number;
  readonly seed: Seed;
  /** Columns of the data. */
  readonly width: number;
  /** Whether NaN in a target means that a value does not count. */
  readonly masked: boolean;
  /** The decoding layers behind the first, from the code to the output. */
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

/** What a code may ask of a model before it is made. */
export interface CodeModel {
  readonly layers: readonly number[];
  /** The activation of the last encoding layer. */
  readonly codeActivation: string;
  readonly hasDecoderBias: boolean;
}

export interface CodeDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  /** The activation of the last encoding layer is linear, whatever `activation` says. */
  readonly isLinear?: boolean;
  /** Throws for options that the model cannot have, and says what to take instead. */
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
