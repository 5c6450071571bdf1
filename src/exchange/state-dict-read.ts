// Reads a PyTorch state dict, saved as safetensors, as layers and weights. It assigns tensors to layers by their names,
// infers the layers from the shapes, and throws if the decoder's weights are not the transposed weights of the encoder.
// The package imports this file when it is first needed.

import { record } from "../checks.ts";
import { InvalidValueError, show } from "../errors.ts";
import { FormatError } from "../formats/errors.ts";
import { finiteFloat32 } from "../formats/safetensors.ts";
import type { SafeTensor } from "../formats/safetensors-types.ts";
import { readDictionary } from "./dictionaries.ts";
import type { NamedWeights } from "./named-weights.ts";
import { openForeignFile } from "./own-file.ts";

type Tensors = ReadonlyMap<string, SafeTensor>;
type Side = "encoder" | "decoder";
type Kind = "weight" | "bias";

/** The parts of a tensor's name: `decoder.2.bias` belongs to the decoder, is a bias, and has the numbers [2]. */
interface Part {
  readonly name: string;
  readonly side: Side;
  readonly kind: Kind;
  readonly at: readonly number[];
}

/** The names of the file by the names of this package, including decoder weights. */
type Names = ReadonlyMap<string, string>;

const USE_MAP = 'Say which is which with the option map: { "encoder.0.weight": … }.';

/** The contents of a state dict. */
export interface StateDict {
  readonly layers: readonly number[];
  readonly weights: NamedWeights;
  /** Additional tensors of this package's PyTorch module by name: scales, means, thresholds, counts. */
  readonly beside: ReadonlyMap<string, SafeTensor>;
  /** Whether the file is a dictionary of another program, with a sparse, centered code. */
  readonly isDictionary: boolean;
}

/** The names of tensors besides weights. */
const BESIDE =
  /(?:^|\.)((?:scaler\.(?:center|scale)|missing\.mean|code\.(?:threshold|rowsSinceActive)))$/;
/** The names of the second head of a gaussian code, in this package's PyTorch module. */
const HEAD = /(?:^|\.)encoder\.\d+\.(logVariance\.(?:weight|bias))$/;

/** Reads a state dict. Names are taken from `map`, or recognized if there is no map. */
export function readStateDict(bytes: Uint8Array, map: unknown): StateDict {
  const { tensors } = openForeignFile(bytes);
  const dictionary = map === undefined ? readDictionary(tensors) : undefined;
  if (dictionary) return { ...dictionary, beside: new Map(), isDictionary: true };
  const beside = new Map<string, SafeTensor>();
  const heads = new Map<string, string>();
  const named = new Map<string, SafeTensor>();
  for (const [name, tensor] of tensors) {
    const [, kept] = BESIDE.exec(name) ?? [];
    const [, head] = HEAD.exec(name) ?? [];
    if (kept !== undefined) beside.set(kept, tensor);
    else if (head !== undefined) heads.set(head, name);
    else named.set(name, tensor);
  }
  const names = map === undefined ? recognize(named) : mapped(record("map", map), tensors);
  const layers = inferLayers(names, tensors);
  const depth = layers.length - 1;
  requireTied(names, tensors, depth);
  const weights = readWeights(names, tensors, layers);
  for (const [head, name] of heads) {
    const { shape } = tensorAt(tensors, name);
    weights[`encoder.${depth - 1}.${head}`] = { shape, data: readTensor(name, tensors) };
  }
  return { layers, weights, beside, isDictionary: false };
}

/** The names of the file by the names of this package, from the caller's map. */
function mapped(map: Record<string, unknown>, tensors: Tensors): Names {
  const names = new Map<string, string>();
  for (const [ours, theirs] of Object.entries(map)) {
    if (!/^(en|de)coder\.\d+\.(weight|bias)$/.test(ours)) {
      throw new InvalidValueError(
        `map takes names such as "encoder.0.weight" and "decoder.0.bias"; got ${show(ours)}.`,
      );
    }
    if (typeof theirs !== "string" || !tensors.has(theirs)) {
      throw new InvalidValueError(
        `map's ${show(ours)} is ${show(theirs)}, which the file does not hold; it holds ${listed(tensors.keys())}.`,
      );
    }
    names.set(ours, theirs);
  }
  return names;
}

