import { describe, expect, test } from "vitest";
import { Activation, gradientNeedsInput } from "../../assembly/ops.ts";
import { guarded, read, uniform } from "../support/arrays.ts";
import { builds } from "../support/core.ts";

const none = (count: number) => new Array<number>(count).fill(Number.NaN);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe.each(builds)("KL sparsity, $name build", (core) => {
  const { kernels } = core;
  const clip = (m: number) => Math.min(Math.max(m, 1e-6), 1 - 1e-6);
  const divergence = (rho: number, m: number) =>
    rho * Math.log(rho / m) + (1 - rho) * Math.log((1 - rho) / (1 - m));

  const MEANS = [
    0,
    1e-7,
    1e-6,
    2e-6,
    1e-3,
    0.0499,
    0.05,
    0.0501,
    0.3,
    0.5,
    0.9,
    0.999,
    1 - 1e-6,
    1,
  ];

  test.each([0.001, 0.05, 0.5, 0.97])("value and gradient at rho %d", (rho) => {
    for (const shifted of [0, 1]) {
      for (const rows of [1, 7, 256]) {
        core.reset();
        const weight = 0.3;
        const sums = MEANS.map((m) => Math.fround((shifted ? 2 * m - 1 : m) * rows));
        const p = guarded(core, sums);
        const out = guarded(core, none(sums.length));
        const value = kernels.klSparsity(sums.length, rows, p, rho, shifted, weight, out);
        const means = sums.map((s) => (shifted ? s / rows / 2 + 0.5 : s / rows));
        const expected = sum(means.map((m) => divergence(rho, clip(m))));
        expect(Math.abs(value / expected - 1)).toBeLessThan(1e-14);
        read(core, out, sums.length).forEach((gradient, j) => {
          const m = means[j]!;
          if (m < 1e-6 || m > 1 - 1e-6) {
            expect(gradient).toBe(0);
            return;
          }
          const slope = ((1 - rho) / (1 - m) - rho / m) * (weight / rows) * (shifted ? 0.5 : 1);
          expect(Math.abs(gradient - slope)).toBeLessThanOrEqual(1e-7 * Math.abs(slope) + 1e-18);
        });
      }
    }
  });

  test("the value is 0 without units and for a mean equal to rho, and NaN for NaN", () => {
    core.reset();
    const out = core.alloc(8);
    expect(kernels.klSparsity(0, 4, out, 0.5, 0, 1, out)).toBe(0);
    expect(kernels.klSparsity(1, 4, core.put([2]), 0.5, 0, 1, out)).toBe(0);
    expect(core.f32(out, 1)[0]).toBe(0);
    expect(kernels.klSparsity(2, 4, core.put([2, Number.NaN]), 0.5, 0, 1, out)).toBeNaN();
    expect(core.f32(out, 2)[1]).toBeNaN();
  });
});

interface Curve {
  readonly name: keyof typeof Activation;
  readonly parameter: number;
  readonly y: (z: number) => number;
  readonly first: (z: number) => number;
  readonly second: (z: number) => number;
}

const logistic = (z: number) => 1 / (1 + Math.exp(-z));
const CURVES: Curve[] = [
  { name: "linear", parameter: 0, y: (z) => z, first: () => 1, second: () => 0 },
  { name: "relu", parameter: 0, y: (z) => Math.max(z, 0), first: (z) => +(z > 0), second: () => 0 },
  ...[0.125, -0.5].map((slope) => ({
    name: "leakyRelu" as const,
    parameter: slope,
    y: (z: number) => (z > 0 ? z : slope * z),
    first: (z: number) => (z > 0 ? 1 : slope),
    second: () => 0,
  })),
  {
    name: "elu",
    parameter: 1.5,
    y: (z) => (z > 0 ? z : 1.5 * Math.expm1(z)),
    first: (z) => (z > 0 ? 1 : 1.5 * Math.exp(z)),
    second: (z) => (z > 0 ? 0 : 1.5 * Math.exp(z)),
  },
  {
    name: "softplus",
    parameter: 0,
    y: (z) => Math.log1p(Math.exp(z)),
    first: logistic,
    second: (z) => logistic(z) * logistic(-z),
  },
  {
    name: "sigmoid",
    parameter: 0,
    y: logistic,
    first: (z) => logistic(z) * logistic(-z),
    second: (z) => logistic(z) * logistic(-z) * (1 - 2 * logistic(z)),
  },
  {
    name: "tanh",
    parameter: 0,
    y: Math.tanh,
    first: (z) => 1 - Math.tanh(z) ** 2,
    second: (z) => -2 * Math.tanh(z) * (1 - Math.tanh(z) ** 2),
  },
];

