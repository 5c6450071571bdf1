// Prints float32 numbers as bytes, in the fewest characters that read back as the same float32. It is about twice as fast as
// trying numbers of digits, and about eight times as fast as Number.prototype.toPrecision.
//
// A float32 x is the rounded value of every decimal between its halfway points to its neighbours. Scaled by a power of ten
// to 9 or 10 digits, that interval is 6 to 250 whole numbers wide and contains every candidate. float64 computes its ends
// with an error of about 1e-6. Digits are dropped while a whole number remains inside. If an end is too close to a whole
// number to decide on which side it lies, numbers of digits are tried.

const PLUS = 43;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const LOWER_E = 101;

/** The largest number of characters of a number: a minus, and 21 digits or 13 with point and exponent. */
export const MAX_NUMBER_BYTES = 22;

/** The texts "00", "01" and so on to "99". */
const PAIRS = /* @__PURE__ */ Uint8Array.from({ length: 200 }, (_, i) =>
  i % 2 === 0 ? ZERO + Math.floor(i / 20) : ZERO + ((i >> 1) % 10),
);

/** For each exponent field of a float32: the power of ten that scales its smallest number to [1e8, 1e9). */
const POWERS = /* @__PURE__ */ Int32Array.from({ length: 255 }, (_, field) =>
  Math.ceil(8 - (field - 127) * Math.LOG10E * Math.LN2),
);
const SCALES = /* @__PURE__ */ Float64Array.from(POWERS, (power) => Number(`1e${power}`));
/** Half the distance to the next float32, scaled. */
const HALVES = /* @__PURE__ */ Float64Array.from(
  SCALES,
  (scale, field) => scale * 2 ** (field - 151),
);
const INVERSES = /* @__PURE__ */ Float64Array.from({ length: 11 }, (_, i) => Number(`1e-${i}`));
/** An end this close to a whole number may lie on either side of it. */
const UNSURE = 2 ** -19;

/**
 * Writes the number at `index` to `bytes` from `at` on and returns its end. NaN, Infinity and -Infinity are written as their
 * names. It takes arrays, because engines allocate a number that is passed to a function on the heap.
 * @param allBits An Int32Array over the memory of `values`.
 */
export function putFloat32(
  values: Float32Array,
  allBits: Int32Array,
  index: number,
  bytes: Uint8Array,
  at: number,
): number {
  const value = values[index] ?? 0;
  const bits = allBits[index] ?? 0;
  if (bits < 0 && !Number.isNaN(value)) bytes[at++] = MINUS;
  const size = Math.abs(value);
  if (size < 2 ** 31) {
    const whole = size | 0;
    if (whole === size) return putWhole(whole, bytes, at);
  }
  const field = (bits >>> 23) & 255;
  if (field === 0 || field === 255) return putText(size, bytes, at);

  const scaled = size * (SCALES[field] ?? 0);
  const half = HALVES[field] ?? 0;
  // Below a power of two, the next float32 is half as far away.
  const low = scaled - ((bits & 0x7fffff) === 0 && field > 1 ? half / 2 : half);
  const high = scaled + half;
  let first = low | 0;
  let last = high | 0;
  const below = low - first;
  const above = high - last;
  if (below < UNSURE || below > 1 - UNSURE || above < UNSURE || above > 1 - UNSURE) {
    return putText(size, bytes, at);
  }
  first++;
  // The whole numbers from `first` to `last` are inside.
  let dropped = 0;
  for (;;) {
    const shorterFirst = ((first + 9) / 10) | 0;
    const shorterLast = (last / 10) | 0;
    if (shorterFirst > shorterLast) break;
    first = shorterFirst;
    last = shorterLast;
    dropped++;
  }
  const nearest = (scaled * (INVERSES[dropped] ?? 0) + 0.5) | 0;
  const digits = nearest < first ? first : nearest > last ? last : nearest;
  return putScaled(digits, dropped - (POWERS[field] ?? 0), bytes, at);
}

