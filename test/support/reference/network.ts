// The tied autoencoder in float64, in plain loops, from its definition: the reference for
// finite differences. It shares nothing with src/ except the form of the configuration.
//
// It gives the training loss of the first step, with every term that a configuration can ask for: codes, penalties,
// dropout and masked values. Random draws come from the generator's own reference.

import type { ActivationSpec, NamedWeights, ResolvedConfig } from "../../../src/index.ts";
import { activations } from "./activations.ts";
import { losses } from "./losses.ts";
import { normalOf, wordOf } from "./random.ts";

type Weights = Record<string, { data: ArrayLike<number> }> | NamedWeights;
type Matrix = number[][];

/** Streams of random draws, which must never change, because resumed runs depend on them. */
const DROPOUT_STREAM = 3;
const CODE_STREAM = 0x4000_0000;

/** The codes and penalties below. */
const KNOWN: readonly string[] = [
  ...["dense", "topK", "batchTopK", "gaussian"],
  ...["l1", "l2", "klSparsity", "codeL1", "contraction", "orthogonality"],
];

/** A value that finite differences must treat as a constant: the residual of the auxiliary term. */
export interface Held {
  residual?: Matrix;
}

/**
 * The training loss of a batch at step 0, all terms included. `x` and `target` are row-major with layers[0]
 * columns; where missing is "mask", NaN in `target` does not count and NaN in `x` is the column's mean.
 * The first call with `held` fills it, and later ones take what it holds.
 */
export function referenceLoss(
  config: ResolvedConfig,
  weights: Weights,
  x: ArrayLike<number>,
  target: ArrayLike<number> = x,
  held: Held = {},
): number {
  const { layers } = config;
  const depth = layers.length - 1;
  const width = layers[0]!;
  const filled = fill(rowsOf(x, width));
  const goal = config.missing === "mask" ? rowsOf(target, width) : fill(rowsOf(target, width));
  const code = typeof config.code === "string" ? { type: config.code } : config.code;
  const outerBias = weights["decoder.0.bias"]?.data;
  const others = [code, ...config.penalties].filter(({ type }) => !KNOWN.includes(type));
  if (others.length > 0) {
    const types = others.map(({ type }) => type);
    throw new Error(`test/support/reference/network.ts does not have ${types.join(", ")}`);
  }
  const isCentered = "centered" in code && code.centered === true;

  const terms: number[] = [];
  let h = isCentered ? filled.map((row) => row.map((v, j) => v - outerBias![j]!)) : filled;
  let activated: Matrix = h;
  let codes: Matrix = h;
  for (let i = 0; i < depth; i++) {
    const z = affine(h, weights, i, layers, true);
    contraction(config, weights, i, z, terms);
    activated = map(z, (value) => act(config.encoderActivations[i]!, value));
    codes = activated;
    if (i === depth - 1) {
      if (code.type === "topK") codes = activated.map((row) => keep(row, kOf(code)));
      if (code.type === "batchTopK") codes = keepOfBatch(activated, kOf(code));
      if (code.type === "gaussian") codes = gaussian(config, weights, h, activated, terms);
      codePenalties(config, codes, terms);
    }
    h = dropped(config, codes, i);
  }
  let logits: Matrix = [];
  const decode = (from: Matrix, withBias: boolean, drops: boolean): Matrix => {
    let y = from;
    for (let i = depth - 1; i >= 0; i--) {
      const z = affine(y, weights, i, layers, false, withBias);
      logits = z;
      y = map(z, (value) => act(config.decoderActivations[depth - 1 - i]!, value));
      if (drops && i > 0) y = dropped(config, y, 2 * depth - 1 - i);
    }
    return y;
  };
  const y = decode(h, true, true);
  terms.push(reconstruction(config, config.loss === "bce" ? logits : y, goal));
  auxiliary(code, activated, codes, y, goal, (s) => decode(s, false, false), held, terms);
  weightPenalties(config, weights, terms);
  return terms.reduce((sum, term) => sum + term, 0);
}

function kOf(code: object): number {
  return (code as { k: number }).k;
}

function rowsOf(x: ArrayLike<number>, width: number): Matrix {
  return Array.from({ length: x.length / width }, (_, row) =>
    Array.from({ length: width }, (_, j) => x[row * width + j]!),
  );
}

function map(matrix: Matrix, change: (value: number) => number): Matrix {
  return matrix.map((row) => row.map(change));
}

/** NaN replaced by the mean of its column, which the model keeps as float32. */
function fill(x: Matrix): Matrix {
  const means = (x[0] ?? []).map((_, j) => {
    const known = x.map((row) => row[j]!).filter((value) => !Number.isNaN(value));
    return Math.fround(known.reduce((sum, value) => sum + value, 0) / known.length);
  });
  return x.map((row) => row.map((value, j) => (Number.isNaN(value) ? means[j]! : value)));
}

