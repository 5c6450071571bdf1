// The two leading principal components of the codes, by power iteration. Each frame starts from the directions of the frame
// before, so that the map turns slowly and does not jump.

const ROUNDS = 6;

export class Directions {
  #first: Float64Array | undefined;
  #second: Float64Array | undefined;

  /** The directions for codes [rows, mean.length]; each has length 1. */
  follow(codes: Float32Array, mean: Float32Array): [across: Float32Array, up: Float32Array] {
    const size = mean.length;
    const spread = covariance(codes, mean);
    const known = this.#first?.length === size;
    const first = iterate(spread, known && this.#first ? this.#first : start(size, 0), undefined);
    const second = iterate(spread, known && this.#second ? this.#second : start(size, 1), first);
    this.#first = first;
    this.#second = second;
    return [Float32Array.from(first), Float32Array.from(second)];
  }
}

function start(size: number, which: number): Float64Array {
  return Float64Array.from({ length: size }, (_, i) => (i === which ? 1 : 0.1));
}

function covariance(codes: Float32Array, mean: Float32Array): Float64Array {
  const size = mean.length;
  const spread = new Float64Array(size * size);
  for (let at = 0; at < codes.length; at += size) {
    for (let i = 0; i < size; i++) {
      const off = (codes[at + i] ?? 0) - (mean[i] ?? 0);
      if (off === 0) continue;
      for (let j = 0; j < size; j++) {
        spread[i * size + j] =
          (spread[i * size + j] ?? 0) + off * ((codes[at + j] ?? 0) - (mean[j] ?? 0));
      }
    }
  }
  return spread;
}

function iterate(
  spread: Float64Array,
  from: Float64Array,
  apart: Float64Array | undefined,
): Float64Array {
  const size = from.length;
  let vector = from;
  for (let round = 0; round < ROUNDS; round++) {
    const next = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        next[i] = (next[i] ?? 0) + (spread[i * size + j] ?? 0) * (vector[j] ?? 0);
      }
    }
    if (apart) {
      const along = next.reduce((sum, value, i) => sum + value * (apart[i] ?? 0), 0);
      for (let i = 0; i < size; i++) next[i] = (next[i] ?? 0) - along * (apart[i] ?? 0);
    }
    const length = Math.hypot(...next);
    if (!(length > 1e-12)) return vector;
    vector = next.map((value) => value / length);
  }
  return vector;
}
