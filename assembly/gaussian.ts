// The gaussian code of a variational autoencoder (Kingma and Welling, "Auto-encoding variational
// Bayes", 2014): the sample z = mu + sigma * eps, the divergence of the code from a standard normal, and
// the gradients of both. randomNormal draws the noise eps beforehand, so that the backward pass reads the
// same noise as the forward pass.
//
// Log variances are the raw outputs of the layer. Every kernel clamps them to [-30, 20] first. Outside of
// these limits the gradient is 0. All arrays have `count` elements.

import { loadLanes, storeLanes } from "./lanes";
import { exp4, expm14, expTail4 } from "./math/exp";
import { LOSS_BLOCK } from "./ops";
import { madd } from "./simd";
import { addHigh, addLow, total } from "./wide";

const LEAST: f32 = -30;
const MOST: f32 = 20;

/** A log variance clamped to its limits. NaN stays NaN. */
// @ts-ignore: decorator
@inline
function clamped(logVariance: v128): v128 {
  return f32x4.pmax(f32x4.pmin(logVariance, f32x4.splat(MOST)), f32x4.splat(LEAST));
}

/** sigma of a clamped log variance. */
// @ts-ignore: decorator
@inline
function deviation(logVariance: v128): v128 {
  return exp4(f32x4.mul(logVariance, f32x4.splat(0.5)));
}

/** z = mu + exp(logVariance / 2) * eps. z may be mu, eps or logVariance. */
export function gaussianSample(
  count: usize,
  mu: usize,
  logVariance: usize,
  eps: usize,
  z: usize,
): void {
  while (count > 0) {
    const n = min<usize>(count, 4);
    const sigma = deviation(clamped(loadLanes(logVariance, n)));
    storeLanes(z, madd(sigma, loadLanes(eps, n), loadLanes(mu, n)), n);
    mu += 16;
    logVariance += 16;
    eps += 16;
    z += 16;
    count -= n;
  }
}

/**
 * Writes to partials, one float64 per block of LOSS_BLOCK elements, the sum of
 * (mu^2 + exp(logVariance) - 1 - logVariance) / 2. Each term is rounded to float32 before it is summed.
 */
export function gaussianKl(count: usize, mu: usize, logVariance: usize, partials: usize): void {
  while (count > 0) {
    let left = min<usize>(count, LOSS_BLOCK);
    count -= left;
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    while (left > 0) {
      const n = min<usize>(left, 4);
      const m = loadLanes(mu, n);
      const twice = madd(m, m, expTail4(clamped(loadLanes(logVariance, n))));
      const value = f32x4.mul(twice, f32x4.splat(0.5));
      low = addLow(low, value);
      high = addHigh(high, value);
      mu += 16;
      logVariance += 16;
      left -= n;
    }
    store<f64>(partials, total(low, high));
    partials += 8;
  }
}

/**
 * dMu = dz + weight * mu, and dLogVariance = dz * eps * sigma / 2 + weight * (sigma^2 - 1) / 2, or 0
 * where the log variance is outside its limits. These are the gradients of L + weight * KL, where dz is
 * the gradient of L at z and KL is the sum that gaussianKl computes. dMu may be dz, and dLogVariance may
 * be eps.
 */
export function gaussianGradient(
  count: usize,
  mu: usize,
  logVariance: usize,
  eps: usize,
  dz: usize,
  weight: f32,
  dMu: usize,
  dLogVariance: usize,
): void {
  const w = f32x4.splat(weight);
  const halfWeight = f32x4.splat(weight * 0.5);
  while (count > 0) {
    const n = min<usize>(count, 4);
    const raw = loadLanes(logVariance, n);
    const log = clamped(raw);
    const outside = v128.or(f32x4.lt(raw, f32x4.splat(LEAST)), f32x4.gt(raw, f32x4.splat(MOST)));
    const d = loadLanes(dz, n);
    const half = f32x4.mul(deviation(log), f32x4.splat(0.5));
    const noise = f32x4.mul(f32x4.mul(d, loadLanes(eps, n)), half);
    const gradient = madd(halfWeight, expm14(log), noise);
    storeLanes(dMu, madd(w, loadLanes(mu, n), d), n);
    storeLanes(dLogVariance, v128.andnot(gradient, outside), n);
    mu += 16;
    logVariance += 16;
    eps += 16;
    dz += 16;
    dMu += 16;
    dLogVariance += 16;
    count -= n;
  }
}
