// Selects the k largest elements of each row. A selection is a list of the kept elements, ascending by index,
// and optionally the row with zeros elsewhere. sparse.ts computes with selections.
//
// Values are compared with their sign. 0 and -0 are equal. NaN ranks above every number, as in PyTorch. Of
// equal values, those with lower indices are kept. The time is linear in the length of the row for any values.

/** Elements per group. The first bound uses the largest element of each group. 16 vectors hold 4 groups. */
const GROUP: usize = 16;
/** Bytes of the 256 counters, one per digit. */
const COUNTS: usize = 1024;
/** The key of every NaN. */
const NAN_KEY: u32 = 0xffff_ffff;

/** Bytes of workspace for a selection from up to `units` elements. */
export function topKWorkspace(units: usize): usize {
  return COUNTS + (units << 2);
}

// ---- keys: unsigned numbers in the order of the floats ----

// @ts-ignore: decorator
@inline
function keyOf(x: f32): u32 {
  if (x != x) return NAN_KEY;
  const bits = reinterpret<i32>(x + 0); // -0 becomes 0
  return bits ^ ((bits >> 31) | i32.MIN_VALUE);
}

// @ts-ignore: decorator
@inline
function valueOf(key: u32): f32 {
  return reinterpret<f32>(key >> 31 ? key ^ 0x8000_0000 : ~key);
}

/** Converts `count` floats at `from` to keys at `to`, which may be `from`. */
function toKeys(count: usize, from: usize, to: usize): void {
  for (const end = from + (count << 2); from < end; from += 4) {
    store<u32>(to, keyOf(load<f32>(from)));
    to += 4;
  }
}

/**
 * Returns the key of rank `rank` (1 is the largest) among `count` keys in the low half. The high half is the
 * number of keys equal to it among the `rank` largest. A radix select: it takes digits of eight bits from the
 * top, and after each digit only the keys with the same digits remain. Keys are overwritten.
 */
function select(keys: usize, count: usize, rank: u32, counts: usize): u64 {
  let shift: u32 = 24;
  while (true) {
    memory.fill(counts, 0, COUNTS);
    const end = keys + (count << 2);
    for (let p = keys; p < end; p += 4) {
      const place = counts + (((load<u32>(p) >> shift) & 255) << 2);
      store<u32>(place, load<u32>(place) + 1);
    }
    let digit: u32 = 255;
    let same = load<u32>(counts + (digit << 2));
    for (; same < rank; same = load<u32>(counts + (digit << 2))) {
      rank -= same;
      digit--;
    }
    if (same != <u32>count) {
      let to = keys;
      for (let p = keys; p < end; p += 4) {
        const key = load<u32>(p);
        store<u32>(to, key);
        to += usize(((key >> shift) & 255) == digit) << 2;
      }
      count = same;
    }
    if (!shift || same == 1) return (<u64>rank << 32) | load<u32>(keys);
    shift -= 8;
  }
}

// ---- scans of 16 elements at a time ----

/** All ones where x is not below `bound`. Where `ties` has ones, x must not be equal to it either. */
// @ts-ignore: decorator
@inline
function notBelow(x: v128, bound: v128, ties: v128): v128 {
  return v128.andnot(v128.not(f32x4.lt(x, bound)), v128.and(f32x4.eq(x, bound), ties));
}

/** The same for the n <= 16 floats at p, one bit each. */
// @ts-ignore: decorator
@inline
function notBelowBits(n: usize, p: usize, bound: v128, ties: v128): u32 {
  if (n == 16) {
    const m0 = notBelow(v128.load(p), bound, ties);
    const m1 = notBelow(v128.load(p, 16), bound, ties);
    const m2 = notBelow(v128.load(p, 32), bound, ties);
    const m3 = notBelow(v128.load(p, 48), bound, ties);
    const front = i16x8.narrow_i32x4_s(m0, m1);
    return i8x16.bitmask(i8x16.narrow_i16x8_s(front, i16x8.narrow_i32x4_s(m2, m3)));
  }
  let bits: u32 = 0;
  for (let i: u32 = 0; i < <u32>n; i++) {
    const x = v128.load32_splat(p + (<usize>i << 2));
    bits |= u32(i32x4.bitmask(notBelow(x, bound, ties)) & 1) << i;
  }
  return bits;
}

