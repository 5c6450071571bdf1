import { describe, expect, test } from "vitest";
import { Activation, gradientNeedsInput } from "../../assembly/ops.ts";
import { guarded, read, uniform } from "../support/arrays.ts";
import { builds } from "../support/core.ts";
import { activations } from "../support/reference/activations.ts";

const { fround } = Math;
const NAMES = Object.keys(Activation).filter(
  (key) => key in activations,
) as (keyof typeof Activation)[];

// Every activation with each of its parameters, as [title, op, parameter, reference].
const CASES = NAMES.flatMap((name) => {
  const { act, parameters = [0], kinks = [] } = activations[name];
  return parameters.map(fround).map((parameter) => {
    const title = parameters.length > 1 ? `${name}(${parameter})` : name;
    return { title, op: Activation[name], parameter, act: (z: number) => act(z, parameter), kinks };
  });
});

// Not at the kink at 0, so that differences only use one side of it.
const POINTS = [...uniform(4000, 0.01, 6, 1), ...uniform(1000, 6, 120, 2)].flatMap((x) => [x, -x]);

/** The step of the differences. */
const STEP = 1e-3;

/** The five-point difference of f at x. */
function derivative(f: (x: number) => number, x: number): number {
  const h = STEP;
  return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
}

/** The derivative from the left, which is the convention for the derivative at a kink. */
function leftDerivative(f: (x: number) => number, x: number): number {
  const h = 1e-7;
  return (f(x) - f(x - h)) / h;
}

test("the enum and the reference name the same activations", () => {
  const codes = Object.values(Activation).filter((code) => typeof code === "number");
  const names = codes.map((code) => Activation[code]);
  expect(Object.keys(activations), "test/support/reference/activations.ts").toEqual(names);
  expect(codes).toEqual(codes.map((_, i) => i));
});

describe.each(builds)("activations, $name build", (core) => {
  const { kernels } = core;

  /** y = act(z) and dz = dy * act'(z), without a bias, each as a new array. */
  function run(op: Activation, parameter: number, z: readonly number[], dy: readonly number[]) {
    core.reset();
    const count = z.length;
    const zs = guarded(core, z);
    const ys = guarded(core, new Array<number>(count).fill(7));
    kernels.biasActivation(op, parameter, 1, count, zs, 0, ys);
    const dz = guarded(core, dy);
    const reads = gradientNeedsInput(op, parameter);
    kernels.activationGradient(op, parameter, count, reads ? zs : 0, reads ? 0 : ys, dz, dz);
    expect(read(core, zs, count)).toEqual(z);
    return { y: read(core, ys, count), dz: read(core, dz, count) };
  }

  test.each(CASES)("$title within 4e-7 of the value + 3e-8", ({ op, parameter, act }) => {
    const { y } = run(op, parameter, POINTS, POINTS);
    POINTS.forEach((z, i) => {
      const exact = act(z);
      const error = Math.abs(y[i]! - exact);
      if (!(error <= 4e-7 * Math.abs(exact) + 3e-8))
        throw new Error(`${z} gives ${y[i]}, not ${exact}`);
    });
  });

  test.each(CASES)(
    "$title: the gradient is the function's slope to 6e-7",
    ({ op, parameter, act, kinks }) => {
      const dy = uniform(POINTS.length, -1, 1, 5);
      const { dz } = run(op, parameter, POINTS, dy);
      POINTS.forEach((z, i) => {
        if (kinks.some((kink) => Math.abs(z - kink) <= 2 * STEP)) return;
        const exact = dy[i]! * derivative(act, z);
        const error = Math.abs(dz[i]! - exact);
        if (!(error <= 6e-7)) throw new Error(`at ${z} ${dz[i]}, not ${exact}`);
      });
    },
  );

  test.each(CASES)("$title at 0, Inf, NaN and subnormals", ({ op, parameter, act }) => {
    const tiny = 1.401298464324817e-45;
    const z = [0, -0, Infinity, -Infinity, NaN, tiny, -tiny, fround(3e38), fround(-3e38)];
    const { y, dz } = run(
      op,
      parameter,
      z,
      z.map(() => 1),
    );
    const limit = (x: number) => fround(act(x * 1e60));
    const expected = [act(0), act(-0), limit(1), limit(-1), NaN, act(tiny), act(-tiny)];
    expected.push(fround(act(3e38)), fround(act(-3e38)));
    z.forEach((x, i) => {
      if (Number.isFinite(expected[i])) {
        expect(Math.abs(y[i]! - expected[i]!), `act(${x})`).toBeLessThanOrEqual(
          2e-7 * Math.abs(expected[i]!) + 2 ** -149,
        );
      } else {
        expect(y[i], `act(${x})`).toBe(expected[i]);
      }
    });
    const slopes = [
      leftDerivative(act, 0),
      leftDerivative(act, 0),
      derivative(act, 200),
      derivative(act, -200),
    ];
    slopes.forEach((slope, i) => {
      expect(Math.abs(dz[i]! - slope), `slope at ${z[i]}`).toBeLessThanOrEqual(1e-6);
    });
    expect(dz.slice(7)).toEqual(dz.slice(2, 4));
  });

  test.each(CASES)("$title adds the bias to every row for every shape", ({ op, parameter }) => {
    for (const [rows, cols] of [
      [0, 5],
      [3, 0],
      [1, 1],
      [5, 1],
      [4, 2],
      [3, 3],
      [2, 4],
      [3, 7],
      [2, 16],
      [3, 33],
    ]) {
      const count = rows! * cols!;
      const z = uniform(count, -3, 3, 6);
      const bias = uniform(cols!, -1, 1, 7);
      const sum = z.map((value, i) => fround(value + bias[i % cols!]!));
      const expected = run(op, parameter, sum, sum).y;

      const [apart, b, y] = [guarded(core, z), guarded(core, bias), guarded(core, z)];
      kernels.biasActivation(op, parameter, rows!, cols!, apart, b, y);
      expect(read(core, apart, count)).toEqual(sum);
      expect(read(core, y, count)).toEqual(expected);
      expect(read(core, b, cols!)).toEqual(bias);

      const [inPlace, b2] = [guarded(core, z), guarded(core, bias)];
      kernels.biasActivation(op, parameter, rows!, cols!, inPlace, b2, inPlace);
      expect(read(core, inPlace, count)).toEqual(expected);
    }
  });

  test.each(CASES)(
    "$title: the bits of a gradient do not depend on the end of the range",
    ({ op, parameter }) => {
      const [z, dy] = [uniform(19, -3, 3, 8), uniform(19, -1, 1, 9)];
      const { dz } = run(op, parameter, z, dy);
      for (let count = 0; count < 19; count++) {
        expect(run(op, parameter, z.slice(0, count), dy.slice(0, count)).dz).toEqual(
          dz.slice(0, count),
        );
      }
    },
  );
});

test("the gradient at a NaN output is NaN, also for relu", () => {
  for (const { kernels, reset, put, f32 } of builds) {
    reset();
    const [y, dy, dz] = [put([NaN, 0, 1, -0]), put([NaN, NaN, NaN, NaN]), put([7, 7, 7, 7])];
    kernels.activationGradient(Activation.relu, 0, 4, 0, y, dy, dz);
    expect(Array.from(f32(dz, 4))).toEqual([NaN, 0, NaN, 0]);
  }
});
