// Penalties on codes and on weights, except l1 and l2: for those addPenaltyGradient and the sums of
// vector.ts are enough.

import { loadLanes, storeLanes } from "./lanes";
import { exp4 } from "./math/exp";
import { log64 } from "./math/log64";
import { Activation, gradientNeedsInput } from "./ops";
import { madd } from "./simd";
import { sumSquares } from "./vector";

// ---- KL sparsity of the mean activation ----

/** The smallest distance of a mean from 0 and from 1. */
const MARGIN: f64 = 1e-6;

/**
 * The sum over units of rho ln(rho / m) + (1 - rho) ln((1 - rho) / (1 - m)) (Ng, "Sparse autoencoder",
 * CS294A notes). m is the mean of a unit over `rows` rows, clamped to [1e-6, 1 - 1e-6]: sums[j] / rows, or
 * with `shifted` the mean of (h + 1) / 2. out[j] = weight times the derivative with respect to each element
 * of column j, or 0 where the mean was clamped. 0 < rho < 1. Computed in float64, units in order.
 */
export function klSparsity(
  units: usize,
  rows: usize,
  sums: usize,
  rho: f64,
  shifted: u32,
  weight: f64,
  out: usize,
): f64 {
  const slope = shifted ? 0.5 / <f64>rows : 1 / <f64>rows;
  let value: f64 = 0;
  for (; units; units--) {
    let mean = <f64>load<f32>(sums) * slope;
    if (shifted) mean += 0.5;
    const inside = !(mean < MARGIN || mean > 1 - MARGIN); // a NaN passes
    const m = inside ? mean : mean < MARGIN ? MARGIN : 1 - MARGIN;
    value += rho * log64(rho / m) + (1 - rho) * log64((1 - rho) / (1 - m));
    const derivative = (1 - rho) / (1 - m) - rho / m;
    store<f32>(out, inside ? <f32>(weight * slope * derivative) : 0);
    sums += 4;
    out += 4;
  }
  return value;
}

// ---- contraction ----

/**
 * For up to four elements: squares = act'(z)^2, and dz += scale * act'(z) * act''(z) * norm. `op` is a
 * literal. `at` holds z or y: see gradientNeedsInput.
 */
// @ts-ignore: decorator
@inline
function contractVector(
  op: Activation,
  lanes: usize,
  parameter: v128,
  scale: v128,
  at: usize,
  norms: usize,
  dz: usize,
  squares: usize,
): void {
  const x = loadLanes(at, lanes);
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  let first = one;
  let second = zero;
  if (op == Activation.relu) {
    first = v128.andnot(one, f32x4.le(x, zero));
  } else if (op == Activation.leakyRelu) {
    first = v128.bitselect(one, parameter, f32x4.gt(x, zero));
  } else if (op == Activation.elu) {
    const positive = f32x4.gt(x, zero);
    const below = f32x4.mul(parameter, exp4(x));
    first = v128.bitselect(one, below, positive);
    second = v128.andnot(below, positive);
  } else if (op == Activation.softplus) {
    const e = exp4(v128.or(x, f32x4.splat(-0.0)));
    const q = f32x4.div(one, f32x4.add(e, one));
    const p = f32x4.mul(e, q);
    first = v128.bitselect(p, q, f32x4.lt(x, zero));
    second = f32x4.mul(p, q);
  } else if (op == Activation.sigmoid) {
    const rest = f32x4.sub(one, x);
    first = f32x4.mul(x, rest);
    second = f32x4.mul(first, f32x4.sub(rest, x));
  } else if (op == Activation.tanh) {
    first = f32x4.sub(one, f32x4.mul(x, x));
    second = f32x4.mul(first, f32x4.mul(x, f32x4.splat(-2)));
  }
  storeLanes(squares, f32x4.mul(first, first), lanes);
  const curved =
    op == Activation.elu || op == Activation.softplus || op == Activation.sigmoid || op == Activation.tanh;
  if (!curved) return;
  const factor = f32x4.mul(scale, f32x4.mul(f32x4.mul(first, second), loadLanes(norms, lanes)));
  storeLanes(dz, f32x4.add(loadLanes(dz, lanes), factor), lanes);
}