test.each(CURVES)("the derivatives of $name agree with finite differences", (curve) => {
  const h = 1e-5;
  for (const z of [-2.5, -0.3, 0.01, 0.8, 3]) {
    const slope = (f: (z: number) => number) => (f(z + h) - f(z - h)) / (2 * h);
    expect(curve.first(z)).toBeCloseTo(slope(curve.y), 8);
    expect(curve.second(z)).toBeCloseTo(slope(curve.first), 8);
  }
});

const SHAPES = [
  [0, 3],
  [3, 0],
  [1, 1],
  [3, 4],
  [2, 5],
  [5, 7],
  [3, 18],
] as const;

describe.each(builds)("contraction, $name build", (core) => {
  const { kernels } = core;

  describe.each(CURVES)("$name $parameter", ({ name, parameter, y, first, second }) => {
    test.each(SHAPES)("%i x %i", (rows, cols) => {
      core.reset();
      const count = rows * cols;
      const z = uniform(count, -4, 4, 5).map((v, i) => (i % 9 === 4 ? 0 : v));
      const needsInput = gradientNeedsInput(Activation[name], parameter);
      // The array that must not be read holds NaN.
      const pz = guarded(core, needsInput ? z : none(count));
      const py = guarded(core, needsInput ? none(count) : z.map(y));
      const norms = uniform(cols, 0, 3, 6);
      const before = uniform(count, -1, 1, 7);
      const dz = guarded(core, before);
      const squares = guarded(core, none(count));
      const pn = guarded(core, norms);
      kernels.contraction(Activation[name], parameter, rows, cols, pz, py, pn, 0.75, dz, squares);
      read(core, squares, count).forEach((value, i) => {
        expect(Math.abs(value - first(z[i]!) ** 2)).toBeLessThanOrEqual(1e-6);
      });
      read(core, dz, count).forEach((value, i) => {
        const expected = before[i]! + 0.75 * first(z[i]!) * second(z[i]!) * norms[i % cols]!;
        expect(Math.abs(value - expected)).toBeLessThanOrEqual(2e-6);
        if (second(z[i]!) === 0) expect(value).toBe(before[i]);
      });
    });
  });

  test("the second derivative of softplus is precise where its derivative is nearly 1", () => {
    core.reset();
    const [dz, squares] = [core.put([0, 0]), core.alloc(8)];
    const z = core.put([18, -18]);
    kernels.contraction(Activation.softplus, 0, 1, 2, z, 0, core.put([1, 1]), 1, dz, squares);
    const second = Math.exp(-18) / (1 + Math.exp(-18)) ** 2;
    const expected = [second / (1 + Math.exp(-18)), second / (1 + Math.exp(18))];
    Array.from(core.f32(dz, 2)).forEach((value, i) => {
      expect(Math.abs(value / expected[i]! - 1)).toBeLessThan(1e-6);
    });
  });

  test.each(SHAPES)("rowSquares and addScaledRows over %i x %i", (rows, cols) => {
    core.reset();
    const ld = cols + 2;
    const pad = (values: readonly number[]) =>
      Array.from({ length: rows * ld }, (_, i) =>
        i % ld < cols ? values[Math.floor(i / ld) * cols + (i % ld)]! : Number.NaN,
      );
    const x = uniform(rows * cols, -2, 2, 8);
    const y = uniform(rows * cols, -2, 2, 9);
    const factors = uniform(rows, -1, 1, 10);
    const [px, py, pf] = [guarded(core, pad(x)), guarded(core, pad(y)), guarded(core, factors)];
    const out = guarded(core, none(rows));
    kernels.rowSquares(rows, cols, px, ld, out);
    read(core, out, rows).forEach((value, r) => {
      const expected = sum(x.slice(r * cols, (r + 1) * cols).map((v) => v * v));
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(2 ** -24 * expected);
    });
    kernels.addScaledRows(rows, cols, 1.25, pf, px, ld, py, ld);
    expect(read(core, px, rows * ld)).toEqual(pad(x));
    read(core, py, rows * ld).forEach((value, i) => {
      const [r, j] = [Math.floor(i / ld), i % ld];
      if (j >= cols) {
        expect(value).toBeNaN();
        return;
      }
      const at = r * cols + j;
      const expected = y[at]! + 1.25 * factors[r]! * x[at]!;
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-6);
    });
  });

  test("the parts together are the gradient of the penalty, by finite differences", () => {
    // Two layers in float64: the penalty as a function of W and of z.
    const [rows, units, inputs, h] = [3, 5, 4, 1e-5];
    const w = uniform(units * inputs, -1, 1, 11);
    const z = uniform(rows * units, -2, 2, 12);
    const { y, first } = CURVES.find(({ name }) => name === "sigmoid")!;
    const penalty = (weights: readonly number[], inputsOfUnits: readonly number[]) =>
      sum(
        inputsOfUnits.map((v, i) => {
          const row = weights.slice((i % units) * inputs, ((i % units) + 1) * inputs);
          return first(v) ** 2 * sum(row.map((each) => each * each));
        }),
      );
    const slopes = (values: number[], f: (values: number[]) => number) =>
      values.map((v, i) => {
        const moved = (to: number) => f(values.map((each, k) => (k === i ? to : each)));
        return (moved(v + h) - moved(v - h)) / (2 * h);
      });

    core.reset();
    const [pw, py] = [core.put(w), core.put(z.map(y))];
    const [norms, sums] = [core.alloc(4 * units), core.alloc(4 * units)];
    const dz = core.put(new Array(rows * units).fill(0));
    const dw = core.put(new Array(units * inputs).fill(0));
    const squares = core.alloc(4 * rows * units);
    kernels.rowSquares(units, inputs, pw, inputs, norms);
    kernels.contraction(Activation.sigmoid, 0, rows, units, 0, py, norms, 2, dz, squares);
    kernels.columnSums(rows, units, squares, units, 0, sums);
    kernels.addScaledRows(units, inputs, 2, sums, pw, inputs, dw, inputs);
    expect(kernels.dot(units, sums, norms)).toBeCloseTo(penalty(w, z), 5);
    slopes(w, (values) => penalty(values, z)).forEach((slope, i) => {
      expect(core.f32(dw, w.length)[i]).toBeCloseTo(slope, 5);
    });
    slopes(z, (values) => penalty(w, values)).forEach((slope, i) => {
      expect(core.f32(dz, z.length)[i]).toBeCloseTo(slope, 5);
    });
  });
});

