// Orthonormal rows or columns out of any full-rank matrix, whichever are fewer: Gram-Schmidt run twice
// in float64, which leaves them orthogonal to float32's last bit (Giraud et al. 2005).

/** Replaces the row-major `matrix` in place by an orthonormal one of the same span. */
export function orthogonalize(matrix: Float32Array, rows: number, columns: number): void {
  const count = Math.min(rows, columns);
  const length = Math.max(rows, columns);
  // Element j of vector i: along a row of a wide matrix, down a column of a tall one.
  const vectorStep = rows <= columns ? columns : 1;
  const elementStep = rows <= columns ? 1 : columns;
  const vectors = Array.from({ length: count }, (_, i) =>
    Float64Array.from({ length }, (_, j) => matrix[i * vectorStep + j * elementStep] as number),
  );
  vectors.forEach((vector, i) => {
    for (let pass = 0; pass < 2; pass++) {
      for (const earlier of vectors.slice(0, i)) addScaled(vector, earlier, -dot(vector, earlier));
    }
    const norm = Math.sqrt(dot(vector, vector));
    vector.forEach((value, j) => {
      vector[j] = value / norm;
      matrix[i * vectorStep + j * elementStep] = value / norm;
    });
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += (a[j] as number) * (b[j] as number);
  return sum;
}

function addScaled(target: Float64Array, source: Float64Array, factor: number): void {
  for (let j = 0; j < target.length; j++)
    target[j] = (target[j] as number) + factor * (source[j] as number);
}
