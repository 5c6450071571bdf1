// Optimizers: one pass over a flat block of parameters p, its gradient g and the optimizer's state,
// all of `count` floats. Each pass reads and writes every array once. The formulas are PyTorch's. The
// caller computes learning rate schedules, powers of beta and the norm for clipping once a step; gradScale
// carries the result of clipping.
//
// Every kernel uses the gradient  gradScale * g + weightDecay * p.  p, g and the state must not overlap.
// Each element is computed on its own, so a block may be divided anywhere.
//
// (1 - beta2) * g^2 is multiplied from the left, as in PyTorch. g^2 alone overflows from |g| = 1.85e19 on,
// and then the parameter would never change again.
//
// The code for tails is inlined into sgd: with calls, the loop with momentum takes a tenth longer (Node 20).

import { loadLanes, storeLanes } from "./lanes";
import { madd } from "./simd";

/** The gradient that an update uses: clipped, plus weight decay. */
// @ts-ignore: decorator
@inline
function decayed(g: v128, p: v128, gradScale: v128, weightDecay: v128): v128 {
  return madd(weightDecay, p, f32x4.mul(gradScale, g));
}

/**
 * Stochastic gradient descent.  buf = momentum * buf + g (buf = g if `first`),  d = buf, or
 * g + momentum * buf if `nesterov`,  p -= lr * d.  With momentum 0, d = g and buf is neither read nor
 * written. With `first`, buf is not read.
 */
export function sgd(
  count: usize,
  p: usize,
  g: usize,
  buf: usize,
  lr: f32,
  momentum: f32,
  nesterov: u32,
  weightDecay: f32,
  gradScale: f32,
  first: u32,
): void {
  const scale = f32x4.splat(gradScale);
  const decay = f32x4.splat(weightDecay);
  const step = f32x4.splat(-lr);
  const endOfVectors = p + ((count >> 2) << 4);
  const tail = count & 3;
  if (momentum == 0) {
    for (; p < endOfVectors; p += 16, g += 16) sgdPlain(4, p, v128.load(g), scale, decay, step);
    if (tail) sgdPlain(tail, p, loadLanes(g, tail), scale, decay, step);
    return;
  }
  // The flags are masks, so that one loop serves all cases. Memory bandwidth limits this loop.
  const mu = f32x4.splat(momentum);
  const kept = i32x4.splat(first ? 0 : -1);
  const lookahead = i32x4.splat(nesterov ? -1 : 0);
  const share = f32x4.splat(nesterov ? momentum : 1);
  for (; p < endOfVectors; p += 16, g += 16, buf += 16) {
    sgdMomentum(4, p, v128.load(g), buf, scale, decay, step, mu, kept, lookahead, share);
  }
  if (tail) {
    const last = loadLanes(g, tail);
    sgdMomentum(tail, p, last, buf, scale, decay, step, mu, kept, lookahead, share);
  }
}

// @ts-ignore: decorator
@inline
function sgdPlain(lanes: usize, p: usize, g: v128, scale: v128, decay: v128, step: v128): void {
  const w = loadLanes(p, lanes);
  storeLanes(p, madd(step, decayed(g, w, scale, decay), w), lanes);
}

// @ts-ignore: decorator
@inline
function sgdMomentum(
  lanes: usize,
  p: usize,
  g: v128,
  buf: usize,
  scale: v128,
  decay: v128,
  step: v128,
  momentum: v128,
  kept: v128,
  lookahead: v128,
  share: v128,
): void {
  const w = loadLanes(p, lanes);
  const d = decayed(g, w, scale, decay);
  const velocity = madd(momentum, v128.and(loadLanes(buf, lanes), kept), d);
  storeLanes(buf, velocity, lanes);
  storeLanes(p, madd(step, madd(share, velocity, v128.and(d, lookahead)), w), lanes);
}

