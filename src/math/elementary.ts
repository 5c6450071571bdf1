// log and exp computed by sums, products and exact scalings by powers of two. Math.log and Math.exp may round
// differently from engine to engine, and a threshold must not depend on the engine.

const LN2_HIGH = 0.6931471803691238; // its last 32 bits are zero: k * LN2_HIGH is exact
const LN2_LOW = 1.9082149292705877e-10;

const SMALLEST_NORMAL = 2.2250738585072014e-308;
const TWO_TO_54 = 2 ** 54;

/** The natural logarithm, with a relative error of at most 1e-15. NaN below 0, -Infinity at 0. */
export function log(x: number): number {
  if (!(x > 0) || x === Infinity) return x === 0 ? -Infinity : x === Infinity ? x : Number.NaN;
  const isTiny = x < SMALLEST_NORMAL;
  const { mantissa, exponent } = split(isTiny ? x * TWO_TO_54 : x);
  const halve = mantissa > Math.SQRT2;
  const m = halve ? mantissa / 2 : mantissa;
  const e = exponent + (halve ? 1 : 0) - (isTiny ? 54 : 0);
  // log m = 2 artanh s. |s| <= 0.172, so twelve more terms are enough for the last bit.
  const s = (m - 1) / (m + 1);
  const square = s * s;
  let tail = 0;
  for (let n = 25; n >= 3; n -= 2) tail = (tail + 1 / n) * square;
  return e * LN2_HIGH + (2 * s + (2 * s * tail + e * LN2_LOW));
}

/** log(1 + x) for x > -1, accurate near 0. */
export function log1p(x: number): number {
  const sum = 1 + x;
  if (sum === 1 || sum === Infinity) return x;
  return log(sum) - (sum - 1 - x) / sum; // the second term corrects the rounding of 1 + x
}

/** e to the power of x, with a relative error of at most 1e-15. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709.79) return Infinity;
  if (x < -745.2) return 0;
  const k = Math.round(x / (LN2_HIGH + LN2_LOW));
  const rest = x - k * LN2_HIGH - k * LN2_LOW;
  let sum = 1;
  for (let n = 16; n > 0; n--) sum = 1 + (sum * rest) / n;
  // In two steps, because the scale alone may leave the range of float64 where the result does not.
  const half = Math.trunc(k / 2);
  return sum * powerOfTwo(half) * powerOfTwo(k - half);
}

/** base^exponent for base > 0. */
export function power(base: number, exponent: number): number {
  return exp(exponent * log(base));
}

const bits = new DataView(new ArrayBuffer(8));

/** x = mantissa * 2^exponent with the mantissa in [1, 2), for a normal x > 0. */
function split(x: number): { mantissa: number; exponent: number } {
  bits.setFloat64(0, x);
  const high = bits.getUint32(0);
  bits.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  return { mantissa: bits.getFloat64(0), exponent: (high >>> 20) - 1023 };
}

/** 2^k for whole k in [-1022, 1023]. */
function powerOfTwo(k: number): number {
  bits.setUint32(0, (k + 1023) << 20);
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
}