/** The mean loss over the values of `goal` that are known. */
function reconstruction({ loss }: ResolvedConfig, y: Matrix, goal: Matrix): number {
  const name = typeof loss === "string" ? loss : loss.type;
  const parameter = parameterOf(loss);
  let sum = 0;
  let known = 0;
  goal.forEach((row, r) => {
    row.forEach((t, j) => {
      if (Number.isNaN(t)) return;
      known += 1;
      if (name === "mixed") throw new Error("test/losses/mixed.test.ts has its own reference");
      sum += losses[name].value(y[r]![j]!, t, parameter);
    });
  });
  return sum / known;
}

/** The k largest values, of equal values the first ones. The others are 0. */
function keep(row: readonly number[], k: number): number[] {
  const order = row.map((_, i) => i).sort((a, b) => row[b]! - row[a]! || a - b);
  const kept = new Set(order.slice(0, k));
  return row.map((value, i) => (kept.has(i) ? value : 0));
}

function keepOfBatch(h: Matrix, k: number): Matrix {
  const width = h[0]!.length;
  return rowsOf(keep(h.flat(), k * h.length), width);
}

/** z = μ + σ ε; adds β · KL to the terms. */
function gaussian(
  config: ResolvedConfig,
  weights: Weights,
  h: Matrix,
  mean: Matrix,
  terms: number[],
): Matrix {
  const depth = config.layers.length - 1;
  const head = `encoder.${depth - 1}.logVariance`;
  const own = {
    "encoder.0.weight": weights[`${head}.weight`]!,
    "encoder.0.bias": weights[`${head}.bias`]!,
  };
  const logVariance = map(affine(h, own, 0, config.layers.slice(-2), true), (value) =>
    Math.min(20, Math.max(-30, value)),
  );
  const { beta } = config.code as { beta: number };
  let divergence = 0;
  const codes = mean.map((row, r) =>
    row.map((mu, j) => {
      const s = logVariance[r]![j]!;
      divergence += (mu * mu + Math.exp(s) - 1 - s) / 2;
      const epsilon = normalOf(wordOf(r * row.length + j, [config.seed >>> 0, 0, 0, CODE_STREAM]));
      return mu + Math.exp(s / 2) * epsilon;
    }),
  );
  terms.push((beta * divergence) / (mean.length * config.layers[0]!));
  return codes;
}

/** Dropout after layer `s` of the 2n layers in step 0. */
function dropped({ dropout, seed }: ResolvedConfig, h: Matrix, s: number): Matrix {
  if (dropout === 0) return h;
  const limit = Math.round(dropout * 2 ** 24);
  return h.map((row, r) =>
    row.map((value, j) => {
      const word = wordOf(r * row.length + j, [seed >>> 0, 0, 0, DROPOUT_STREAM + s]);
      return word >>> 8 < limit ? 0 : value / (1 - dropout);
    }),
  );
}

/** The auxiliary term of a sparse code, at the first step: counts began at 0. */
function auxiliary(
  code: object,
  activated: Matrix,
  codes: Matrix,
  y: Matrix,
  goal: Matrix,
  decode: (code: Matrix) => Matrix,
  held: Held,
  terms: number[],
): void {
  const settings = "auxiliary" in code ? code.auxiliary : null;
  if (!settings) return;
  const { k, weight, deadAfter } = settings as { k: number; weight: number; deadAfter: number };
  const rows = goal.length;
  const units = activated[0]!.map((_, j) => j);
  const dead = units.filter((j) => codes.every((row) => row[j]! <= 1e-3) && rows >= deadAfter);
  if (dead.length === 0) return;
  const known = map(goal, (t) => (Number.isNaN(t) ? 0 : 1));
  held.residual ??= goal.map((row, r) => row.map((t, j) => (known[r]![j]! ? t - y[r]![j]! : 0)));
  const e = held.residual;
  const among = activated.map((row) => {
    const order = [...dead].sort((a, b) => row[b]! - row[a]! || a - b);
    const largest = new Set(order.slice(0, k));
    return row.map((value, j) => (largest.has(j) ? value : 0));
  });
  const again = decode(among);
  let error = 0;
  let spread = 0;
  const means = e[0]!.map((_, j) => e.reduce((sum, row) => sum + row[j]!, 0) / rows);
  e.forEach((row, r) => {
    row.forEach((value, j) => {
      if (known[r]![j]!) error += (again[r]![j]! - value) ** 2;
      spread += (value - means[j]!) ** 2;
    });
  });
  if (spread > 0) terms.push((weight * error) / spread);
}

