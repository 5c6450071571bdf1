// Products with a sparse matrix S [rows, units], stored by rows as in the CSR format. The kept elements of
// row r are starts[r] to starts[r + 1] - 1 in indices (units, ascending, u32) and in values. topK keeps k
// elements of every row, so there starts[r] = r * k.
//
// The order of every sum is fixed. It does not depend on which rows or units a call covers. Kernels that
// write by units read the lists transposed (the CSC format). invertLists builds those once for a batch.

import { loadLanes, storeLanes, sumLanes } from "./lanes";
import { madd } from "./simd";

/** Element i of a list of u32. */
// @ts-ignore: decorator
@inline
function listed(list: usize, i: usize): usize {
  return <usize>load<u32>(list + (i << 2));
}

// ---- sums of scaled rows ----

/**
 * One vector of y = (0, or y unless `fresh`) + the first `terms` of f0 * a0, f1 * a1, ... in order.
 */
// @ts-ignore: decorator
@inline
function sumVector(
  terms: i32,
  fresh: bool,
  lanes: usize,
  f0: v128,
  a0: usize,
  f1: v128,
  a1: usize,
  f2: v128,
  a2: usize,
  f3: v128,
  a3: usize,
  y: usize,
): void {
  let sum = fresh ? f32x4.splat(0) : loadLanes(y, lanes);
  sum = madd(f0, loadLanes(a0, lanes), sum);
  if (terms > 1) sum = madd(f1, loadLanes(a1, lanes), sum);
  if (terms > 2) {
    sum = madd(f2, loadLanes(a2, lanes), sum);
    sum = madd(f3, loadLanes(a3, lanes), sum);
  }
  storeLanes(y, sum, lanes);
}

/** The same for a row of `cols` floats. The factors are at the addresses f0 to f3. */
// @ts-ignore: decorator
@inline
function sumRow(
  terms: i32,
  fresh: bool,
  cols: usize,
  f0: usize,
  a0: usize,
  f1: usize,
  a1: usize,
  f2: usize,
  a2: usize,
  f3: usize,
  a3: usize,
  y: usize,
): void {
  const g0 = v128.load32_splat(f0);
  const g1 = v128.load32_splat(f1);
  const g2 = v128.load32_splat(f2);
  const g3 = v128.load32_splat(f3);
  const vectorBytes = (cols >> 2) << 4;
  let j: usize = 0;
  for (; j < vectorBytes; j += 16) {
    sumVector(terms, fresh, 4, g0, a0 + j, g1, a1 + j, g2, a2 + j, g3, a3 + j, y + j);
  }
  const tail = cols & 3;
  if (tail) sumVector(terms, fresh, tail, g0, a0 + j, g1, a1 + j, g2, a2 + j, g3, a3 + j, y + j);
}

function sumOfFour(
  fresh: bool,
  cols: usize,
  f0: usize,
  a0: usize,
  f1: usize,
  a1: usize,
  f2: usize,
  a2: usize,
  f3: usize,
  a3: usize,
  y: usize,
): void {
  if (fresh) sumRow(4, true, cols, f0, a0, f1, a1, f2, a2, f3, a3, y);
  else sumRow(4, false, cols, f0, a0, f1, a1, f2, a2, f3, a3, y);
}

function sumOfTwo(
  fresh: bool,
  cols: usize,
  f0: usize,
  a0: usize,
  f1: usize,
  a1: usize,
  y: usize,
): void {
  if (fresh) sumRow(2, true, cols, f0, a0, f1, a1, f0, a0, f0, a0, y);
  else sumRow(2, false, cols, f0, a0, f1, a1, f0, a0, f0, a0, y);
}

function sumOfOne(fresh: bool, cols: usize, f0: usize, a0: usize, y: usize): void {
  if (fresh) sumRow(1, true, cols, f0, a0, f0, a0, f0, a0, f0, a0, y);
  else sumRow(1, false, cols, f0, a0, f0, a0, f0, a0, f0, a0, y);
}