const scratch = /* @__PURE__ */ new Uint8Array(MAX_NUMBER_BYTES + 1);
const oneFloat = /* @__PURE__ */ new Float32Array(1);
const itsBits = /* @__PURE__ */ new Int32Array(oneFloat.buffer);

/** The fewest characters that read back as the same float32. NaN, Infinity and -Infinity give their names. */
export function shortestFloat32(value: number): string {
  oneFloat[0] = value;
  const end = putFloat32(oneFloat, itsBits, 0, scratch, 0);
  return String.fromCharCode(...scratch.subarray(0, end));
}

/** digits · 10^power in the notation of JavaScript. */
function putScaled(digits: number, power: number, bytes: Uint8Array, at: number): number {
  const count = countDigits(digits);
  const beforePoint = count + power;
  if (beforePoint > 21 || beforePoint <= -6) {
    const end = putMantissa(digits, count, bytes, at);
    const exponent = beforePoint - 1;
    bytes[end] = LOWER_E;
    bytes[end + 1] = exponent < 0 ? MINUS : PLUS;
    return putWhole(Math.abs(exponent), bytes, end + 2);
  }
  if (power >= 0) {
    const end = putWhole(digits, bytes, at);
    bytes.fill(ZERO, end, end + power);
    return end + power;
  }
  if (beforePoint > 0) {
    const end = at + count + 1;
    putBefore(digits, bytes, end);
    // A loop takes less time than copyWithin for so few bytes.
    for (const point = at + beforePoint; at < point; at++) bytes[at] = bytes[at + 1] ?? ZERO;
    bytes[at] = POINT;
    return end;
  }
  bytes[at++] = ZERO;
  bytes[at++] = POINT;
  for (let i = beforePoint; i < 0; i++) bytes[at++] = ZERO;
  return putWhole(digits, bytes, at);
}

/** Digits with a point after the first. */
function putMantissa(digits: number, count: number, bytes: Uint8Array, at: number): number {
  if (count === 1) return putWhole(digits, bytes, at);
  const end = at + count + 1;
  putBefore(digits, bytes, end);
  bytes[at] = bytes[at + 1] ?? ZERO;
  bytes[at + 1] = POINT;
  return end;
}

/** A whole number below 2^31. */
function putWhole(value: number, bytes: Uint8Array, at: number): number {
  if (value < 10) {
    bytes[at] = ZERO + value;
    return at + 1;
  }
  const end = at + countDigits(value);
  putBefore(value, bytes, end);
  return end;
}

/** The digits of a whole number below 2^31, ending before `end`. */
function putBefore(value: number, bytes: Uint8Array, end: number): void {
  let left = value | 0;
  while (left >= 100) {
    const hundredth = (left / 100) | 0;
    const pair = 2 * (left - 100 * hundredth);
    bytes[--end] = PAIRS[pair + 1] ?? ZERO;
    bytes[--end] = PAIRS[pair] ?? ZERO;
    left = hundredth;
  }
  if (left >= 10) {
    bytes[--end] = PAIRS[2 * left + 1] ?? ZERO;
    left = (left / 10) | 0;
  }
  bytes[--end] = ZERO + left;
}

function countDigits(value: number): number {
  if (value < 1e5)
    return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : value < 1e4 ? 4 : 5;
  return value < 1e7 ? (value < 1e6 ? 6 : 7) : value < 1e8 ? 8 : value < 1e9 ? 9 : 10;
}

function putText(size: number, bytes: Uint8Array, at: number): number {
  const text = shortestByTrying(size);
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

/** Nine digits are always enough. Fewer than six are only tried for subnormals: others end in zeros at six digits. */
function shortestByTrying(size: number): string {
  let best = Number(size.toPrecision(9));
  const least = size < 2 ** -120 ? 1 : 6;
  for (let digits = 8; digits >= least; digits--) {
    const shorter = Number(size.toPrecision(digits));
    if (Math.fround(shorter) !== size) break;
    best = shorter;
  }
  return `${best}`;
}
