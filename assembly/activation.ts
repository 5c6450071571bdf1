// Activations: the last step of a layer's forward pass (bias and activation) and the first step of its
// backward pass. An activation is a class with the function and its gradient, and a case in `dispatch`.
// ops.ts holds its op code and says whether the gradient reads the layer's z or its y.

import { expHalfSquare4, normalTail4 } from "./math/erf";
import { exp4, expm1Negative4 } from "./math/exp";
import { log1pUnit4 } from "./math/log";
import { sigmoid4, tanh4 } from "./math/tanh";
import { Activation, gradientNeedsInput } from "./ops";
import { madd } from "./simd";
import { loadTail, storeTail } from "./tail";

/** Never instantiated. The loops below take it as a type parameter, so its methods are inlined there. */
abstract class Elementwise {
  /** y = act(z). */
  abstract forward(z: v128, parameter: v128): v128;
  /** dz = dy * act'. `at` holds z or y: see gradientNeedsInput. */
  abstract backward(dy: v128, at: v128, parameter: v128): v128;
}

class Linear extends Elementwise {
  @inline
  forward(z: v128, parameter: v128): v128 {
    return z;
  }

  @inline
  backward(dy: v128, y: v128, parameter: v128): v128 {
    return dy;
  }
}

/** max(z, 0). NaN stays NaN and -0 stays -0. The gradient at 0 is 0. */
class Relu extends Elementwise {
  @inline
  forward(z: v128, parameter: v128): v128 {
    return f32x4.pmax(z, f32x4.splat(0));
  }

  @inline
  backward(dy: v128, y: v128, parameter: v128): v128 {
    return v128.andnot(dy, f32x4.le(y, f32x4.splat(0)));
  }
}

/** z where z > 0, slope * z elsewhere. The gradient at 0 is the slope. */
class LeakyRelu extends Elementwise {
  @inline
  forward(z: v128, slope: v128): v128 {
    return v128.bitselect(z, f32x4.mul(z, slope), f32x4.gt(z, f32x4.splat(0)));
  }

  @inline
  backward(dy: v128, at: v128, slope: v128): v128 {
    return v128.bitselect(dy, f32x4.mul(dy, slope), f32x4.gt(at, f32x4.splat(0)));
  }
}

/** z where z > 0, alpha * (exp(z) - 1) elsewhere. The gradient at 0 is alpha. */
class Elu extends Elementwise {
  @inline
  forward(z: v128, alpha: v128): v128 {
    const positive = f32x4.gt(z, f32x4.splat(0));
    return v128.bitselect(z, f32x4.mul(alpha, expm1Negative4(z)), positive);
  }

  @inline
  backward(dy: v128, z: v128, alpha: v128): v128 {
    const positive = f32x4.gt(z, f32x4.splat(0));
    return v128.bitselect(dy, f32x4.mul(dy, f32x4.mul(alpha, exp4(z))), positive);
  }
}

const SELU_SCALE: f32 = 1.0507009873554805;
const SELU_BELOW: f32 = 1.7580993408473766; // SELU_SCALE * 1.6732632423543772

/** elu with alpha 1.67326, times 1.0507. These two constants preserve mean 0 and variance 1. */
class Selu extends Elementwise {
  @inline
  forward(z: v128, parameter: v128): v128 {
    const positive = f32x4.gt(z, f32x4.splat(0));
    const above = f32x4.mul(f32x4.splat(SELU_SCALE), z);
    const below = f32x4.mul(f32x4.splat(SELU_BELOW), expm1Negative4(z));
    return v128.bitselect(above, below, positive);
  }

  @inline
  backward(dy: v128, z: v128, parameter: v128): v128 {
    const positive = f32x4.gt(z, f32x4.splat(0));
    const below = f32x4.mul(f32x4.splat(SELU_BELOW), exp4(z));
    return f32x4.mul(dy, v128.bitselect(f32x4.splat(SELU_SCALE), below, positive));
  }
}

const LARGEST: f32 = 3.4028234663852886e38;

/** z, with infinities replaced by the largest finite number: its product with 0 is then 0, the limit, and not NaN. */
// @ts-ignore: decorator
@inline
function finite(z: v128): v128 {
  return f32x4.pmax(f32x4.pmin(z, f32x4.splat(LARGEST)), f32x4.splat(-LARGEST));
}

/** P(X < z) of the standard normal, given exp(-z^2/2). */
// @ts-ignore: decorator
@inline
function normalBelow(z: v128, expHalfSquare: v128): v128 {
  const tail = normalTail4(f32x4.abs(z), expHalfSquare);
  const negative = f32x4.lt(z, f32x4.splat(0));
  return v128.bitselect(tail, f32x4.sub(f32x4.splat(1), tail), negative);
}

