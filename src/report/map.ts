// Codes as points of the plane. Codes of one or two units are used directly. Others are projected on their two leading
// principal components, found by power iteration on the covariance of the codes.

export interface CodeMap {
  /** [count, 2] */
  readonly points: Float32Array;
  /** What the axes are, as a sentence. */
  readonly says: string;
  /** The names of the axes. */
  readonly axisNames: readonly [horizontal: string, vertical: string];
}

const ROUNDS = 60;

/** `codes` [count, units] as points. */
export function mapCodes(codes: Float32Array, count: number, units: number): CodeMap {
  const points = new Float32Array(2 * count);
  if (units <= 2) {
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < units; j++) points[2 * i + j] = codes[i * units + j] ?? 0;
    }
    return {
      points,
      says: units === 2 ? "The two units of the code." : "The one unit of the code.",
      axisNames: ["code 0", units === 2 ? "code 1" : ""],
    };
  }
  const centered = center(codes, count, units);
  let total = 0;
  for (const value of centered) total += value * value;
  let explained = 0;
  for (const axis of [0, 1]) {
    const direction = leading(centered, count, units);
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let j = 0; j < units; j++) sum += (centered[i * units + j] ?? 0) * (direction[j] ?? 0);
      points[2 * i + axis] = sum;
      explained += sum * sum;
      for (let j = 0; j < units; j++) {
        centered[i * units + j] = (centered[i * units + j] ?? 0) - sum * (direction[j] ?? 0);
      }
    }
  }
  const share = total > 0 ? Math.round((100 * explained) / total) : 100;
  return {
    points,
    says: `The two leading principal components of the ${units} units, with ${share} % of their variance.`,
    axisNames: ["component 1", "component 2"],
  };
}

function center(codes: Float32Array, count: number, units: number): Float64Array {
  const means = new Float64Array(units);
  codes.forEach((value, i) => {
    means[i % units] = (means[i % units] ?? 0) + value / count;
  });
  return new Float64Array(codes).map((value, i) => value - (means[i % units] ?? 0));
}

/** The leading direction of the rows, of length 1. Any direction if the rows do not vary. */
function leading(rows: Float64Array, count: number, units: number): Float64Array {
  let direction = Float64Array.from({ length: units }, (_, j) => 1 + (j % 3));
  for (let round = 0; round < ROUNDS; round++) {
    const next = new Float64Array(units);
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let j = 0; j < units; j++) sum += (rows[i * units + j] ?? 0) * (direction[j] ?? 0);
      for (let j = 0; j < units; j++) next[j] = (next[j] ?? 0) + sum * (rows[i * units + j] ?? 0);
    }
    const length = Math.hypot(...next);
    if (!(length > 0)) break;
    direction = next.map((value) => value / length);
  }
  const length = Math.hypot(...direction);
  return direction.map((value) => value / length);
}
