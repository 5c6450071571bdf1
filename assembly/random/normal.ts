// Normal variables from random words by the inverse of the distribution function. Each word gives one normal,
// without rejection or pairing, so element i of a stream depends only on i.
//
// x in (0, 1) is the magnitude of a uniform variable in (-1, 1). The normal is x * F(L) with
// L = -log2(1 - x^2). F starts at sqrt(pi / 2) and grows like sqrt(L). A rational function of sqrt(L + 8)
// approximates it from the centre to the tail without a branch. (The variable follows Giles, "Approximating
// the erfinv function", who uses two polynomials.) The coefficients are our own minimax fits, to 3e-7 absolute
// for log2 and 1.4e-7 relative for F. madd is not used here, so a stream has the same bits in every build.

import { held, heldBits, opaqueZero } from "../held";
import { loadLanes, storeLanes } from "../lanes";

/** r * v + c, rounded twice. */
// @ts-ignore: decorator
@inline
function step(r: v128, v: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(r, v), c);
}

/**
 * out[i] = (x ? x[i] : mean) + std * z(word), where out holds the words on entry. x 0 means no x. out must
 * not overlap x. The low 31 bits j of a word give the magnitude (j + 1/2) / 2^31, and its top bit gives the
 * sign. So normals are exactly symmetric, and |z| <= 6.338. The relative error of z is at most 7e-7, and 2e-7
 * on average. An element takes 3.1 ns. Horner's rule would take 3.9 ns, and constants that are not kept in
 * registers (held.ts) 5 to 6 ns.
 */
export function normals(count: usize, x: usize, out: usize, mean: f32, std: f32): void {
  if (!count) return;
  const zero = opaqueZero(count);
  const half = held(0.5, zero);
  const unit = held(4.656612873077393e-10, zero); // 2^-31
  const low31 = heldBits(0x7fff_ffff, zero);
  const fraction = heldBits(0x007f_ffff, zero);
  const one = held(1, zero);
  const middle = held(1.5, zero);
  const two = held(2, zero);
  const three = held(3, zero);
  const offset = held(135, zero); // 8, and the exponent's bias 127
  const log0 = held(0.5849628, zero);
  const log1 = held(0.9617954, zero);
  const log2 = held(-0.32063234, zero);
  const log3 = held(0.14254533, zero);
  const log4 = held(-0.07058961, zero);
  const log5 = held(0.03731129, zero);
  const log6 = held(-0.02512337, zero);
  const log7 = held(0.015125357, zero);
  const top0 = held(1.4874638, zero);
  const top1 = held(1.6135864, zero);
  const top2 = held(1.5346026, zero);
  const top3 = held(0.9474831, zero);
  const top4 = held(0.44882813, zero);
  const top5 = held(0.13100518, zero);
  const bottom1 = held(0.11784682, zero);
  const bottom2 = held(0.6499438, zero);
  const bottom3 = held(0.109828696, zero);
  const bottom4 = held(0.10848412, zero);
  const deviation = f32x4.splat(std);
  let centre = f32x4.splat(mean);

  do {
    const lanes = min<usize>(count, 4);
    const words = loadLanes(out, lanes);
    const magnitude = v128.and(words, low31);
    const sign = v128.xor(words, magnitude);
    const size = f32x4.mul(f32x4.add(f32x4.convert_i32x4_s(magnitude), half), unit);
    // 1 - size is computed from the complemented bits, so that it has no cancellation in the tail.
    const complement = v128.xor(magnitude, low31);
    const rest = f32x4.mul(f32x4.add(f32x4.convert_i32x4_s(complement), half), unit);
    const y = f32x4.mul(rest, f32x4.sub(two, rest)); // 1 - size^2

    const exponent = f32x4.convert_i32x4_s(i32x4.shr_u(y, 23));
    const t = f32x4.sub(v128.or(v128.and(y, fraction), one), middle);
    const t2 = f32x4.mul(t, t);
    const log67 = step(log7, t, log6);
    const log45 = step(log5, t, log4);
    const log23 = step(log3, t, log2);
    const log01 = step(log1, t, log0);
    const mantissa = step(step(log67, t2, log45), f32x4.mul(t2, t2), step(log23, t2, log01));
    const shifted = f32x4.sub(f32x4.sub(offset, exponent), mantissa); // L + 8

    const v = f32x4.sub(f32x4.sqrt(shifted), three);
    const v2 = f32x4.mul(v, v);
    const top45 = step(top5, v, top4);
    const top23 = step(top3, v, top2);
    const top = step(step(top45, v2, top23), v2, step(top1, v, top0));
    const bottom23 = step(bottom3, v, bottom2);
    const bottom = step(step(bottom4, v2, bottom23), v2, step(bottom1, v, one));
    const z = v128.xor(f32x4.div(f32x4.mul(size, top), bottom), sign);

    if (x) {
      centre = loadLanes(x, lanes);
      x += 16;
    }
    storeLanes(out, f32x4.add(centre, f32x4.mul(deviation, z)), lanes);
    out += 16;
    count -= lanes;
  } while (count);
}