/** z P(X < z), which equals z/2 (1 + erf(z / sqrt 2)). This form has no cancellation below 0. */
class Gelu extends Elementwise {
  @inline
  forward(z: v128, parameter: v128): v128 {
    const below = normalBelow(z, expHalfSquare4(z));
    return f32x4.mul(f32x4.pmax(z, f32x4.splat(-LARGEST)), below);
  }

  @inline
  backward(dy: v128, z: v128, parameter: v128): v128 {
    const e = expHalfSquare4(z);
    const density = f32x4.mul(e, f32x4.splat(0.3989422804014327)); // 1 / sqrt(2 pi)
    return f32x4.mul(dy, madd(finite(z), density, normalBelow(z, e)));
  }
}

/**
 * The derivative of z sigmoid(w), given z dw/dz. With e = exp(-|w|) the derivative of the sigmoid is
 * e / (1 + e)^2. Nothing is subtracted from 1, because z would magnify the error of the difference.
 */
// @ts-ignore: decorator
@inline
function gateGradient(w: v128, zdw: v128): v128 {
  const one = f32x4.splat(1);
  const e = exp4(v128.or(w, f32x4.splat(-0.0)));
  const q = f32x4.div(one, f32x4.add(e, one));
  const p = f32x4.mul(e, q);
  const sigmoid = v128.bitselect(p, q, f32x4.lt(w, f32x4.splat(0)));
  return madd(zdw, f32x4.mul(p, q), sigmoid);
}

const GELU_LINEAR: f32 = 1.5957691216057308; // 2 sqrt(2 / pi)
const GELU_CUBIC: f32 = 0.07135481627256775; // 0.044715 * GELU_LINEAR

/** z/2 (1 + tanh(w/2)) with w = z (GELU_LINEAR + GELU_CUBIC z^2), that is z sigmoid(w). */
class GeluTanh extends Elementwise {
  @inline
  forward(z: v128, parameter: v128): v128 {
    const rate = madd(f32x4.mul(z, z), f32x4.splat(GELU_CUBIC), f32x4.splat(GELU_LINEAR));
    return f32x4.mul(f32x4.pmax(z, f32x4.splat(-LARGEST)), sigmoid4(f32x4.mul(z, rate)));
  }

  @inline
  backward(dy: v128, z: v128, parameter: v128): v128 {
    // Beyond 16 the sigmoid is 0 or 1 to the last bit. The clamp keeps z^2 from overflowing.
    z = f32x4.pmax(f32x4.pmin(z, f32x4.splat(16)), f32x4.splat(-16));
    const cubic = f32x4.mul(f32x4.mul(z, z), f32x4.splat(GELU_CUBIC));
    const w = f32x4.mul(z, f32x4.add(cubic, f32x4.splat(GELU_LINEAR)));
    const dw = madd(cubic, f32x4.splat(3), f32x4.splat(GELU_LINEAR));
    return f32x4.mul(dy, gateGradient(w, f32x4.mul(z, dw)));
  }
}

/** z sigmoid(z). */
class Silu extends Elementwise {
  @inline
  forward(z: v128, parameter: v128): v128 {
    return f32x4.mul(f32x4.pmax(z, f32x4.splat(-LARGEST)), sigmoid4(z));
  }

  @inline
  backward(dy: v128, z: v128, parameter: v128): v128 {
    return f32x4.mul(dy, gateGradient(z, finite(z)));
  }
}

/** log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)). */
class Softplus extends Elementwise {
  @inline
  forward(z: v128, parameter: v128): v128 {
    const e = exp4(v128.or(z, f32x4.splat(-0.0)));
    return f32x4.add(f32x4.pmax(z, f32x4.splat(0)), log1pUnit4(e));
  }

  @inline
  backward(dy: v128, z: v128, parameter: v128): v128 {
    return f32x4.mul(dy, sigmoid4(z));
  }
}

class Sigmoid extends Elementwise {
  @inline
  forward(z: v128, parameter: v128): v128 {
    return sigmoid4(z);
  }

  @inline
  backward(dy: v128, y: v128, parameter: v128): v128 {
    return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(f32x4.splat(1), y)));
  }
}

class Tanh extends Elementwise {
  @inline
  forward(z: v128, parameter: v128): v128 {
    return tanh4(z);
  }

  @inline
  backward(dy: v128, y: v128, parameter: v128): v128 {
    return f32x4.mul(dy, f32x4.sub(f32x4.splat(1), f32x4.mul(y, y)));
  }
}

// Each activation has its own function for each pass. Engines compile a function when it is first called, and a
// model calls only two or three of them.

/**
 * z += bias, y = act(z). The sum is stored at `kept`, which may be y. With a bias, cols must be a multiple
 * of 4.
 */