/** y = beta * y, for a beta that is neither 0 nor 1. */
function scaleRow(cols: usize, beta: f32, y: usize): void {
  for (const end = y + (cols << 2); y < end; y += 4) store<f32>(y, beta * load<f32>(y));
}

/**
 * Y[rows, cols] = S * W + beta * Y with W [units, cols]. It decodes the kept units. With the gradients of
 * the kept units as values, it gives the gradient at the layer's input. With beta 0, Y is not read. The
 * terms of a row are added in the order of its list. Y must not overlap another array.
 */
export function sparseNN(
  rows: usize,
  cols: usize,
  starts: usize,
  indices: usize,
  values: usize,
  w: usize,
  ldw: usize,
  beta: f32,
  y: usize,
  ldy: usize,
): void {
  const row = ldw << 2;
  for (; rows; rows--) {
    let i = listed(starts, 0);
    const end = listed(starts, 1);
    let fresh = beta == 0;
    if (fresh && i == end) memory.fill(y, 0, cols << 2);
    if (beta != 0 && beta != 1) scaleRow(cols, beta, y);
    for (; i + 4 <= end; i += 4) {
      const f = values + (i << 2);
      const a0 = w + listed(indices, i) * row;
      const a1 = w + listed(indices, i + 1) * row;
      const a2 = w + listed(indices, i + 2) * row;
      const a3 = w + listed(indices, i + 3) * row;
      sumOfFour(fresh, cols, f, a0, f + 4, a1, f + 8, a2, f + 12, a3, y);
      fresh = false;
    }
    for (; i < end; i++) {
      sumOfOne(fresh, cols, values + (i << 2), w + listed(indices, i) * row, y);
      fresh = false;
    }
    starts += 4;
    y += ldy << 2;
  }
}

// ---- dot products of kept pairs ----

/**
 * The dot products of a with b0 to b3. Each adds even and odd vectors in two partial sums, then the partial
 * sums, then the lanes ((0 + 2) + (1 + 3)), and last the remaining cols % 8 products one by one.
 */
// @ts-ignore: decorator
@inline
function dotsOf(
  four: bool,
  cols: usize,
  a: usize,
  b0: usize,
  b1: usize,
  b2: usize,
  b3: usize,
  out: usize,
): void {
  const zero = f32x4.splat(0);
  let s0 = zero;
  let s1 = zero;
  let s2 = zero;
  let s3 = zero;
  let t0 = zero;
  let t1 = zero;
  let t2 = zero;
  let t3 = zero;
  const pairBytes = (cols >> 3) << 5;
  let j: usize = 0;
  for (; j < pairBytes; j += 32) {
    const x = v128.load(a + j);
    s0 = madd(x, v128.load(b0 + j), s0);
    if (four) {
      s1 = madd(x, v128.load(b1 + j), s1);
      s2 = madd(x, v128.load(b2 + j), s2);
      s3 = madd(x, v128.load(b3 + j), s3);
    }
    const y = v128.load(a + j, 16);
    t0 = madd(y, v128.load(b0 + j, 16), t0);
    if (four) {
      t1 = madd(y, v128.load(b1 + j, 16), t1);
      t2 = madd(y, v128.load(b2 + j, 16), t2);
      t3 = madd(y, v128.load(b3 + j, 16), t3);
    }
  }
  store<f32>(out, withRest(cols, j, a, b0, f32x4.add(s0, t0)));
  if (four) {
    store<f32>(out, withRest(cols, j, a, b1, f32x4.add(s1, t1)), 4);
    store<f32>(out, withRest(cols, j, a, b2, f32x4.add(s2, t2)), 8);
    store<f32>(out, withRest(cols, j, a, b3, f32x4.add(s3, t3)), 12);
  }
}

// @ts-ignore: decorator
@inline
function withRest(cols: usize, j: usize, a: usize, b: usize, strands: v128): f32 {
  let sum = sumLanes(strands);
  for (; j < cols << 2; j += 4) sum += load<f32>(a + j) * load<f32>(b + j);
  return sum;
}