/** The names of the file by the names of this package, recognized by the names and, for the decoder's order, the shapes. */
function recognize(tensors: Tensors): Names {
  const parts = [...tensors.keys()].map(takeApart);
  /** The layer index for the numbers in the names of a side. */
  const places = (side: Side): Map<string, number> => {
    const keys = new Map(
      parts.filter((part) => part.side === side).map(({ at }) => [at.join(), at]),
    );
    return new Map([...keys.values()].sort(byNumbers).map((at, place) => [at.join(), place]));
  };
  const encoder = places("encoder");
  const decoder = places("decoder");
  const depth = encoder.size;
  if (decoder.size > 0 && decoder.size !== depth) {
    throw new FormatError(
      `The encoder has ${depth} layers and the decoder ${decoder.size}, by the names ${listed(tensors.keys())}. ${USE_MAP}`,
    );
  }
  const named = (layerOf: (place: number) => number): Names => {
    const names = new Map<string, string>();
    for (const { name, side, kind, at } of parts) {
      const place = (side === "encoder" ? encoder : decoder).get(at.join()) ?? 0;
      const ours = `${side}.${side === "encoder" ? place : layerOf(place)}.${kind}`;
      const other = names.get(ours);
      if (other !== undefined) {
        throw new FormatError(
          `${show(other)} and ${show(name)} both look like ${ours}. ${USE_MAP}`,
        );
      }
      names.set(ours, name);
    }
    return names;
  };
  const fromInput = named((place) => place);
  const fromCode = named((place) => depth - 1 - place);
  if (depth === 1 || decoder.size === 0) return fromInput;
  const fitsFromInput = decoderFits(fromInput, tensors);
  const fitsFromCode = decoderFits(fromCode, tensors);
  if (fitsFromInput !== fitsFromCode) return fitsFromInput ? fromInput : fromCode;
  if (!parts.some(({ side, kind }) => side === "decoder" && kind === "weight")) {
    if (!fitsFromCode) return fromCode; // no order fits: the check of the shapes throws
    throw new FormatError(
      `The decoder's tensors may count from the input or from the code; the shapes fit both ways. ${USE_MAP}`,
    );
  }
  return gap(fromInput, tensors) < gap(fromCode, tensors) ? fromInput : fromCode;
}

function takeApart(name: string): Part {
  const tokens = (name.match(/[A-Z]?[a-z]+|[A-Z]+|\d+/g) ?? []).map((token) => token.toLowerCase());
  const has = (...words: string[]) => tokens.some((token) => words.includes(token));
  const isBias = has("bias", "biases", "b", "c");
  const isWeight = has("weight", "weights", "w");
  const isDecoder = has("decoder", "dec", "c");
  const isEncoder = has("encoder", "enc");
  const kindAt = tokens.findIndex((token) => /^(bias(es)?|b|c|weights?|w)$/.test(token));
  // "2.weight" could belong to either side. "weight.2" is an element of a list, as "W.2" is.
  const numbered = tokens.slice(0, kindAt).some((token) => /\d/.test(token));
  // "weight_ih_l0" belongs to a recurrent layer. Other names with text after "weight" do not belong to a linear layer.
  const isOther = tokens.slice(kindAt + 1).some((token) => !/^\d+$/.test(token));
  const isVague = (isDecoder && isEncoder) || (numbered && !isDecoder && !isEncoder);
  if (isBias === isWeight || isVague || isOther) {
    throw new FormatError(`The tensor ${show(name)} has a name that says too little. ${USE_MAP}`);
  }
  return {
    name,
    side: isDecoder ? "decoder" : "encoder",
    kind: isBias ? "bias" : "weight",
    at: tokens.filter((token) => /\d/.test(token)).map(Number),
  };
}

function byNumbers(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? -1;
    if (value !== other) return value - other;
  }
  return a.length - b.length;
}

/** Whether the decoder's shapes fit the encoder's weights. */
function decoderFits(names: Names, tensors: Tensors): boolean {
  return [...names].every(([ours, theirs]) => {
    const [side, i, kind] = ours.split(".");
    const encoder = tensors.get(names.get(`encoder.${i}.weight`) ?? "");
    if (side === "encoder" || !encoder) return true;
    const [units, inputs] = encoder.shape;
    const expected = kind === "bias" ? [inputs] : [inputs, units];
    return String(tensors.get(theirs)?.shape) === String(expected);
  });
}

/** Units from the input to the code, from the shapes of the encoder's weights. */
function inferLayers(names: Names, tensors: Tensors): number[] {
  const layers: number[] = [];
  for (let i = 0; ; i++) {
    const name = names.get(`encoder.${i}.weight`);
    if (name === undefined) break;
    const { shape } = tensorAt(tensors, name);
    const [units, inputs, ...more] = shape;
    if (units === undefined || inputs === undefined || more.length > 0) {
      throw new FormatError(
        `${show(name)} has shape [${shape.join(", ")}]; a layer's weight is [out, in]. ${USE_MAP}`,
      );
    }
    if (i === 0) layers.push(inputs);
    else if (layers[i] !== inputs) {
      throw new FormatError(
        `${show(name)} takes ${inputs} inputs, and the layer before it gives ${layers[i]}.`,
      );
    }
    layers.push(units);
  }
  if (layers.length === 0) {
    throw new FormatError(
      `The file has no encoder weights among ${listed(tensors.keys())}. ${USE_MAP}`,
    );
  }
  return layers;
}

