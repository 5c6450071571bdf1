// What a code is: the innermost pair of layers, and what lies between them. A dense code is two dense layers; a
// sparse or a variational one is a file of its own.

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
  readonly seed: number;
}

export interface CodeLayers {
  /** Layers that end with the code. */
  readonly encode: readonly Layer[];
  /** Layers that begin with the code. */
  readonly decode: readonly Layer[];
}

export interface CodeDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
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
