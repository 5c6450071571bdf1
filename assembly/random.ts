// Random numbers as functions of their place: seed (seedLo, seedHi), step, stream, element. A range
// is drawn by naming its first element, `start`, and may be split anywhere: element i has the same
// bits whatever the range, the build and the engine. Callers keep draws apart by step and stream.
// start + count must not pass 2^32. Uniforms are the top 24 bits of an element's Philox word.

import { normals } from "./random/normal";
import { BITS, draw, MASK, SALT_PEPPER, UNIFORM, wordOf } from "./random/philox";

/** Steps between 0 and 1 that a uniform has. */
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
 * out[i] = low + u * (high - low) with u a multiple of 2^-24 in [0, 1). low <= out[i] < high: where
 * the sum rounds up to high it becomes the float below. high <= low gives low. high - low must be
 * finite.
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

/** out[i] = mean + std * z, z normal within +-6.338; random/normal.ts says how exact. */
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

/** out[i] = x[i] + std * z, z as in randomNormal. out must not overlap x. */
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
 * out[i] = 0 with probability `rate`, whatever x[i] holds, else keepScale * x[i]: dropout with
 * keepScale 1 / (1 - rate), masking noise with 1. The same call on the gradient is its backward.
 * rate is taken up to a multiple of 2^-24. out may be x.
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
 * out[i] = low or high, evenly, with probability `rate`, else x[i]. The lowest bit of the word, no
 * part of the uniform, chooses. rate is taken up to a multiple of 2^-24. out may be x.
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
 * out = the numbers 0 to count - 1 (u32) in an order drawn evenly from all: Fisher-Yates built from
 * the front, where out[i] changes places with one of out[0..i], chosen by Lemire's multiplication
 * with rejection. Element i starts from its own word, which waits in out[i] until its turn; attempt
 * r after a rejection takes the word under counter (block, r, step, stream).
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
