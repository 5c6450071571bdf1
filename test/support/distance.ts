/** max|a-b| / max|b|; where the reference is all zero, 0 up to |a| = 1e-7 and infinite above. */
export function relativeDistance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const distance = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(distance)) return Infinity;
    worst = Math.max(worst, distance);
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  if (largest === 0) return worst <= 1e-7 ? 0 : Infinity;
  return worst / largest;
}
