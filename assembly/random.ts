// Counter-based random numbers: each is a function of seed (seedLo, seedHi), step, stream and element. A
// range starts at element `start` and may be divided anywhere: the bits of element i do not depend on the
// range, the build or the engine. Callers use different steps and streams for different draws.
// start + count must not exceed 2^32. Uniforms are the top 24 bits of an element's Philox word.

import { normals } from "./random/normal";
import { BITS, draw, MASK, SALT_PEPPER, UNIFORM, wordOf } from "./random/philox";

/** The number of steps of a uniform between 0 and 1. */
const RESOLUTION: f32 = 16777216;

/** out[i] = the 32-bit word of element start + i. */
export function randomBits(
  count: usize,
  out: usize,
  start: usize,
  seedLo: u32,
  seedHi: u32,
  step: u32,
  stream: u32,
): void {
  const none = i32x4.splat(0);
  draw(BITS, count, out, out, start, none, none, none, seedLo, seedHi, step, stream);
}

/**
 * out[i] = low + u * (high - low), where u is a multiple of 2^-24 in [0, 1). low <= out[i] < high: a sum
 * that rounds up to high becomes the next smaller float. high <= low gives low. high - low must be finite.
 */
export function randomUniform(
  count: usize,
  out: usize,
  start: usize,
  low: f32,
  high: f32,
  seedLo: u32,
  seedHi: u32,
  step: u32,
  stream: u32,
): void {
  const l = f32x4.splat(low);
  const unit = f32x4.splat(max<f32>(high - low, 0) / RESOLUTION);
  const last = f32x4.splat(max<f32>(floatBelow(high), low));
  draw(UNIFORM, count, out, out, start, l, unit, last, seedLo, seedHi, step, stream);
}

/** The largest float below a finite x. */
// @ts-ignore: decorator
@inline
function floatBelow(x: f32): f32 {
  if (x == 0) return reinterpret<f32>(0x8000_0001);
  const bits = reinterpret<i32>(x);
  return reinterpret<f32>(bits > 0 ? bits - 1 : bits + 1);
}

/** out[i] = mean + std * z with z normal, |z| <= 6.338. Its accuracy is stated in random/normal.ts. */
export function randomNormal(
  count: usize,
  out: usize,
  start: usize,
  mean: f32,
  std: f32,
  seedLo: u32,
  seedHi: u32,
  step: u32,
  stream: u32,
): void {
  randomBits(count, out, start, seedLo, seedHi, step, stream);
  normals(count, 0, out, mean, std);
}

/** out[i] = x[i] + std * z with z as in randomNormal. out must not overlap x. */
export function addNormal(
  count: usize,
  x: usize,
  out: usize,
  start: usize,
  std: f32,
  seedLo: u32,
  seedHi: u32,
  step: u32,
  stream: u32,
): void {
  randomBits(count, out, start, seedLo, seedHi, step, stream);
  normals(count, x, out, 0, std);
}

/**
 * out[i] = 0 with probability `rate`, also where x[i] is NaN, otherwise keepScale * x[i]. With keepScale
 * 1 / (1 - rate) this is dropout, with 1 masking noise. The same call on the gradient is the backward pass.
 * rate is rounded up to a multiple of 2^-24. out may be x.
 */
export function randomMask(
  count: usize,
  x: usize,
  out: usize,
  start: usize,
  rate: f32,
  keepScale: f32,
  seedLo: u32,
  seedHi: u32,
  step: u32,
  stream: u32,
): void {
  const keep = f32x4.splat(keepScale);
  draw(MASK, count, x, out, start, keep, keep, below(rate), seedLo, seedHi, step, stream);
}

/**
 * out[i] = low or high, equally likely, with probability `rate`, otherwise x[i]. The lowest bit of the word
 * chooses; it is not part of the uniform. rate is rounded up to a multiple of 2^-24. out may be x.
 */
export function saltPepper(
  count: usize,
  x: usize,
  out: usize,
  start: usize,
  rate: f32,
  low: f32,
  high: f32,
  seedLo: u32,
  seedHi: u32,
  step: u32,
  stream: u32,
): void {
  const l = f32x4.splat(low);
  const h = f32x4.splat(high);
  draw(SALT_PEPPER, count, x, out, start, l, h, below(rate), seedLo, seedHi, step, stream);
}

/** How many of the 24-bit uniforms lie below `rate`. */
// @ts-ignore: decorator
@inline
function below(rate: f32): v128 {
  return i32x4.splat(<i32>ceil<f32>(max<f32>(min<f32>(rate, 1), 0) * RESOLUTION));
}

/**
 * out = the numbers 0 to count - 1 (u32) in a random order, all orders equally likely. Fisher-Yates from the
 * front: out[i] is exchanged with one of out[0..i], chosen by Lemire's multiplication with rejection. Element
 * i uses its own word, which is stored in out[i] beforehand. Attempt r after a rejection uses the word with
 * counter (block, r, step, stream).
 */
export function permutation(
  count: usize,
  out: usize,
  seedLo: u32,
  seedHi: u32,
  step: u32,
  stream: u32,
): void {
  randomBits(count, out, 0, seedLo, seedHi, step, stream);
  for (let i: u32 = 0; i < <u32>count; i++) {
    const place = out + (<usize>i << 2);
    const bound = i + 1;
    let product = <u64>load<u32>(place) * bound;
    if (<u32>product < bound) {
      const least: u32 = (0 - bound) % bound;
      for (let attempt: u32 = 1; <u32>product < least; attempt++) {
        product = <u64>wordOf(i, attempt, seedLo, seedHi, step, stream) * bound;
      }
    }
    const other = out + (<usize>(product >> 32) << 2);
    store<u32>(place, load<u32>(other));
    store<u32>(other, i);
  }
}