/**
 * out[e] = A[r,:] . W[indices[e],:] for every kept element e of every row r. These are the elements of
 * A * W^T at the places of S: the gradient at the kept units of the code. out is ordered like the lists.
 */
export function sampledNT(
  rows: usize,
  cols: usize,
  starts: usize,
  indices: usize,
  a: usize,
  lda: usize,
  w: usize,
  ldw: usize,
  out: usize,
): void {
  const row = ldw << 2;
  for (; rows; rows--) {
    let i = listed(starts, 0);
    const end = listed(starts, 1);
    for (; i + 4 <= end; i += 4) {
      const b0 = w + listed(indices, i) * row;
      const b1 = w + listed(indices, i + 1) * row;
      const b2 = w + listed(indices, i + 2) * row;
      const b3 = w + listed(indices, i + 3) * row;
      dotsOf(true, cols, a, b0, b1, b2, b3, out + (i << 2));
    }
    for (; i < end; i++) {
      const b = w + listed(indices, i) * row;
      dotsOf(false, cols, a, b, b, b, b, out + (i << 2));
    }
    starts += 4;
    a += lda << 2;
  }
}

// ---- by units ----

/**
 * Transposes the lists by a counting sort. The elements of unit u are unitStarts[u] to unitStarts[u + 1] - 1
 * in entryRows (the row) and in entries (the index into the lists by rows), rows ascending. unitStarts has
 * units + 1 elements (u32), the others have one for every kept element.
 */
