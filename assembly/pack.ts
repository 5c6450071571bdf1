// Packing: copies a block of an operand in the order in which the micro-kernel reads it. A panel of W
// columns holds the W elements of one step of k next to each other, step after step. So the micro-kernel
// needs one pointer, and at an edge it reads nothing outside of the matrix.

/** A panel of 8 from a matrix whose rows are the steps of k: dst[p][j] = src[p * row + j]. */
export function packRows8(k: usize, cols: usize, src: usize, row: usize, dst: usize): void {
  packRows(8, k, cols, src, row, dst);
}

/** The same for a panel of 6. */
export function packRows6(k: usize, cols: usize, src: usize, row: usize, dst: usize): void {
  packRows(6, k, cols, src, row, dst);
}

/** The same for a panel of 4. */
export function packRows4(k: usize, cols: usize, src: usize, row: usize, dst: usize): void {
  packRows(4, k, cols, src, row, dst);
}

/** A panel of 8 from a matrix whose columns are the steps of k: dst[p][j] = src[j * row + p]. */
export function packColumns8(k: usize, cols: usize, src: usize, row: usize, dst: usize): void {
  packColumns(8, k, cols, src, row, dst);
}

/** The same for a panel of 4. */
export function packColumns4(k: usize, cols: usize, src: usize, row: usize, dst: usize): void {
  packColumns(4, k, cols, src, row, dst);
}

/**
 * 1 <= cols <= W columns exist. The other columns of the panel hold the values that follow in memory, or 0
 * after the end of the matrix. Their results are never stored.
 */
// @ts-ignore: decorator
@inline
function packRows(W: usize, k: usize, cols: usize, src: usize, row: usize, dst: usize): void {
  const end = src + (k - 1) * row + (cols << 2);
  for (; src + (W << 2) <= end; --k) {
    v128.store(dst, v128.load(src));
    if (W == 6) store<u64>(dst, load<u64>(src, 16), 16);
    if (W == 8) v128.store(dst, v128.load(src, 16), 16);
    src += row;
    dst += W << 2;
  }
  for (; k; --k) {
    for (let j: usize = 0; j < W << 2; j += 4) {
      store<f32>(dst + j, src + j < end ? load<f32>(src + j) : 0);
    }
    src += row;
    dst += W << 2;
  }
}

/** 1 <= cols <= W columns exist. The others repeat the last one. Their results are never stored. */
// @ts-ignore: decorator
@inline
function packColumns(W: usize, k: usize, cols: usize, src: usize, row: usize, dst: usize): void {
  const last = src + (cols - 1) * row;
  for (let j: usize = 0; j < W; j += 4) {
    let s0 = min(src, last);
    let s1 = min(src + row, last);
    let s2 = min(src + 2 * row, last);
    let s3 = min(src + 3 * row, last);
    let d = dst + (j << 2);
    let p = k;
    for (; p >= 4; p -= 4) {
      const r0 = v128.load(s0);
      const r1 = v128.load(s1);
      const r2 = v128.load(s2);
      const r3 = v128.load(s3);
      const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const t1 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const t2 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      v128.store(d, v128.shuffle<f64>(t0, t2, 0, 2));
      if (W == 8) {
        v128.store(d, v128.shuffle<f64>(t0, t2, 1, 3), 32);
        v128.store(d, v128.shuffle<f64>(t1, t3, 0, 2), 64);
        v128.store(d, v128.shuffle<f64>(t1, t3, 1, 3), 96);
      } else {
        v128.store(d, v128.shuffle<f64>(t0, t2, 1, 3), 16);
        v128.store(d, v128.shuffle<f64>(t1, t3, 0, 2), 32);
        v128.store(d, v128.shuffle<f64>(t1, t3, 1, 3), 48);
      }
      s0 += 16;
      s1 += 16;
      s2 += 16;
      s3 += 16;
      d += W << 4;
    }
    for (; p; --p) {
      store<f32>(d, load<f32>(s0));
      store<f32>(d, load<f32>(s1), 4);
      store<f32>(d, load<f32>(s2), 8);
      store<f32>(d, load<f32>(s3), 12);
      s0 += 4;
      s1 += 4;
      s2 += 4;
      s3 += 4;
      d += W << 2;
    }
    src += row << 2;
  }
}