// @ts-ignore: decorator
@inline
function contractRows(
  op: Activation,
  parameter: f32,
  rows: usize,
  cols: usize,
  at: usize,
  norms: usize,
  scale: f32,
  dz: usize,
  squares: usize,
): void {
  const p = f32x4.splat(parameter);
  const s = f32x4.splat(scale);
  for (; rows; rows--) {
    let left = cols;
    let norm = norms;
    while (left) {
      const n = min<usize>(left, 4);
      contractVector(op, n, p, s, at, norm, dz, squares);
      at += n << 2;
      norm += 16;
      dz += n << 2;
      squares += n << 2;
      left -= n;
    }
  }
}

/**
 * The contraction penalty of a layer (Rifai et al., "Contractive auto-encoders", 2011). For z and
 * y = act(z) [rows, cols]: squares = act'(z)^2, and dz += scale * act'(z) * act''(z) * norms[j]. norms are
 * the squared norms of the rows of W. If s are the column sums of squares, the penalty is the sum of
 * s[j] * norms[j]. Its gradient through act' is dz with scale = 2, and its gradient through W is
 * addScaledRows. Supports linear, relu, leakyRelu, elu, softplus, sigmoid and tanh. Only one of z and y is
 * read, as in activationGradient. Where act'' is 0, dz does not change.
 */
export function contraction(
  op: Activation,
  parameter: f32,
  rows: usize,
  cols: usize,
  z: usize,
  y: usize,
  norms: usize,
  scale: f32,
  dz: usize,
  squares: usize,
): void {
  const at = gradientNeedsInput(op, parameter) ? z : y;
  const p = parameter;
  switch (op) {
    case Activation.linear:
      return contractRows(Activation.linear, p, rows, cols, at, norms, scale, dz, squares);
    case Activation.relu:
      return contractRows(Activation.relu, p, rows, cols, at, norms, scale, dz, squares);
    case Activation.leakyRelu:
      return contractRows(Activation.leakyRelu, p, rows, cols, at, norms, scale, dz, squares);
    case Activation.elu:
      return contractRows(Activation.elu, p, rows, cols, at, norms, scale, dz, squares);
    case Activation.softplus:
      return contractRows(Activation.softplus, p, rows, cols, at, norms, scale, dz, squares);
    case Activation.sigmoid:
      return contractRows(Activation.sigmoid, p, rows, cols, at, norms, scale, dz, squares);
    case Activation.tanh:
      return contractRows(Activation.tanh, p, rows, cols, at, norms, scale, dz, squares);
    default:
      unreachable();
  }
}

/** out[i] = the sum of squares of row i of a [rows, cols], computed by sumSquares and rounded to float32. */
export function rowSquares(rows: usize, cols: usize, a: usize, lda: usize, out: usize): void {
  for (; rows; rows--) {
    store<f32>(out, <f32>sumSquares(cols, a));
    a += lda << 2;
    out += 4;
  }
}

/** y[i][j] += scale * factors[i] * x[i][j]. x and y are [rows, cols]. */
export function addScaledRows(
  rows: usize,
  cols: usize,
  scale: f32,
  factors: usize,
  x: usize,
  ldx: usize,
  y: usize,
  ldy: usize,
): void {
  for (; rows; rows--) {
    const factor = f32x4.splat(scale * load<f32>(factors));
    let left = cols;
    let from = x;
    let to = y;
    while (left) {
      const n = min<usize>(left, 4);
      storeLanes(to, madd(factor, loadLanes(from, n), loadLanes(to, n)), n);
      from += 16;
      to += 16;
      left -= n;
    }
    factors += 4;
    x += ldx << 2;
    y += ldy << 2;
  }
}

// ---- orthogonality ----

/**
 * Returns the sum of squares of A - I for a square A [n, n], and replaces A by scale * (A - I). With
 * A = W W^T the sum is the penalty, and with scale = 4 the new A times W is its gradient. sumSquares sums each
 * row, and the rows are added in order in float64.
 */
export function subtractIdentity(n: usize, a: usize, lda: usize, scale: f32): f64 {
  const factor = f32x4.splat(scale);
  let value: f64 = 0;
  let diagonal = a;
  for (let i: usize = 0; i < n; i++) {
    store<f32>(diagonal, load<f32>(diagonal) - 1);
    value += sumSquares(n, a);
    let left = n;
    let at = a;
    while (left) {
      const lanes = min<usize>(left, 4);
      storeLanes(at, f32x4.mul(factor, loadLanes(at, lanes)), lanes);
      at += 16;
      left -= lanes;
    }
    a += lda << 2;
    diagonal += (lda + 1) << 2;
  }
  return value;
}