/** Penalties on the code as the decoder reads it. */
function codePenalties(config: ResolvedConfig, codes: Matrix, terms: number[]): void {
  const rows = codes.length;
  for (const penalty of config.penalties) {
    if (penalty.type === "codeL1") {
      const sum = codes.flat().reduce((total, value) => total + Math.abs(value), 0);
      terms.push((penalty.weight * sum) / rows);
    }
    if (penalty.type === "klSparsity") {
      const shifted = config.encoderActivations.at(-1) === "tanh";
      const { rho, weight } = penalty;
      codes[0]!.forEach((_, j) => {
        const mean = codes.reduce((sum, row) => sum + row[j]!, 0) / rows;
        const m = Math.min(1 - 1e-6, Math.max(1e-6, shifted ? (mean + 1) / 2 : mean));
        terms.push(weight * (rho * Math.log(rho / m) + (1 - rho) * Math.log((1 - rho) / (1 - m))));
      });
    }
  }
}

/** Σⱼ act′(zⱼ)² ‖Wⱼ‖² of layer `i`, the derivative by differences of the activation. */
function contraction(
  config: ResolvedConfig,
  weights: Weights,
  i: number,
  z: Matrix,
  terms: number[],
): void {
  const { layers, encoderActivations } = config;
  const inputs = layers[i]!;
  const w = weights[`encoder.${i}.weight`]!.data;
  const step = 1e-4;
  const at = (value: number) => act(encoderActivations[i]!, value);
  // Five points, so that differences of a loss with this derivative are precise enough.
  const slope = (v: number) =>
    (8 * (at(v + step) - at(v - step)) - (at(v + 2 * step) - at(v - 2 * step))) / (12 * step);
  for (const penalty of config.penalties) {
    if (penalty.type !== "contraction") continue;
    let sum = 0;
    z.forEach((row) => {
      row.forEach((value, j) => {
        let norm = 0;
        for (let m = 0; m < inputs; m++) norm += w[j * inputs + m]! ** 2;
        sum += slope(value) ** 2 * norm;
      });
    });
    terms.push((penalty.weight * sum) / z.length);
  }
}

/** l1, l2 and orthogonality, each tied weight once. */
function weightPenalties(config: ResolvedConfig, weights: Weights, terms: number[]): void {
  const { layers, l1, l2 } = config;
  for (let i = 0; i + 1 < layers.length; i++) {
    const [inputs, units] = [layers[i]!, layers[i + 1]!];
    const w = Array.from(weights[`encoder.${i}.weight`]!.data);
    const absolute = w.reduce((sum, value) => sum + Math.abs(value), 0);
    const squared = w.reduce((sum, value) => sum + value * value, 0);
    terms.push(l1 * absolute + l2 * squared);
    for (const penalty of config.penalties) {
      if (penalty.type === "l1") terms.push(penalty.weight * absolute);
      if (penalty.type === "l2") terms.push(penalty.weight * squared);
      if (penalty.type !== "orthogonality") continue;
      // Of the two Gram matrices the smaller: of rows, or of columns where there are more rows than columns.
      const size = Math.min(inputs, units);
      const entry = (a: number, m: number) =>
        units <= inputs ? w[a * inputs + m]! : w[m * inputs + a]!;
      let norm = 0;
      for (let a = 0; a < size; a++) {
        for (let b = 0; b < size; b++) {
          let dot = a === b ? -1 : 0;
          for (let m = 0; m < Math.max(inputs, units); m++) dot += entry(a, m) * entry(b, m);
          norm += dot * dot;
        }
      }
      terms.push(penalty.weight * norm);
    }
  }
}

/** h Wᵀ + b in the encoder, h W + c in the decoder. W is [units, inputs]. */
function affine(
  h: Matrix,
  weights: Weights,
  layer: number,
  layers: readonly number[],
  encodes: boolean,
  withBias = true,
): Matrix {
  const [inputs, units] = [layers[layer]!, layers[layer + 1]!];
  const w = weights[`encoder.${layer}.weight`]!.data;
  const bias = withBias
    ? weights[`${encodes ? "encoder" : "decoder"}.${layer}.bias`]?.data
    : undefined;
  return h.map((row) =>
    Array.from({ length: encodes ? units : inputs }, (_, j) => {
      let z = bias?.[j] ?? 0;
      row.forEach((value, k) => {
        z += value * (encodes ? w[j * inputs + k]! : w[k * inputs + j]!);
      });
      return z;
    }),
  );
}

function act(spec: ActivationSpec, z: number): number {
  const name = typeof spec === "string" ? spec : spec.type;
  return activations[name].act(z, parameterOf(spec));
}

/** The parameter of a resolved activation or loss: its only option, or 0 if it has none. */
function parameterOf(spec: string | object): number {
  const [parameter = 0] = Object.values(spec).filter((value) => typeof value === "number");
  return parameter;
}
