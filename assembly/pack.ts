// Packing: copies of a block of A or B in the order in which the micro-kernel reads it, so that it
// walks memory with one pointer and never reads outside a matrix at an edge.

import { MR, NR } from "./microkernel";

/**
 * Panel of NR columns from rows that hold them side by side: dst[p][j] = src[p * row + j] for p < k.
 * cols <= NR columns exist; the rest are zero.
 */
export function packRows(k: usize, cols: usize, src: usize, row: usize, dst: usize): void {
  if (cols == NR) {
    for (; k; --k) {
      v128.store(dst, v128.load(src));
      v128.store(dst, v128.load(src, 16), 16);
      v128.store(dst, v128.load(src, 32), 32);
      v128.store(dst, v128.load(src, 48), 48);
      src += row;
      dst += NR << 2;
    }
    return;
  }
  for (; k; --k) {
    for (let j: usize = 0; j < NR; ++j) {
      store<f32>(dst + (j << 2), j < cols ? load<f32>(src + (j << 2)) : 0);
    }
    src += row;
    dst += NR << 2;
  }
}

/**
 * The same panel from a transposed matrix: dst[p][j] = src[j * row + p] for p < k. Columns from
 * `cols` on repeat the last one: their results are never stored.
 */
export function packColumns(k: usize, cols: usize, src: usize, row: usize, dst: usize): void {
  const last = src + (cols - 1) * row;
  for (let j: usize = 0; j < NR; j += 4) {
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
      v128.store(d, v128.shuffle<f64>(t0, t2, 1, 3), NR << 2);
      v128.store(d, v128.shuffle<f64>(t1, t3, 0, 2), NR << 3);
      v128.store(d, v128.shuffle<f64>(t1, t3, 1, 3), (NR << 3) + (NR << 2));
      s0 += 16;
      s1 += 16;
      s2 += 16;
      s3 += 16;
      d += NR << 4;
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
      d += NR << 2;
    }
    src += row << 2;
  }
}

/**
 * Panels of MR rows of a transposed A: element (i, p) = src[p * row + i], i < m, p < k, goes to
 * panel i / MR, place p * MR + i % MR. An odd last row is paired with zero.
 */
export function packPairs(k: usize, m: usize, src: usize, row: usize, dst: usize): void {
  const panel = (k * MR) << 2;
  for (let p: usize = 0; p < k; ++p) {
    let s = src;
    let d = dst;
    let i = m;
    for (; i >= MR; i -= MR) {
      store<u64>(d, load<u64>(s));
      s += MR << 2;
      d += panel;
    }
    if (i) store<u64>(d, <u64>load<u32>(s));
    src += row;
    dst += MR << 2;
  }
}
