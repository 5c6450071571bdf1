import { describe, expect, test } from "vitest";
import { LOSS_BLOCK, Loss } from "../../assembly/ops.ts";
import { guarded, read, uniform } from "../support/arrays.ts";
import { builds } from "../support/core.ts";
import { losses } from "../support/reference/losses.ts";

const { fround } = Math;
const NAMES = Object.keys(losses) as (keyof typeof Loss)[];
const COUNTS = [0, 1, 2, 3, 4, 5, 8, 63, LOSS_BLOCK - 1, LOSS_BLOCK, LOSS_BLOCK + 1, 9001];

const CASES = NAMES.flatMap((name) => {
  const { value, gradient, parameters = [0] } = losses[name];
  return parameters.map((parameter) => ({
    title: parameters.length > 1 ? `${name}(${parameter})` : name,
    op: Loss[name],
    parameter,
    value: (y: number, t: number) => value(y, t, parameter),
    gradient: (y: number, t: number) => gradient(y, t, parameter),
  }));
});

/** Multiples of 1/64, so that differences are exact and some equal the thresholds exactly. */
function grid(count: number, low: number, high: number, seed: number): number[] {
  return uniform(count, low, high, seed).map((x) => Math.round(x * 64) / 64);
}

test("the enum and the reference name the same losses", () => {
  const codes = Object.values(Loss).filter((code) => typeof code === "number");
  const names = codes.map((code) => Loss[code]);
  expect(Object.keys(losses), "test/support/reference/losses.ts").toEqual(names);
  expect(codes).toEqual(codes.map((_, i) => i));
});

test.each(CASES)(
  "the gradient of the reference of $title is the derivative of its value",
  ({ value, gradient }) => {
    const h = 1e-6;
    for (const t of [0, 0.3, 1]) {
      for (const y of [-3.1, -0.6, 0.01, 0.2, 0.77, 2.9]) {
        const slope = (value(y + h, t) - value(y - h, t)) / (2 * h);
        expect(Math.abs(slope - gradient(y, t))).toBeLessThan(1e-8);
      }
    }
  },
);