/**
 * Adam and AdamW, step k.  m = beta1 * m + (1 - beta1) * g,  v = beta2 * v + (1 - beta2) * g^2,
 * p = decoupledDecay * p - stepSize * m / (sqrt(v) * invSqrtBias2 + epsilon).
 * stepSize = lr / (1 - beta1^k), invSqrtBias2 = 1 / sqrt(1 - beta2^k). Adam: decoupledDecay = 1.
 * AdamW: weightDecay = 0, decoupledDecay = 1 - lr * (its weight decay). The betas are float64, because
 * 1 - beta2 computed from a float32 has a relative error of 1e-5.
 */
export function adam(
  count: usize,
  p: usize,
  g: usize,
  mt: usize,
  vt: usize,
  stepSize: f32,
  beta1: f64,
  beta2: f64,
  invSqrtBias2: f32,
  epsilon: f32,
  weightDecay: f32,
  decoupledDecay: f32,
  gradScale: f32,
): void {
  const scale = f32x4.splat(gradScale);
  const decay = f32x4.splat(weightDecay);
  const b1 = f32x4.splat(<f32>beta1);
  const c1 = f32x4.splat(<f32>(1 - beta1));
  const b2 = f32x4.splat(<f32>beta2);
  const c2 = f32x4.splat(<f32>(1 - beta2));
  const unbias = f32x4.splat(invSqrtBias2);
  const eps = f32x4.splat(epsilon);
  const shrink = f32x4.splat(decoupledDecay);
  const step = f32x4.splat(-stepSize);
  const endOfVectors = p + ((count >> 2) << 4);
  const tail = count & 3;
  if (gradScale == 1 && weightDecay == 0) {
    // The gradient needs no scaling and no decay. Two vectors an iteration come near the rate of the square root and
    // the division alone (docs/decisions/030-gemm-tile.md).
    const endOfPairs = p + ((count >> 3) << 5);
    for (; p < endOfPairs; p += 32, g += 32, mt += 32, vt += 32) {
      adamUpdate(4, p, v128.load(p), v128.load(g), mt, vt, b1, c1, b2, c2, unbias, eps, shrink, step);
      const w = v128.load(p, 16);
      const d = v128.load(g, 16);
      adamUpdate(4, p + 16, w, d, mt + 16, vt + 16, b1, c1, b2, c2, unbias, eps, shrink, step);
    }
  }
  for (; p < endOfVectors; p += 16, g += 16, mt += 16, vt += 16) {
    const w = v128.load(p);
    const d = decayed(v128.load(g), w, scale, decay);
    adamUpdate(4, p, w, d, mt, vt, b1, c1, b2, c2, unbias, eps, shrink, step);
  }
  if (tail) {
    const w = loadLanes(p, tail);
    const d = decayed(loadLanes(g, tail), w, scale, decay);
    adamUpdate(tail, p, w, d, mt, vt, b1, c1, b2, c2, unbias, eps, shrink, step);
  }
}

// @ts-ignore: decorator
@inline
function adamUpdate(
  lanes: usize,
  p: usize,
  w: v128,
  d: v128,
  mt: usize,
  vt: usize,
  b1: v128,
  c1: v128,
  b2: v128,
  c2: v128,
  unbias: v128,
  eps: v128,
  shrink: v128,
  step: v128,
): void {
  const m = madd(b1, loadLanes(mt, lanes), f32x4.mul(c1, d));
  const v = madd(b2, loadLanes(vt, lanes), f32x4.mul(f32x4.mul(c2, d), d));
  storeLanes(mt, m, lanes);
  storeLanes(vt, v, lanes);
  const direction = f32x4.div(m, madd(f32x4.sqrt(v), unbias, eps));
  storeLanes(p, madd(step, direction, f32x4.mul(shrink, w)), lanes);
}

/**
 * RMSprop.  v = alpha * v + (1 - alpha) * g^2;  if `centered`, avg = alpha * avg + (1 - alpha) * g
 * and s = sqrt(max(v - avg^2, 0)), else s = sqrt(v);  q = g / (s + epsilon);  with momentum,
 * buf = momentum * buf + q and q = buf;  p -= lr * q. avg is used only if centered, and buf only with
 * momentum. PyTorch has no max with 0. It is needed because rounding can make v - avg^2 negative.
 */
