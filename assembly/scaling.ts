// Scaling of columns. It is computed in float64 and rounded once, because columns may be far from 0. Divisions are exact to
// the last bit in both builds, so scaled data have the same bits everywhere.

/**
 * y[i][j] = (x[i][j] - centers[j]) / scales[j]. x, centers and scales are float64, y is float32. x and y are contiguous,
 * [rows, cols].
 */
export function scaleColumns(
  rows: usize,
  cols: usize,
  x: usize,
  centers: usize,
  scales: usize,
  y: usize,
): void {
  const pairBytes = (cols >> 1) << 4;
  for (; rows; rows--) {
    let j: usize = 0;
    for (; j < pairBytes; j += 16) {
      const difference = f64x2.sub(v128.load(x + j), v128.load(centers + j));
      const scaled = f32x4.demote_f64x2_zero(f64x2.div(difference, v128.load(scales + j)));
      v128.store64_lane(y + (j >> 1), scaled, 0);
    }
    if (cols & 1) {
      store<f32>(y + (j >> 1), <f32>((load<f64>(x + j) - load<f64>(centers + j)) / load<f64>(scales + j)));
    }
    x += cols << 3;
    y += cols << 2;
  }
}

/**
 * y[i][j] = y[i][j] * scales[j] + centers[j], in place: the inverse of `scaleColumns`. scales and centers are float64, y is
 * float32 and contiguous, [rows, cols]. The product is rounded to float64 before the sum.
 */
export function unscaleColumns(
  rows: usize,
  cols: usize,
  y: usize,
  scales: usize,
  centers: usize,
): void {
  const pairBytes = (cols >> 1) << 4;
  for (; rows; rows--) {
    let j: usize = 0;
    for (; j < pairBytes; j += 16) {
      const at = y + (j >> 1);
      const scaled = f64x2.promote_low_f32x4(v128.load64_zero(at));
      const product = f64x2.mul(scaled, v128.load(scales + j));
      const value = f32x4.demote_f64x2_zero(f64x2.add(product, v128.load(centers + j)));
      v128.store64_lane(at, value, 0);
    }
    if (cols & 1) {
      const at = y + (j >> 1);
      store<f32>(at, <f32>(<f64>load<f32>(at) * load<f64>(scales + j) + load<f64>(centers + j)));
    }
    y += cols << 2;
  }
}
