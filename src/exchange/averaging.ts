// Weighted means of named tensors, for training in several places: of weights after local training (federated averaging,
// McMahan et al. 2017, arXiv:1602.05629), or of gradients within one step.

import { finiteNumber, refuseStrides } from "../checks.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { isFloat32Array } from "../platform/tags.ts";
import type { NamedWeight, NamedWeights } from "./named-weights.ts";

/**
 * The weighted mean of the weights, or of the gradients, of several models, tensor by tensor. `shares` are the weights of
 * the models, for example their numbers of training rows. They are divided by their sum. Without `shares` all models have
 * the same weight. Sums are in float64 and in the given order, so the result has the same bits everywhere.
 * @throws InvalidTypeError or InvalidValueError if there is nothing to average, if names or shapes differ, or for shares
 *   that are negative or all 0.
 */
export function averageWeights(
  weights: readonly NamedWeights[],
  shares?: readonly number[],
): NamedWeights {
  if (!Array.isArray(weights)) {
    throw new InvalidTypeError(
      `averageWeights needs an array of what weights() gives; got ${show(weights)}.`,
    );
  }
  const first: NamedWeights | undefined = weights[0];
  if (first === undefined) throw new InvalidValueError("averageWeights needs at least one model.");
  const factors = readShares(shares, weights.length);
  const total = factors.reduce((sum, share) => sum + share, 0);
  weights.forEach((each, i) => {
    requireSame(each, first, `weights[${i}]`);
  });
  return Object.fromEntries(
    Object.entries(first).map(([name, { shape, data }]) => {
      const sum = new Float64Array(data.length);
      for (const [k, factor] of factors.entries()) {
        const values = weights[k]?.[name]?.data ?? [];
        for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + factor * (values[i] ?? 0);
      }
      return [
        name,
        { shape: [...shape], data: new Float32Array(sum.map((value) => value / total)) },
      ];
    }),
  );
}

function readShares(shares: readonly number[] | undefined, count: number): readonly number[] {
  if (shares === undefined) return new Array<number>(count).fill(1);
  if (!Array.isArray(shares) || shares.length !== count) {
    throw new InvalidValueError(
      `shares must be ${count} numbers, one a model; got ${show(shares)}.`,
    );
  }
  shares.forEach((share, i) => {
    finiteNumber(`shares[${i}]`, share, 0);
  });
  if (!shares.some((share) => share > 0)) throw new InvalidValueError("All shares are 0.");
  return shares;
}

/** Throws unless `weights` has the names and shapes of `first`. */
function requireSame(weights: NamedWeights, first: NamedWeights, where: string): void {
  if (typeof weights !== "object" || weights === null) {
    throw new InvalidTypeError(`${where} must be what weights() gives; got ${show(weights)}.`);
  }
  const extra = Object.keys(weights).find((name) => !Object.hasOwn(first, name));
  if (extra !== undefined) {
    throw new InvalidValueError(`${where} has ${show(extra)}, which weights[0] lacks.`);
  }
  for (const [name, expected] of Object.entries(first)) {
    const { shape, data } = (weights[name] ?? {}) as Partial<NamedWeight>;
    if (!isFloat32Array(data) || !Array.isArray(shape)) {
      throw new InvalidTypeError(
        `${where}[${show(name)}] must be { shape, data: Float32Array }; got ${show(weights[name])}.`,
      );
    }
    refuseStrides(`${where}[${show(name)}]`, weights[name] ?? {});
    if (String(shape) !== String(expected.shape) || data.length !== expected.data.length) {
      throw new InvalidValueError(
        `${where}[${show(name)}] has shape [${shape.join(", ")}] and ${data.length} values; weights[0] has [${expected.shape.join(", ")}] and ${expected.data.length}.`,
      );
    }
  }
}