export function rmsprop(
  count: usize,
  p: usize,
  g: usize,
  v: usize,
  avg: usize,
  buf: usize,
  lr: f32,
  alpha: f64,
  epsilon: f32,
  momentum: f32,
  centered: u32,
  weightDecay: f32,
  gradScale: f32,
): void {
  const scale = f32x4.splat(gradScale);
  const decay = f32x4.splat(weightDecay);
  const a = f32x4.splat(<f32>alpha);
  const c = f32x4.splat(<f32>(1 - alpha));
  const eps = f32x4.splat(epsilon);
  const mu = f32x4.splat(momentum);
  const step = f32x4.splat(-lr);
  const moving = u32(momentum != 0);
  const endOfVectors = p + ((count >> 2) << 4);
  const tail = count & 3;
  for (; p < endOfVectors; p += 16, g += 16, v += 16, avg += 16, buf += 16) {
    const d = v128.load(g);
    rmspropUpdate(4, p, d, v, avg, buf, centered, moving, scale, decay, a, c, eps, mu, step);
  }
  if (tail) {
    const d = loadLanes(g, tail);
    rmspropUpdate(tail, p, d, v, avg, buf, centered, moving, scale, decay, a, c, eps, mu, step);
  }
}

// It branches on flags that are constant during a pass. Beside a square root and a division that costs nothing.
// @ts-ignore: decorator
@inline
function rmspropUpdate(
  lanes: usize,
  p: usize,
  g: v128,
  v: usize,
  avg: usize,
  buf: usize,
  centered: u32,
  moving: u32,
  scale: v128,
  decay: v128,
  a: v128,
  c: v128,
  eps: v128,
  momentum: v128,
  step: v128,
): void {
  const w = loadLanes(p, lanes);
  const d = decayed(g, w, scale, decay);
  let square = madd(a, loadLanes(v, lanes), f32x4.mul(f32x4.mul(c, d), d));
  storeLanes(v, square, lanes);
  if (centered) {
    const mean = madd(a, loadLanes(avg, lanes), f32x4.mul(c, d));
    storeLanes(avg, mean, lanes);
    square = f32x4.max(f32x4.sub(square, f32x4.mul(mean, mean)), f32x4.splat(0));
  }
  let q = f32x4.div(d, f32x4.add(f32x4.sqrt(square), eps));
  if (moving) {
    q = madd(momentum, loadLanes(buf, lanes), q);
    storeLanes(buf, q, lanes);
  }
  storeLanes(p, madd(step, q, w), lanes);
}

/** Adagrad.  s += g^2,  p -= lr * g / (sqrt(s) + epsilon). */
export function adagrad(
  count: usize,
  p: usize,
  g: usize,
  s: usize,
  lr: f32,
  epsilon: f32,
  weightDecay: f32,
  gradScale: f32,
): void {
  const scale = f32x4.splat(gradScale);
  const decay = f32x4.splat(weightDecay);
  const eps = f32x4.splat(epsilon);
  const step = f32x4.splat(-lr);
  const endOfVectors = p + ((count >> 2) << 4);
  const tail = count & 3;
  for (; p < endOfVectors; p += 16, g += 16, s += 16) {
    adagradUpdate(4, p, v128.load(g), s, scale, decay, eps, step);
  }
  if (tail) adagradUpdate(tail, p, loadLanes(g, tail), s, scale, decay, eps, step);
}

// @ts-ignore: decorator
@inline
function adagradUpdate(
  lanes: usize,
  p: usize,
  g: v128,
  s: usize,
  scale: v128,
  decay: v128,
  eps: v128,
  step: v128,
): void {
  const w = loadLanes(p, lanes);
  const d = decayed(g, w, scale, decay);
  const sum = madd(d, d, loadLanes(s, lanes));
  storeLanes(s, sum, lanes);
  storeLanes(p, madd(step, f32x4.div(d, f32x4.add(f32x4.sqrt(sum), eps)), w), lanes);
}
