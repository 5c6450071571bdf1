// The peak that kernels are compared with: loops that multiply and add in registers, and loops that only
// move memory. This module is compiled separately and is no part of the core.

// @ts-ignore: decorator
@inline
function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** Twelve independent chains c = c * x + y: 96 operations an iteration. */
export function chains12(n: u32, out: usize, value: f32): void {
  const x = f32x4.splat(value);
  const y = f32x4.splat(value * 0.5);
  let c0 = x;
  let c1 = x;
  let c2 = x;
  let c3 = x;
  let c4 = x;
  let c5 = x;
  let c6 = x;
  let c7 = x;
  let c8 = x;
  let c9 = x;
  let c10 = x;
  let c11 = x;
  do {
    c0 = madd(x, c0, y);
    c1 = madd(x, c1, y);
    c2 = madd(x, c2, y);
    c3 = madd(x, c3, y);
    c4 = madd(x, c4, y);
    c5 = madd(x, c5, y);
    c6 = madd(x, c6, y);
    c7 = madd(x, c7, y);
    c8 = madd(x, c8, y);
    c9 = madd(x, c9, y);
    c10 = madd(x, c10, y);
    c11 = madd(x, c11, y);
  } while (--n);
  c0 = f32x4.add(f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)), f32x4.add(c4, c5));
  c6 = f32x4.add(f32x4.add(f32x4.add(c6, c7), f32x4.add(c8, c9)), f32x4.add(c10, c11));
  v128.store(out, f32x4.add(c0, c6));
}

/** Thirteen chains, because a product and a sum of three cycles each need more than twelve. 104 operations. */
export function chains13(n: u32, out: usize, value: f32): void {
  const x = f32x4.splat(value);
  const y = f32x4.splat(value * 0.5);
  let c0 = x;
  let c1 = x;
  let c2 = x;
  let c3 = x;
  let c4 = x;
  let c5 = x;
  let c6 = x;
  let c7 = x;
  let c8 = x;
  let c9 = x;
  let c10 = x;
  let c11 = x;
  let c12 = x;
  do {
    c0 = madd(x, c0, y);
    c1 = madd(x, c1, y);
    c2 = madd(x, c2, y);
    c3 = madd(x, c3, y);
    c4 = madd(x, c4, y);
    c5 = madd(x, c5, y);
    c6 = madd(x, c6, y);
    c7 = madd(x, c7, y);
    c8 = madd(x, c8, y);
    c9 = madd(x, c9, y);
    c10 = madd(x, c10, y);
    c11 = madd(x, c11, y);
    c12 = madd(x, c12, y);
  } while (--n);
  c0 = f32x4.add(f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)), f32x4.add(c4, c5));
  c6 = f32x4.add(f32x4.add(f32x4.add(c6, c7), f32x4.add(c8, c9)), f32x4.add(c10, c11));
  v128.store(out, f32x4.add(f32x4.add(c0, c6), c12));
}

/** Eight independent chains of a square root and a division, 32 of each an iteration: what Adam needs for 32 parameters. */
export function roots(n: u32, out: usize, value: f32): void {
  const x = f32x4.splat(value);
  let c0 = x;
  let c1 = x;
  let c2 = x;
  let c3 = x;
  let c4 = x;
  let c5 = x;
  let c6 = x;
  let c7 = x;
  do {
    c0 = f32x4.div(x, f32x4.sqrt(c0));
    c1 = f32x4.div(x, f32x4.sqrt(c1));
    c2 = f32x4.div(x, f32x4.sqrt(c2));
    c3 = f32x4.div(x, f32x4.sqrt(c3));
    c4 = f32x4.div(x, f32x4.sqrt(c4));
    c5 = f32x4.div(x, f32x4.sqrt(c5));
    c6 = f32x4.div(x, f32x4.sqrt(c6));
    c7 = f32x4.div(x, f32x4.sqrt(c7));
  } while (--n);
  c0 = f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3));
  c4 = f32x4.add(f32x4.add(c4, c5), f32x4.add(c6, c7));
  v128.store(out, f32x4.add(c0, c4));
}

/**
 * Reads `bytes` (a multiple of 112) and adds them up: the least time of reading a matrix. It has seven
 * sums, because eight and their loads do not fit the registers of older engines.
 */
export function read(bytes: usize, p: usize, out: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let s4 = s0;
  let s5 = s0;
  let s6 = s0;
  const end = p + bytes;
  do {
    s0 = f32x4.add(s0, v128.load(p));
    s1 = f32x4.add(s1, v128.load(p, 16));
    s2 = f32x4.add(s2, v128.load(p, 32));
    s3 = f32x4.add(s3, v128.load(p, 48));
    s4 = f32x4.add(s4, v128.load(p, 64));
    s5 = f32x4.add(s5, v128.load(p, 80));
    s6 = f32x4.add(s6, v128.load(p, 96));
    p += 112;
  } while (p != end);
  s0 = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  s4 = f32x4.add(f32x4.add(s4, s5), s6);
  v128.store(out, f32x4.add(s0, s4));
}

/** Writes `bytes` (a multiple of 128). */
export function write(bytes: usize, p: usize, value: f32): void {
  const x = f32x4.splat(value);
  const end = p + bytes;
  do {
    v128.store(p, x);
    v128.store(p, x, 16);
    v128.store(p, x, 32);
    v128.store(p, x, 48);
    v128.store(p, x, 64);
    v128.store(p, x, 80);
    v128.store(p, x, 96);
    v128.store(p, x, 112);
    p += 128;
  } while (p != end);
}

/** Reads and writes `bytes` (a multiple of 128): p = p + value. */
export function update(bytes: usize, p: usize, value: f32): void {
  const x = f32x4.splat(value);
  const end = p + bytes;
  do {
    v128.store(p, f32x4.add(x, v128.load(p)));
    v128.store(p, f32x4.add(x, v128.load(p, 16)), 16);
    v128.store(p, f32x4.add(x, v128.load(p, 32)), 32);
    v128.store(p, f32x4.add(x, v128.load(p, 48)), 48);
    v128.store(p, f32x4.add(x, v128.load(p, 64)), 64);
    v128.store(p, f32x4.add(x, v128.load(p, 80)), 80);
    v128.store(p, f32x4.add(x, v128.load(p, 96)), 96);
    v128.store(p, f32x4.add(x, v128.load(p, 112)), 112);
    p += 128;
  } while (p != end);
}