/** Stores the keys of all elements above `bound` and returns their number. */
function keysAbove(count: usize, x: usize, bound: f32, keys: usize): usize {
  const b = f32x4.splat(bound);
  const ties = i32x4.splat(-1);
  const start = keys;
  while (count) {
    const n = min<usize>(count, 16);
    for (let bits = notBelowBits(n, x, b, ties); bits; bits &= bits - 1) {
      store<u32>(keys, keyOf(load<f32>(x + (<usize>ctz(bits) << 2))));
      keys += 4;
    }
    x += n << 2;
    count -= n;
  }
  return (keys - start) >> 2;
}

/** Stores the largest element of each group of 16, for every four complete groups. Returns their number. */
function largestOfGroups(count: usize, x: usize, out: usize): usize {
  const start = out;
  for (let sixteens = count / (4 * GROUP); sixteens; sixteens--) {
    let largest = v128.load(x);
    for (let i: usize = 0; i < 256; i += 64) {
      largest = f32x4.pmax(largest, v128.load(x + i));
      largest = f32x4.pmax(largest, v128.load(x + i, 16));
      largest = f32x4.pmax(largest, v128.load(x + i, 32));
      largest = f32x4.pmax(largest, v128.load(x + i, 48));
    }
    v128.store(out, largest);
    x += 256;
    out += 16;
  }
  return (out - start) >> 2;
}

/**
 * Returns the key of the k-th largest of `count` >= k >= 1 elements in the low half. The high half is the number
 * of elements equal to it that are kept. The k-th largest of the groups' largest elements is a lower bound,
 * because k groups reach it. Few elements lie above it: about 40 for k = 32 of 6,144. If fewer than k elements
 * lie above it, the bound is the result.
 */
function thresholdOf(count: usize, k: usize, x: usize, workspace: usize): u64 {
  const keys = workspace + COUNTS;
  if (k > (count / (4 * GROUP)) << 2) {
    toKeys(count, x, keys);
    return select(keys, count, <u32>k, workspace);
  }
  const groups = largestOfGroups(count, x, keys);
  toKeys(groups, keys, keys);
  const bound = <u32>select(keys, groups, <u32>k, workspace);
  const above = keysAbove(count, x, valueOf(bound), keys);
  if (above < k) return (<u64>(k - above) << 32) | bound;
  return select(keys, above, <u32>k, workspace);
}

/** Lists the elements above a threshold and the first `ties` elements equal to it, `k` in all. */
function listKept(
  k: usize,
  x: usize,
  count: usize,
  threshold: u64,
  indices: usize,
  values: usize,
): void {
  const key = <u32>threshold;
  let ties = <u32>(threshold >> 32);
  const end = values + (k << 2);
  if (key == NAN_KEY) {
    for (let i: u32 = 0; values < end; i++) {
      const value = load<f32>(x + (<usize>i << 2));
      if (value == value) continue;
      store<f32>(values, value);
      store<u32>(indices, i);
      values += 4;
      indices += 4;
    }
    return;
  }
  const bound = valueOf(key);
  const b = f32x4.splat(bound);
  let enough = i32x4.splat(0);
  for (let i: u32 = 0; values < end; i += 16) {
    const at = x + (<usize>i << 2);
    const n = min<usize>(count - i, 16);
    for (let bits = notBelowBits(n, at, b, enough); bits; bits &= bits - 1) {
      const j = ctz(bits);
      const value = load<f32>(at + (<usize>j << 2));
      if (value == bound) {
        if (!ties) continue;
        ties--;
        if (!ties) enough = i32x4.splat(-1);
      }
      store<f32>(values, value);
      store<u32>(indices, i + j);
      values += 4;
      indices += 4;
    }
  }
}

/** The selection of one row. */
function selectRow(
  units: usize,
  k: usize,
  x: usize,
  indices: usize,
  values: usize,
  workspace: usize,
): void {
  if (!k) return;
  const threshold = thresholdOf(units, k, x, workspace);
  listKept(k, x, units, threshold, indices, values);
}

/**
 * Keeps the k <= units largest elements of every row of h [rows, units]. indices (u32) and values [rows, k]
 * list them, ascending by index. out, unless it is 0, has them in their places and zeros elsewhere. out may
 * be h. workspace has topKWorkspace(units) bytes, aligned to 16. With rows = 1 it selects from a whole batch;
 * rowStarts then finds the rows.
 */
