// Builds the list of layers of a model from its configuration. Nothing here has an address in memory. Summary, files,
// ONNX and the layout of the arena derive from this list.
//
// A model of n layers encodes with weights 0 … n-1 and decodes with the same weights, transposed, n-1 … 0.

import { Dense, type DenseOptions } from "../layers/dense.ts";
import { Dropout } from "../layers/dropout.ts";
import type { BufferSpec, Layer, ParameterSpec } from "../layers/layer.ts";
import { Softmax } from "../layers/softmax.ts";
import { lossFunction } from "../losses/index.ts";
import { Stream, splitSeed } from "../math/seed.ts";
import { longForm } from "../options.ts";
import { codes } from "./codes.ts";
import type { ResolvedConfig } from "./config.ts";
import { layoutParameters, type ParameterLayout } from "./parameters.ts";

export interface Network {
  /** In the order of the forward pass. */
  readonly layers: readonly Layer[];
  /** Layers before this index encode. The output of the last one is the code. */
  readonly codeEnd: number;
  readonly layout: ParameterLayout;
  /** Values besides the parameters that training updates. */
  readonly buffers: readonly BufferSpec[];
  /** The outermost layers, which share weight 0, if both are dense. The Gram step needs them. */
  readonly outer: { readonly first: Dense; readonly last: Dense } | undefined;
}

/** The network that a configuration describes. */
export function buildNetwork(config: ResolvedConfig): Network {
  const { layers: units, dropout, seed } = config;
  const depth = units.length - 1;
  const encoders: DenseOptions[] = [];
  const decoders: DenseOptions[] = [];
  for (let i = 0; i < depth; i++) {
    const [encoder, decoder] = densePair(config, i);
    encoders.push(encoder);
    decoders.push(decoder);
  }
  /** Dropout after layer `s` of the 2n layers, if it is configured. */
  const dropoutAfter = (s: number): Layer[] => {
    if (dropout === 0) return [];
    const width = units[s < depth ? s + 1 : 2 * depth - 1 - s] ?? 0;
    return [new Dropout(`dropout.${s}`, width, dropout, splitSeed(seed), Stream.dropout + s)];
  };
  const { categories = [] } = lossFunction(config.loss);
  const codeSpec = longForm(config.code);
  const code = codes.of(codeSpec).layers(
    {
      encoder: encoders[depth - 1] as DenseOptions,
      decoder: decoders[depth - 1] as DenseOptions,
      between: dropoutAfter(depth - 1),
      stream: Stream.code,
      seed: splitSeed(seed),
      width: units[0] ?? 0,
      masked: config.missing === "mask",
      categories,
      outerDecoders: decoders.slice(0, -1).reverse(),
    },
    codeSpec,
  );
  const input = code.input ?? [];
  const encode = [
    ...input,
    ...encoders
      .slice(0, -1)
      .flatMap((options, i) => [
        new Dense({ ...options, inputGradient: i > 0 || input.length > 0 }),
        ...dropoutAfter(i),
      ]),
    ...code.encode,
  ];
  const decode = [...code.decode];
  for (let i = depth - 2; i >= 0; i--) {
    decode.push(...dropoutAfter(2 * depth - 2 - i), new Dense(decoders[i] as DenseOptions));
  }
  if (categories.length > 0) decode.push(new Softmax("softmax", units[0] ?? 0, categories));
  const layers = [...encode, ...decode];
  const [first, last] = [layers[0], layers.at(-1)];
  return {
    layers,
    codeEnd: encode.length,
    layout: layoutParameters(inPairs(layers, depth)),
    buffers: layers.flatMap(({ buffers }) => buffers),
    outer: first instanceof Dense && last instanceof Dense ? { first, last } : undefined,
  };
}

/** The encoding and the decoding layer that share weight `i`. */
function densePair(
  config: ResolvedConfig,
  i: number,
): [encoder: DenseOptions, decoder: DenseOptions] {
  const { layers, encoderActivations, decoderActivations } = config;
  const depth = layers.length - 1;
  const inputs = layers[i] ?? 0;
  const units = layers[i + 1] ?? 0;
  const weight: ParameterSpec = {
    name: `encoder.${i}.weight`,
    shape: [units, inputs],
    kind: "tiedWeight",
    fanIn: inputs,
  };
  const bias = (side: string, length: number, fanIn: number): ParameterSpec => ({
    name: `${side}.${i}.bias`,
    shape: [length],
    kind: "bias",
    fanIn,
  });
  return [
    {
      name: `encoder.${i}`,
      weight,
      bias: config.bias ? bias("encoder", units, inputs) : undefined,
      encodes: true,
      activation: encoderActivations[i] ?? "linear",
      inputGradient: i > 0,
      isOutput: false,
    },
    {
      name: `decoder.${i}`,
      weight,
      bias: config.decoderBias ? bias("decoder", inputs, units) : undefined,
      encodes: false,
      activation: decoderActivations[depth - 1 - i] ?? "linear",
      inputGradient: true,
      isOutput: i === 0,
    },
  ];
}

/** Layers in the order in which their parameters are stored: encoder 0, decoder 0, encoder 1, … */
function inPairs(layers: readonly Layer[], depth: number): Layer[] {
  const pair = ({ name }: Layer) => Number(/^(?:en|de)coder\.(\d+)/.exec(name)?.[1] ?? depth);
  return layers
    .map((layer, position) => ({ layer, pair: pair(layer), position }))
    .sort((a, b) => a.pair - b.pair || a.position - b.position)
    .map(({ layer }) => layer);
}