/** Throws unless every decoder weight in the file is bit-identical to the transposed encoder weight. */
function requireTied(names: Names, tensors: Tensors, depth: number): void {
  for (let i = 0; i < depth; i++) {
    const theirs = names.get(`decoder.${i}.weight`);
    if (theirs === undefined) continue;
    const encoder = names.get(`encoder.${i}.weight`) ?? "";
    const [units, inputs] = tensorAt(tensors, encoder).shape;
    const { shape } = tensorAt(tensors, theirs);
    if (String(shape) !== String([inputs, units])) {
      throw new FormatError(
        `${show(theirs)} has shape [${shape.join(", ")}]; the transpose of ${show(encoder)} would have [${inputs}, ${units}].`,
      );
    }
    const apart = layerGap(names, tensors, i);
    if (apart === 0) continue;
    const itself = units === inputs && layerGap(names, tensors, i, false) === 0;
    const how = itself
      ? "it equals that weight itself, untransposed"
      : `the two are up to ${apart.toPrecision(2)} apart`;
    throw new FormatError(
      `The model is not tied: ${show(theirs)} is not the transpose of ${show(encoder)}; ${how}. Leave it out of the file to decode by the encoder's weight.`,
    );
  }
}

/** The largest difference between a decoder weight and its encoder weight, over all layers. */
function gap(names: Names, tensors: Tensors): number {
  const gaps = [...names.keys()].map((ours) =>
    /^decoder.*weight$/.test(ours) ? layerGap(names, tensors, Number(ours.split(".")[1])) : 0,
  );
  return Math.max(...gaps);
}

function layerGap(names: Names, tensors: Tensors, i: number, transposed = true): number {
  const encoderName = names.get(`encoder.${i}.weight`) ?? "";
  const [units = 0, inputs = 0] = tensorAt(tensors, encoderName).shape;
  const encoder = readTensor(encoderName, tensors);
  const decoder = readTensor(names.get(`decoder.${i}.weight`) ?? "", tensors);
  let worst = 0;
  for (let u = 0; u < units; u++) {
    for (let j = 0; j < inputs; j++) {
      const at = transposed ? j * units + u : u * inputs + j;
      const [ours, theirs] = [encoder[u * inputs + j] ?? 0, decoder[at] ?? 0];
      worst = Math.max(worst, Math.abs(ours - theirs));
    }
  }
  return worst;
}

/** The tensors of a model, under the names of this package. */
function readWeights(names: Names, tensors: Tensors, layers: readonly number[]): NamedWeights {
  const weights: NamedWeights = {};
  const depth = layers.length - 1;
  for (const [ours, theirs] of names) {
    const [side, index, kind] = ours.split(".");
    const i = Number(index);
    const [inputs, units] = [layers[i], layers[i + 1]];
    if (inputs === undefined || units === undefined) {
      throw new FormatError(
        `${show(theirs)} belongs to layer ${i}, and the file has weights for ${depth}.`,
      );
    }
    if (kind === "weight" && side === "decoder") continue;
    const shape = kind === "weight" ? [units, inputs] : [side === "encoder" ? units : inputs];
    const tensor = tensorAt(tensors, theirs);
    if (String(tensor.shape) !== String(shape)) {
      throw new FormatError(
        `${show(theirs)} has shape [${tensor.shape.join(", ")}]; ${ours} of the layers ${show(layers)} has [${shape.join(", ")}].`,
      );
    }
    weights[ours] = { shape, data: readTensor(theirs, tensors) };
  }
  for (const side of ["encoder", "decoder"]) {
    const count = layers.filter((_, i) => `${side}.${i}.bias` in weights).length;
    if (count > 0 && count < depth) {
      throw new FormatError(
        `The ${side} has biases in ${count} of ${depth} layers; a model has them in all or in none.`,
      );
    }
  }
  return weights;
}

function readTensor(name: string, tensors: Tensors): Float32Array {
  return finiteFloat32(name, tensorAt(tensors, name));
}

/** A tensor whose name is known to be in the file. */
function tensorAt(tensors: Tensors, name: string): SafeTensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`The file holds no tensor ${show(name)}.`);
  return tensor;
}

function listed(names: Iterable<string>): string {
  const all = [...names];
  return (
    all.slice(0, 8).map(show).join(", ") + (all.length > 8 ? ` and ${all.length - 8} more` : "")
  );
}
