// Reads top-k dictionaries of two other programs as layers and weights. Both programs subtract a bias from the input and
// add it after the decoder, as a centered code does. The files do not contain the number of kept units.
//
// OpenAI's sparse_autoencoder: pre_bias, encoder.weight [units, inputs], latent_bias, and as decoder either decoder.weight
// [inputs, units] or, if it is tied, decoder.linear.weight, which equals encoder.weight. Statistics are ignored.
// EleutherAI's sae.safetensors: encoder.weight and W_dec [units, inputs], encoder.bias, b_dec.
//
// If two names share a tensor, a file may contain only one of them. The caller scales rows before the encoder.

import { show } from "../errors.ts";
import { FormatError } from "../formats/errors.ts";
import { finiteFloat32 } from "../formats/safetensors.ts";
import type { SafeTensor } from "../formats/safetensors-types.ts";
import type { NamedWeights } from "./named-weights.ts";

type Tensors = ReadonlyMap<string, SafeTensor>;

/** The names of a program's tensors. */
interface Dialect {
  readonly program: string;
  readonly encoderBias: string;
  readonly decoderBias: string;
  /** The decoder's weight as [units, inputs]. */
  readonly decoder: string;
  /** The decoder's weight as [inputs, units]. */
  readonly transposed?: string;
  /** Tensors that a model does not need. */
  readonly ignored: readonly string[];
}

const ENCODER = "encoder.weight";

const dialects: readonly Dialect[] = [
  {
    program: "OpenAI's sparse_autoencoder",
    encoderBias: "latent_bias",
    decoderBias: "pre_bias",
    decoder: "decoder.linear.weight",
    transposed: "decoder.weight",
    ignored: ["stats_last_nonzero", "latents_activation_frequency", "latents_mean_square"],
  },
  {
    program: "EleutherAI's sae.safetensors",
    encoderBias: "encoder.bias",
    decoderBias: "b_dec",
    decoder: "W_dec",
    ignored: [],
  },
];

export interface Dictionary {
  readonly layers: readonly number[];
  readonly weights: NamedWeights;
}

/**
 * The dictionary in a file. Undefined if its names are not those of a dictionary.
 * @throws FormatError if the decoder is not the transposed encoder. The message has their largest difference.
 */
export function readDictionary(tensors: Tensors): Dictionary | undefined {
  const dialect = dialects.find(({ decoderBias }) => tensors.has(decoderBias));
  if (!dialect) return undefined;
  const { program, encoderBias, decoderBias, decoder, transposed, ignored } = dialect;
  const known = [ENCODER, encoderBias, decoderBias, decoder, transposed, ...ignored];
  const other = [...tensors.keys()].find((name) => !known.includes(name));
  if (other !== undefined) {
    throw new FormatError(
      `The file looks like ${program} and holds ${show(other)} too, which a tied autoencoder has no place for.`,
    );
  }
  const name = tensors.has(ENCODER) ? ENCODER : decoder;
  const { shape } = required(tensors, name, program);
  const [units, inputs] = shape;
  if (units === undefined || inputs === undefined || shape.length !== 2) {
    throw new FormatError(
      `${show(name)} has shape [${shape.join(", ")}]; a weight is [units, inputs].`,
    );
  }
  const weight = floats(tensors, name, [units, inputs], program);
  if (name === ENCODER && tensors.has(decoder)) {
    const other = floats(tensors, decoder, [units, inputs], program);
    requireTied(decoder, weight, other, (at) => at);
  }
  if (transposed !== undefined && tensors.has(transposed)) {
    const other = floats(tensors, transposed, [inputs, units], program);
    requireTied(transposed, weight, other, (at) => {
      const unit = Math.floor(at / inputs);
      return (at - unit * inputs) * units + unit;
    });
  }
  return {
    layers: [inputs, units],
    weights: {
      "encoder.0.weight": { shape: [units, inputs], data: weight },
      "encoder.0.bias": { shape: [units], data: floats(tensors, encoderBias, [units], program) },
      "decoder.0.bias": { shape: [inputs], data: floats(tensors, decoderBias, [inputs], program) },
    },
  };
}

/** Throws unless `decoder` is bit-identical to `encoder`. `place` is the index in `decoder` of an element of `encoder`. */
function requireTied(
  name: string,
  encoder: Float32Array,
  decoder: Float32Array,
  place: (at: number) => number,
): void {
  let apart = 0;
  encoder.forEach((value, at) => {
    apart = Math.max(apart, Math.abs(value - (decoder[place(at)] ?? 0)));
  });
  if (apart === 0) return;
  throw new FormatError(
    `The dictionary is not tied: ${show(name)} is not the transpose of ${show(ENCODER)}; the two are up to ${apart.toPrecision(2)} apart. A tied autoencoder has one weight for both.`,
  );
}

function required(tensors: Tensors, name: string, program: string): SafeTensor {
  const tensor = tensors.get(name);
  if (tensor) return tensor;
  throw new FormatError(`The file looks like ${program} and lacks the tensor ${show(name)}.`);
}

function floats(
  tensors: Tensors,
  name: string,
  shape: readonly number[],
  program: string,
): Float32Array {
  const tensor = required(tensors, name, program);
  if (String(tensor.shape) === String(shape)) return finiteFloat32(name, tensor);
  throw new FormatError(
    `${show(name)} has shape [${tensor.shape.join(", ")}]; the dictionary's weight asks for [${shape.join(", ")}].`,
  );
}