function forwardPass<A extends Elementwise>(
  parameter: f32, rows: usize, cols: usize, z: usize, bias: usize, y: usize, kept: usize,
): void {
  const act = changetype<A>(0);
  const p = f32x4.splat(parameter);
  const step: usize = bias ? 16 : 0;
  for (; rows > 0; --rows) {
    let n = cols;
    let b = bias;
    for (; n >= 4; n -= 4) {
      let value = v128.load(z);
      if (bias) value = f32x4.add(value, v128.load(b));
      v128.store(kept, value);
      v128.store(y, act.forward(value, p));
      z += 16;
      y += 16;
      kept += 16;
      b += step;
    }
    if (n) storeTail(y, act.forward(loadTail(z, n), p), n);
  }
}

/** dz = dy * act'. */
function backwardPass<A extends Elementwise>(
  parameter: f32, n: usize, at: usize, dy: usize, dz: usize,
): void {
  const act = changetype<A>(0);
  const p = f32x4.splat(parameter);
  for (; n >= 4; n -= 4) {
    v128.store(dz, act.backward(v128.load(dy), v128.load(at), p));
    at += 16;
    dy += 16;
    dz += 16;
  }
  if (n) storeTail(dz, act.backward(loadTail(dy, n), loadTail(at, n), p), n);
}

/** One of the two passes for the activation A. `back` is a literal, so the compiler removes the other one. */
// @ts-ignore: decorator
@inline
function pass<A extends Elementwise>(
  back: bool, parameter: f32, rows: usize, cols: usize, a: usize, b: usize, c: usize,
): void {
  if (back) backwardPass<A>(parameter, cols, a, b, c);
  else forwardPass<A>(parameter, rows, cols, a, b, c, b ? a : c);
}

/** The pass for the activation that `op` names. */
// @ts-ignore: decorator
@inline
function dispatch(
  back: bool, op: Activation, p: f32, rows: usize, cols: usize, a: usize, b: usize, c: usize,
): void {
  switch (op) {
    case Activation.linear: return pass<Linear>(back, p, rows, cols, a, b, c);
    case Activation.relu: return pass<Relu>(back, p, rows, cols, a, b, c);
    case Activation.leakyRelu: return pass<LeakyRelu>(back, p, rows, cols, a, b, c);
    case Activation.elu: return pass<Elu>(back, p, rows, cols, a, b, c);
    case Activation.selu: return pass<Selu>(back, p, rows, cols, a, b, c);
    case Activation.gelu: return pass<Gelu>(back, p, rows, cols, a, b, c);
    case Activation.geluTanh: return pass<GeluTanh>(back, p, rows, cols, a, b, c);
    case Activation.silu: return pass<Silu>(back, p, rows, cols, a, b, c);
    case Activation.softplus: return pass<Softplus>(back, p, rows, cols, a, b, c);
    case Activation.sigmoid: return pass<Sigmoid>(back, p, rows, cols, a, b, c);
    case Activation.tanh: return pass<Tanh>(back, p, rows, cols, a, b, c);
    default: unreachable();
  }
}

/** z += bias in every row. */
// @ts-ignore: decorator
@inline
function addBias(rows: usize, cols: usize, z: usize, bias: usize): void {
  for (; rows > 0; --rows) {
    let n = cols;
    let b = bias;
    for (; n >= 4; n -= 4) {
      v128.store(z, f32x4.add(v128.load(z), v128.load(b)));
      z += 16;
      b += 16;
    }
    if (n) storeTail(z, f32x4.add(loadTail(z, n), loadTail(b, n)), n);
    z += n << 2;
  }
}

/**
 * z += bias, y = act(z) for a contiguous matrix of rows x cols. The sum is stored back to z unless
 * y == z, which overwrites it. bias holds cols floats, or is 0 for none.
 */
export function biasActivation(
  op: Activation, parameter: f32, rows: usize, cols: usize, z: usize, bias: usize, y: usize,
): void {
  if (op == Activation.linear && y == z && !bias) return;
  if (bias && cols & 3) {
    // Rows have tails. After a separate pass for the bias, the matrix is one contiguous range.
    addBias(rows, cols, z, bias);
    bias = 0;
  }
  if (!bias) {
    cols *= rows;
    rows = 1;
  }
  dispatch(false, op, parameter, rows, cols, z, bias, y);
}

/**
 * dz = dy * act'(z) for i < count. It reads z where gradientNeedsInput says so, and y otherwise; the
 * other pointer is not used. dz may equal dy.
 */
export function activationGradient(
  op: Activation, parameter: f32, count: usize, z: usize, y: usize, dy: usize, dz: usize,
): void {
  if (op == Activation.linear && dz == dy) return;
  const at = gradientNeedsInput(op, parameter) ? z : y;
  dispatch(true, op, parameter, 1, count, at, dy, dz);
}
