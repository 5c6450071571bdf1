// Random numbers of tests: the same in every run.

/** A generator of numbers uniform in [0, 1), the same for the same seed: mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` rows of `width` values uniform in [0, 1), the same for the same seed. */
export function randomRows(count: number, width: number, seed: number): Float32Array {
  return Float32Array.from({ length: count * width }, randomNumbers(seed));
}