describe.each(builds)("orthogonality, $name build", (core) => {
  const { kernels } = core;

  test.each([0, 1, 2, 3, 4, 5, 9, 17])("subtractIdentity of %i x %i", (n) => {
    core.reset();
    const ld = n + 3;
    const a = uniform(n * ld, -2, 2, 13).map((v, i) => (i % ld < n ? v : Number.NaN));
    const p = guarded(core, a);
    const left = a.map((v, i) => Math.fround(v - +(i % ld === Math.floor(i / ld))));
    const value = kernels.subtractIdentity(n, p, ld, 4);
    const expected = sum(left.filter((v) => !Number.isNaN(v)).map((v) => v * v));
    expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-14 * expected);
    expect(read(core, p, n * ld)).toEqual(left.map((v) => 4 * v));
  });

  test("penalty and gradient of W, by finite differences", () => {
    const [units, inputs, h] = [3, 4, 1e-5];
    const w = uniform(units * inputs, -1, 1, 14);
    const penalty = (values: readonly number[]) => {
      let total = 0;
      for (let i = 0; i < units; i++) {
        for (let j = 0; j < units; j++) {
          let product = -Number(i === j);
          for (let k = 0; k < inputs; k++) {
            product += values[i * inputs + k]! * values[j * inputs + k]!;
          }
          total += product * product;
        }
      }
      return total;
    };
    core.reset();
    const workspace = core.alloc(kernels.gemmWorkspace(units, inputs, inputs));
    const [pw, dw, gram] = [core.put(w), core.put(w.map(() => 0)), core.alloc(4 * units * units)];
    kernels.gramNT(units, inputs, pw, inputs, gram, units, workspace);
    expect(kernels.subtractIdentity(units, gram, units, 4)).toBeCloseTo(penalty(w), 5);
    kernels.gemmNN(units, inputs, units, gram, units, pw, inputs, 1, dw, inputs, workspace);
    w.forEach((v, i) => {
      const moved = (to: number) => penalty(w.map((each, k) => (k === i ? to : each)));
      const slope = (moved(v + h) - moved(v - h)) / (2 * h);
      expect(core.f32(dw, w.length)[i]).toBeCloseTo(slope, 4);
    });
  });
});
