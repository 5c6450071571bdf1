// Rows similar to digits, and batches of them. Batches change from step to step: with a single batch, Adam's moments would become
// denormal numbers, which are slow on some processors and do not occur in real training.

/** Four pixels in five are blank. Seeded, the same on every run. @returns {Float32Array} [rows, width] */
export function digitsLike(rows, width) {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length: rows * width }, () => (random() < 0.8 ? 0 : random()));
}

/** A function that calls `use` with one batch of `rows` rows of `data` after the other. */
export function inTurn(data, rows, width, use) {
  const count = data.length / (rows * width);
  let next = 0;
  return () => {
    const at = (next++ % count) * rows * width;
    return use(data.subarray(at, at + rows * width));
  };
}
