// Penalties on codes and on weights beyond l1 and l2, for which addPenaltyGradient and the sums of
// vector.ts are enough.

import { loadLanes, storeLanes } from "./lanes";
import { exp4 } from "./math/exp";
import { log64 } from "./math/log64";
import { Activation, gradientNeedsInput } from "./ops";
import { madd } from "./simd";
import { sumSquares } from "./vector";

// ---- KL sparsity of the mean activation ----

/** How near to 0 and to 1 a mean may come. */
const MARGIN: f64 = 1e-6;

/**
 * The sum over units of rho ln(rho / m) + (1 - rho) ln((1 - rho) / (1 - m)), where m is a unit's mean
 * over `rows` rows, held within [1e-6, 1 - 1e-6]: (sums[j] / rows), or with `shifted` the mean of (h + 1) / 2.
 * out[j] = weight times the derivative of that with respect to each element of column j, 0 where the
 * mean was outside. 0 < rho < 1. In double, units in order (Ng, "Sparse autoencoder", CS294A notes).
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
 * Four elements' act'(z)^2 to `squares`, and dz += scale * act'(z) * act''(z) * norm. `op` is a literal;
 * `at` holds z or y, as gradientNeedsInput tells.
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
 * What the contraction penalty needs of a layer (Rifai et al., "Contractive auto-encoders", 2011): of
 * z and y = act(z) [rows, cols] the squares act'(z)^2, and dz += scale * act'(z) * act''(z) * norms[j]. norms
 * are the squared norms of the rows of W. With the column sums s of squares the penalty is the sum of
 * s[j] * norms[j], its part through act' comes from scale = 2 and its part through W is addScaledRows.
 * For linear, relu, leakyRelu, elu, softplus, sigmoid and tanh; z or y is not looked at, as in
 * activationGradient. Where act'' is 0 dz is not touched.
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

/** out[i] = the sum of squares of row i of a [rows, cols], as sumSquares forms it, rounded to float32. */
export function rowSquares(rows: usize, cols: usize, a: usize, lda: usize, out: usize): void {
  for (; rows; rows--) {
    store<f32>(out, <f32>sumSquares(cols, a));
    a += lda << 2;
    out += 4;
  }
}

/** y[i][j] += scale * factors[i] * x[i][j]; x and y are rows x cols. */
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
 * Answers the sum of squares of A - I for a square A [n, n], and leaves scale * (A - I) in its place. With
 * A = W W^T the sum is the penalty, and with scale = 4 that matrix times W its gradient. Rows are summed as
 * sumSquares does, and added in order, in double.
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