export function invertLists(
  rows: usize,
  units: usize,
  starts: usize,
  indices: usize,
  unitStarts: usize,
  entryRows: usize,
  entries: usize,
): void {
  // Element u + 1 first counts the entries of unit u. Then it is the position of the next entry of the unit.
  // At the end it is the end of the unit's list.
  memory.fill(unitStarts, 0, (units + 1) << 2);
  const next = unitStarts + 4;
  for (let i = listed(starts, 0); i < listed(starts, rows); i++) {
    const count = next + (listed(indices, i) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
  let total: u32 = 0;
  for (let u: usize = 0; u < units; u++) {
    const count = load<u32>(next + (u << 2));
    store<u32>(next + (u << 2), total);
    total += count;
  }
  for (let r: usize = 0; r < rows; r++) {
    for (let i = listed(starts, r); i < listed(starts, r + 1); i++) {
      const place = next + (listed(indices, i) << 2);
      const to = load<u32>(place);
      store<u32>(place, to + 1);
      store<u32>(entryRows + (<usize>to << 2), <u32>r);
      store<u32>(entries + (<usize>to << 2), <u32>i);
    }
  }
}

/**
 * dW[units, cols] = S^T * Y + T^T * X + beta * dW. T has the same places as S and the values moreValues.
 * With moreValues 0 there is only S^T * Y. S^T * Y with the kept values and the gradient at the output is
 * the gradient of the decoder's use of a tied weight. T^T * X with the gradients of the kept units and the
 * layer's input is the gradient of the encoder's use. For every unit the rows are ascending, and within a
 * row S^T * Y is added first. With beta 0, dW is not read, and units that no row keeps become 0. With beta 1
 * only kept units change.
 */
export function sparseTN(
  units: usize,
  cols: usize,
  unitStarts: usize,
  entryRows: usize,
  entries: usize,
  values: usize,
  y: usize,
  ldy: usize,
  moreValues: usize,
  x: usize,
  ldx: usize,
  beta: f32,
  dw: usize,
  ldw: usize,
): void {
  const yRow = ldy << 2;
  const xRow = ldx << 2;
  for (; units; units--) {
    let i = listed(unitStarts, 0);
    const end = listed(unitStarts, 1);
    let fresh = beta == 0;
    if (fresh && i == end) memory.fill(dw, 0, cols << 2);
    if (beta != 0 && beta != 1) scaleRow(cols, beta, dw);
    if (moreValues) {
      for (; i + 2 <= end; i += 2) {
        const e0 = listed(entries, i) << 2;
        const e1 = listed(entries, i + 1) << 2;
        const r0 = listed(entryRows, i);
        const r1 = listed(entryRows, i + 1);
        const y1 = y + r1 * yRow;
        const x1 = x + r1 * xRow;
        const first = values + e0;
        const second = moreValues + e0;
        const third = values + e1;
        const fourth = moreValues + e1;
        sumOfFour(
          fresh, cols, first, y + r0 * yRow, second, x + r0 * xRow, third, y1, fourth, x1, dw,
        );
        fresh = false;
      }
      if (i < end) {
        const e = listed(entries, i) << 2;
        const r = listed(entryRows, i);
        sumOfTwo(fresh, cols, values + e, y + r * yRow, moreValues + e, x + r * xRow, dw);
      }
    } else {
      for (; i < end; i++) {
        const e = listed(entries, i) << 2;
        sumOfOne(fresh, cols, values + e, y + listed(entryRows, i) * yRow, dw);
        fresh = false;
      }
    }
    unitStarts += 4;
    dw += ldw << 2;
  }
}

/** out[u] = the sum of the values of unit u, rows ascending, + beta * out[u]. With beta 0, out is not read. */
export function sparseColumnSums(
  units: usize,
  unitStarts: usize,
  entries: usize,
  values: usize,
  beta: f32,
  out: usize,
): void {
  for (; units; units--) {
    let sum: f32 = 0;
    for (let i = listed(unitStarts, 0); i < listed(unitStarts, 1); i++) {
      sum += load<f32>(values + (listed(entries, i) << 2));
    }
    store<f32>(out, beta == 0 ? sum : sum + beta * load<f32>(out));
    unitStarts += 4;
    out += 4;
  }
}

// ---- between lists and matrices ----

/** out[e] = A[r, indices[e]] for every kept element e of every row r. With lda 0 all rows read the same row of A. */
export function sparseGather(
  rows: usize,
  starts: usize,
  indices: usize,
  a: usize,
  lda: usize,
  out: usize,
): void {
  for (; rows; rows--) {
    for (let i = listed(starts, 0); i < listed(starts, 1); i++) {
      store<f32>(out + (i << 2), load<f32>(a + (listed(indices, i) << 2)));
    }
    starts += 4;
    a += lda << 2;
  }
}

/** S as a dense matrix: out [rows, units], contiguous, with zeros where nothing is kept. */
export function sparseScatter(
  rows: usize,
  units: usize,
  starts: usize,
  indices: usize,
  values: usize,
  out: usize,
): void {
  memory.fill(out, 0, (rows * units) << 2);
  for (; rows; rows--) {
    for (let i = listed(starts, 0); i < listed(starts, 1); i++) {
      store<f32>(out + (listed(indices, i) << 2), load<f32>(values + (i << 2)));
    }
    starts += 4;
    out += units << 2;
  }
}

// ---- units that no row keeps ----

/**
 * idle[u] (u32) = 0 if one of the `count` kept elements is unit u with a value above `least`. Otherwise
 * idle[u] grows by `rows`, up to 2^32 - 1.
 */
export function countIdle(
  rows: u32,
  units: usize,
  count: usize,
  indices: usize,
  values: usize,
  least: f32,
  idle: usize,
): void {
  for (let u: usize = 0; u < units << 2; u += 4) {
    const before = load<u32>(idle + u);
    store<u32>(idle + u, before + min<u32>(rows, ~before));
  }
  for (let i: usize = 0; i < count; i++) {
    if (load<f32>(values + (i << 2)) > least) store<u32>(idle + (listed(indices, i) << 2), 0);
  }
}

/** Lists the units with idle[u] >= after (u32, ascending) and returns their number. */
export function listIdle(units: usize, idle: usize, after: u32, out: usize): usize {
  const start = out;
  for (let u: usize = 0; u < units; u++) {
    if (load<u32>(idle + (u << 2)) < after) continue;
    store<u32>(out, <u32>u);
    out += 4;
  }
  return (out - start) >> 2;
}