describe.each(builds)("losses, $name build", (core) => {
  const { kernels } = core;
  const blocks = (count: number) => Math.ceil(count / LOSS_BLOCK);

  /** Partials and gradient over `count` elements, each between guard words; dy over y if asked. */
  function run(
    { op, parameter }: { op: Loss; parameter: number },
    y: readonly number[],
    t: readonly number[],
    { scale = 1, masked = 0, inPlace = false } = {},
  ) {
    core.reset();
    const count = y.length;
    const [ys, ts, other] = [guarded(core, y), guarded(core, t), guarded(core, y)];
    const dy = inPlace ? ys : other;
    const partials = guarded(core, new Array<number>(2 * blocks(count)).fill(7));
    // Float64 views must be aligned to 8 bytes. Guarded arrays need not be, and the kernel accepts both.
    const p = core.alloc(8 * blocks(count));
    kernels.lossGradient(op, parameter, masked, count, ys, ts, scale, dy, p);
    const withGradient = Array.from(core.f64(p, blocks(count)));
    const gradient = read(core, dy, count);
    if (!inPlace) {
      expect(read(core, ys, count)).toEqual(y);
      kernels.lossValue(op, parameter, masked, count, ys, ts, partials);
      const bytes = core.memory.buffer.slice(partials, partials + 8 * blocks(count));
      read(core, partials, 2 * blocks(count));
      expect(Array.from(new Float64Array(bytes))).toEqual(withGradient);
    }
    expect(read(core, ts, count)).toEqual(t);
    return { partials: withGradient, gradient, sum: kernels.sumF64(blocks(count), p) };
  }

  test.each(CASES)("$title: value to 2e-7, gradient to 3e-7 of the scale", (loss) => {
    for (const count of COUNTS) {
      const y = grid(count, -3, 3, 1);
      const t = grid(count, loss.op === Loss.bce ? 0 : -2, loss.op === Loss.bce ? 1 : 2, 2);
      const { partials, gradient, sum } = run(loss, y, t, { scale: 0.75 });
      let total = 0;
      for (let block = 0; block < blocks(count); block++) {
        let exact = 0;
        const end = Math.min(count, (block + 1) * LOSS_BLOCK);
        for (let i = block * LOSS_BLOCK; i < end; i++) exact += loss.value(y[i]!, t[i]!);
        total += exact;
        expect(Math.abs(partials[block]! - exact)).toBeLessThanOrEqual(2e-7 * exact);
      }
      expect(Math.abs(sum - total)).toBeLessThanOrEqual(2e-7 * total);
      gradient.forEach((actual, i) => {
        const exact = 0.75 * loss.gradient(y[i]!, t[i]!);
        if (!(Math.abs(actual - exact) <= 3e-7)) throw new Error(`${i}: ${actual}, not ${exact}`);
      });
      expect(run(loss, y, t, { scale: 0.75, inPlace: true })).toEqual({ partials, gradient, sum });
    }
  });

  test.each(CASES)("$title masked: a missing target has no loss", (loss) => {
    const y = grid(203, -3, 3, 3);
    const t = grid(203, 0, 1, 4);
    const unknown = (i: number) => i % 3 === 1 || i > 199;
    const { gradient, sum } = run(
      loss,
      y,
      t.map((x, i) => (unknown(i) ? NaN : x)),
      { masked: 1 },
    );
    const full = run(loss, y, t).gradient;
    expect(gradient).toEqual(full.map((x, i) => (unknown(i) ? 0 : x)));
    const exact = y.reduce((s, x, i) => (unknown(i) ? s : s + loss.value(x, t[i]!)), 0);
    expect(Math.abs(sum - exact)).toBeLessThanOrEqual(2e-7 * exact);
    // The mask has no effect for a known target, and for a missing target it also hides a NaN.
    const diverged = y.map((x, i) => (unknown(i) ? NaN : x));
    const hidden = run(
      loss,
      diverged,
      t.map((x, i) => (unknown(i) ? NaN : x)),
      { masked: 1 },
    );
    expect(hidden).toEqual({ partials: [sum], gradient, sum });
    expect(run(loss, [1, NaN, 1], [0, 0, NaN], { masked: 1 }).sum).toBeNaN();
  });

  test.each(CASES)("$title: an output that is not finite makes the value not finite", (loss) => {
    for (const bad of [Infinity, -Infinity, NaN]) {
      for (const t of [0, 0.5, 1]) {
        for (const at of [0, 2, 5, 6]) {
          const y = new Array<number>(7).fill(0.25);
          y[at] = bad;
          const { sum } = run(loss, y, new Array<number>(7).fill(t));
          expect(Number.isFinite(sum), `${bad} at ${at}`).toBe(false);
        }
      }
    }
  });

  test.each(CASES)("$title: dividing at a block boundary gives the same bits", (loss) => {
    const count = 2 * LOSS_BLOCK + 77;
    const [y, t] = [uniform(count, -3, 3, 5), uniform(count, 0, 1, 6)];
    const whole = run(loss, y, t);
    const first = run(loss, y.slice(0, LOSS_BLOCK), t.slice(0, LOSS_BLOCK));
    const rest = run(loss, y.slice(LOSS_BLOCK), t.slice(LOSS_BLOCK));
    expect([...first.partials, ...rest.partials]).toEqual(whole.partials);
    expect([...first.gradient, ...rest.gradient]).toEqual(whole.gradient);
  });

  test("squares beyond float32 are Infinity", () => {
    const mse = { op: Loss.mse, parameter: 0 };
    expect(run(mse, [fround(1e25)], [0]).sum).toBe(Infinity);
    expect(run(mse, [0], [0]).sum).toBe(0);
  });

  test("a confident logit keeps its precision: bce of 40 against 1 is exp(-40)", () => {
    const { sum, gradient } = run({ op: Loss.bce, parameter: 0 }, [40, -40], [1, 0], { scale: 1 });
    expect(Math.abs(sum / (2 * Math.exp(-40)) - 1)).toBeLessThan(3e-7);
    expect(Math.abs(gradient[1]! / Math.exp(-40) - 1)).toBeLessThan(3e-7);
  });

  test("bce near soft targets keeps its precision: logit 11.5 against .99999 costs 1.2528622e-4", () => {
    const bce = { op: Loss.bce, parameter: 0 };
    expect(run(bce, [11.5], [fround(0.99999)]).sum).toBeCloseTo(1.2528622e-4, 10);
    for (const z of [2, 5, 9.25, 11.5, 16.5, 30]) {
      for (const rest of [0.25, 1e-2, 1e-3, 1e-5, 2 ** -24]) {
        for (const [logit, t] of [
          [z, fround(1 - rest)],
          [-z, fround(rest)],
        ] as const) {
          const missed = logit > 0 ? 1 - t : t;
          const exact = z * missed + Math.log1p(Math.exp(-z));
          const { sum, gradient } = run(bce, [logit], [t]);
          expect(Math.abs(sum / exact - 1)).toBeLessThan(3e-7);
          const wrong = Math.exp(-z) / (1 + Math.exp(-z));
          const slope = logit > 0 ? missed - wrong : wrong - missed;
          const bound = 2e-7 * Math.max(missed, wrong);
          expect(Math.abs(gradient[0]! - slope)).toBeLessThanOrEqual(bound);
        }
      }
    }
  });

  test("sumF64 adds first to last", () => {
    core.reset();
    const p = core.alloc(8 * 5);
    core.f64(p, 5).set([1, 2 ** 60, -(2 ** 60), 3, 0.5]);
    expect(kernels.sumF64(5, p)).toBe(3.5);
    expect(kernels.sumF64(0, p)).toBe(0);
  });

  test("rowErrors and squaredErrors at every width", () => {
    for (const cols of [1, 2, 3, 4, 5, 7, 8, 13, 64, 101]) {
      core.reset();
      const rows = 3;
      const count = rows * cols;
      const [y, x] = [uniform(count, -2, 2, 7), uniform(count, -2, 2, 8)];
      const [ys, xs] = [guarded(core, y), guarded(core, x)];
      const errors = guarded(core, [7, 7, 7]);
      const squares = guarded(core, new Array<number>(count).fill(7));
      kernels.rowErrors(rows, cols, ys, xs, errors);
      kernels.squaredErrors(count, ys, xs, squares);
      expect(read(core, squares, count)).toEqual(y.map((a, i) => fround(fround(a - x[i]!) ** 2)));
      read(core, errors, rows).forEach((actual, r) => {
        let exact = 0;
        for (let j = r * cols; j < (r + 1) * cols; j++) exact += (y[j]! - x[j]!) ** 2 / cols;
        expect(Math.abs(actual - exact)).toBeLessThanOrEqual(2e-7 * exact);
      });
      expect([read(core, ys, count), read(core, xs, count)]).toEqual([y, x]);
    }
  });
});
