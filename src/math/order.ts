// Order statistics: sorted copies, counts by binary search, and quantiles as numpy defines them.

/** Element `i`, which must exist. */
export function at(values: ArrayLike<number>, i: number): number {
  const value = values[i];
  if (value === undefined) throw new RangeError(`index ${i} is outside of ${values.length} values`);
  return value;
}

/** A sorted copy, smallest first. */
export function ascending(values: ArrayLike<number>): Float64Array {
  return new Float64Array(values).sort();
}

/** The indices that sort the values, smallest value first. Equal values keep their order. */
export function ascendingOrder(values: ArrayLike<number>): Uint32Array {
  const order = new Uint32Array(values.length).map((_, i) => i);
  return order.sort((a, b) => at(values, a) - at(values, b) || a - b);
}

/** The positions, rising, of the `count` smallest values. Of equal values the first are taken; NaN counts as infinite. */
export function smallest(values: ArrayLike<number>, count: number): Uint32Array {
  const sizes = new Float64Array(values);
  for (let i = 0; i < sizes.length; i++) if (Number.isNaN(sizes[i])) sizes[i] = Infinity;
  const sorted = sizes.slice().sort();
  const positions = new Uint32Array(Math.min(count, sizes.length));
  const limit = sorted[positions.length - 1] ?? Infinity;
  let ties = positions.length - countBelow(sorted, limit);
  let filled = 0;
  for (let i = 0; filled < positions.length; i++) {
    const size = at(sizes, i);
    if (size < limit || (size === limit && ties-- > 0)) positions[filled++] = i;
  }
  return positions;
}

/** How many of the ascending values are less than `x`. */
export function countBelow(sorted: Float64Array, x: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(sorted, middle) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many of the ascending values are at most `x`. */
export function countUpTo(sorted: Float64Array, x: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(sorted, middle) <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The quantile `q` in [0, 1] of ascending values, bit-identical to numpy's method "linear": an interpolation
 * between the two neighbours of the place q (n - 1). NaN if there are no values.
 */
export function sortedQuantile(sorted: Float64Array, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = q * (sorted.length - 1);
  const below = Math.min(Math.floor(place), sorted.length - 1);
  const low = at(sorted, below);
  const high = at(sorted, Math.min(below + 1, sorted.length - 1));
  const share = place - below;
  if (low === high || share === 0) return low; // infinite neighbours have no step between them
  const step = high - low;
  return share < 0.5 ? low + step * share : high - step * (1 - share);
}

/** The median: the middle value of `values`, or the mean of the two middle values. */
export function median(values: ArrayLike<number>): number {
  return sortedQuantile(ascending(values), 0.5);
}
