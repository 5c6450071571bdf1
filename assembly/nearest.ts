// The nearest of many samples. |x - s|² = |x|² + |s|² - 2 x·s, and the products x·s come from a matrix product.

/**
 * out[i] = the least of squares[j] - 2 * products[i][j] over j < cols, in float64; Infinity without columns. NaN does not
 * count. products is [rows, cols]. The result does not depend on the order of the columns.
 */
export function leastDistances(
  rows: usize,
  cols: usize,
  products: usize,
  ldp: usize,
  squares: usize,
  out: usize,
): void {
  for (; rows; rows--) {
    let low = f64x2.splat(Infinity);
    let high = low;
    let p = products;
    let s = squares;
    const end = p + ((cols & ~3) << 2);
    for (; p < end; p += 16, s += 32) {
      const four = v128.load(p);
      const first = f64x2.promote_low_f32x4(four);
      const last = f64x2.promote_low_f32x4(v128.shuffle<i32>(four, four, 2, 3, 2, 3));
      // pmin(a, b) is a where b is NaN.
      low = f64x2.pmin(low, f64x2.sub(v128.load(s), f64x2.add(first, first)));
      high = f64x2.pmin(high, f64x2.sub(v128.load(s, 16), f64x2.add(last, last)));
    }
    low = f64x2.pmin(low, high);
    let least = f64x2.extract_lane(low, 0);
    const other = f64x2.extract_lane(low, 1);
    if (other < least) least = other;
    for (let left = cols & 3; left; left--, p += 4, s += 8) {
      const distance = load<f64>(s) - 2 * <f64>load<f32>(p);
      if (distance < least) least = distance;
    }
    store<f64>(out, least);
    products += ldp << 2;
    out += 8;
  }
}