export function topK(
  rows: usize,
  units: usize,
  k: usize,
  h: usize,
  out: usize,
  indices: usize,
  values: usize,
  workspace: usize,
): void {
  const rowBytes = units << 2;
  for (; rows; rows--) {
    selectRow(units, k, h, indices, values, workspace);
    if (out) {
      memory.fill(out, 0, rowBytes);
      for (let i: usize = 0; i < k << 2; i += 4) {
        store<f32>(out + (<usize>load<u32>(indices + i) << 2), load<f32>(values + i));
      }
      out += rowBytes;
    }
    h += rowBytes;
    indices += k << 2;
    values += k << 2;
  }
}

/**
 * topK among the units that `among` lists: `count` indices (u32), ascending, k <= count. workspace has
 * topKWorkspace(2 * count) bytes, aligned to 16.
 */
export function topKAmong(
  rows: usize,
  units: usize,
  k: usize,
  h: usize,
  among: usize,
  count: usize,
  indices: usize,
  values: usize,
  workspace: usize,
): void {
  const gathered = workspace + topKWorkspace(count);
  for (; rows; rows--) {
    for (let i: usize = 0; i < count << 2; i += 4) {
      store<u32>(gathered + i, load<u32>(h + (<usize>load<u32>(among + i) << 2)));
    }
    selectRow(count, k, gathered, indices, values, workspace);
    for (let i: usize = 0; i < k; i++) {
      store<u32>(indices, load<u32>(among + (<usize>load<u32>(indices) << 2)));
      indices += 4;
    }
    h += units << 2;
    values += k << 2;
  }
}

/**
 * Converts ascending indices of elements of a whole batch to units: index = index mod units. The list of row
 * r is then starts[r] to starts[r + 1] - 1; starts is [rows + 1] (u32).
 */
export function rowStarts(
  rows: usize,
  units: usize,
  count: usize,
  indices: usize,
  starts: usize,
): void {
  let i: usize = 0;
  let first: u32 = 0;
  for (let row: usize = 0; row < rows; row++) {
    store<u32>(starts + (row << 2), <u32>i);
    for (; i < count; i++) {
      const unit = load<u32>(indices + (i << 2)) - first;
      if (unit >= <u32>units) break;
      store<u32>(indices + (i << 2), unit);
    }
    first += <u32>units;
  }
  store<u32>(starts + (rows << 2), <u32>count);
}

/** The smallest of the values above 0, or 0 if there is none. */
export function smallestPositive(count: usize, values: usize): f32 {
  let smallest: f32 = 0;
  for (const end = values + (count << 2); values < end; values += 4) {
    const value = load<f32>(values);
    if (value > 0 && !(smallest > 0 && smallest <= value)) smallest = value;
  }
  return smallest;
}

/**
 * Keeps the elements of h [rows, units] that are greater than theta or NaN, and returns their number. out,
 * unless it is 0, has them in their places and zeros elsewhere. out may be h. If `capacity` is enough for all,
 * starts [rows + 1], indices and values list them as topK and rowStarts do. If it is not, the lists are
 * incomplete and must not be read.
 */
export function keepAbove(
  rows: usize,
  units: usize,
  theta: f32,
  h: usize,
  out: usize,
  starts: usize,
  indices: usize,
  values: usize,
  capacity: usize,
): usize {
  const bound = f32x4.splat(theta);
  const ties = i32x4.splat(-1);
  let kept: usize = 0;
  for (; rows; rows--) {
    store<u32>(starts, <u32>kept);
    starts += 4;
    for (let i: u32 = 0; i < <u32>units; i += 16) {
      const n = min<usize>(units - i, 16);
      let bits = notBelowBits(n, h, bound, ties);
      const all = bits;
      for (; bits && kept < capacity; bits &= bits - 1) {
        const j = ctz(bits);
        store<u32>(indices + (kept << 2), i + j);
        store<u32>(values + (kept << 2), load<u32>(h + (<usize>j << 2)));
        kept++;
      }
      kept += popcnt(bits);
      if (out) {
        for (let j: usize = 0; j < n; j++) {
          const mask: u32 = (all >> <u32>j) & 1 ? 0xffff_ffff : 0;
          store<u32>(out + (j << 2), load<u32>(h + (j << 2)) & mask);
        }
        out += n << 2;
      }
      h += n << 2;
    }
  }
  store<u32>(starts, <u32>kept);
  return kept;
}
