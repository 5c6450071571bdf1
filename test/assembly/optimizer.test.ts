import { describe, expect, test } from "vitest";
import { builds, type TestCore } from "../support/core.ts";
import * as reference from "../support/reference/optimizer.ts";

const COUNTS = [0, 1, 2, 3, 4, 5, 127, 128, 129, 130];
const STEPS = 20;
const GUARD = 4;

/** Float32 values in [-1, 1), the same in every run. */
function values(count: number, seed: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.fround(state / 2 ** 31 - 1);
  });
}

/** A block of `count` floats with guard words on both sides. */
class Block {
  readonly pointer: number;
  private readonly core: TestCore;
  private readonly count: number;

  constructor(core: TestCore, content: number[]) {
    this.core = core;
    this.count = content.length;
    const guard = new Array<number>(GUARD).fill(12345);
    this.pointer = core.put([...guard, ...content, ...guard]) + 4 * GUARD;
  }

  read(): number[] {
    return Array.from(this.core.f32(this.pointer, this.count));
  }

  write(content: number[]): void {
    this.core.f32(this.pointer, this.count).set(content);
  }

  expectGuards(): void {
    const around = this.core.f32(this.pointer - 4 * GUARD, this.count + 2 * GUARD);
    const guard = new Array<number>(GUARD).fill(12345);
    expect(Array.from(around.subarray(0, GUARD))).toEqual(guard);
    expect(Array.from(around.subarray(GUARD + this.count))).toEqual(guard);
  }
}

/** |actual - expected| <= bound * (1 + |expected|), element by element. */
function expectClose(actual: number[], expected: number[], bound: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!) / (1 + Math.abs(expected[i]!));
    if (!(error <= bound)) throw new Error(`element ${i}: ${actual[i]}, expected ${expected[i]}`);
  }
}

/**
 * Runs STEPS steps of a kernel and of its reference over the same gradients and compares the parameters
 * and every state array. `states` is the number of arrays that the optimizer uses; the others are 0.
 */
function compare(
  core: TestCore,
  count: number,
  states: number,
  gradScale: number,
  kernelStep: (k: number, p: number, g: number, state: number[]) => void,
  referenceStep: (k: number, p: number[], g: number[], state: number[][]) => void,
): void {
  core.reset();
  const start = values(count, 1);
  const p = new Block(core, start);
  const g = new Block(core, values(count, 2));
  const state = Array.from(
    { length: states },
    () =>
      new Block(
        core,
        start.map(() => 0),
      ),
  );
  const pointers = state.map((block) => block.pointer);
  const expectedP = [...start];
  const expectedState = state.map(() => start.map(() => 0));
  for (let k = 1; k <= STEPS; k++) {
    const gradient = values(count, 100 + k);
    g.write(gradient);
    kernelStep(k, p.pointer, g.pointer, pointers);
    expect(g.read()).toEqual(gradient);
    const scaled = gradient.map((value) => value * gradScale);
    referenceStep(k, expectedP, scaled, expectedState);
  }
  expectClose(p.read(), expectedP, 3e-6);
  for (const [i, block] of state.entries()) expectClose(block.read(), expectedState[i]!, 3e-6);
  for (const block of [p, g, ...state]) block.expectGuards();
}

describe.each(builds)("optimizers, $name build, within 3e-6 of float64 after 20 steps", (core) => {
  const { kernels } = core;

  describe.each(COUNTS)("count %i", (count) => {
    test.each([
      { lr: 0.1, momentum: 0, nesterov: false, weightDecay: 0, gradScale: 1 },
      { lr: 0.1, momentum: 0, nesterov: false, weightDecay: 0.01, gradScale: 0.25 },
      { lr: 0.05, momentum: 0.9, nesterov: false, weightDecay: 0, gradScale: 1 },
      { lr: 0.05, momentum: 0.9, nesterov: false, weightDecay: 0.02, gradScale: 0.5 },
      { lr: 0.05, momentum: 0.8, nesterov: true, weightDecay: 0, gradScale: 1 },
      { lr: 0.05, momentum: 0.8, nesterov: true, weightDecay: 0.01, gradScale: 0.5 },
    ])("sgd %o", ({ gradScale, ...o }) => {
      compare(
        core,
        count,
        o.momentum ? 1 : 0,
        gradScale,
        (k, p, g, [buf = 0]) =>
          kernels.sgd(
            count,
            p,
            g,
            buf,
            o.lr,
            o.momentum,
            +o.nesterov,
            o.weightDecay,
            gradScale,
            +(k === 1),
          ),
        (k, p, g, [buf = []]) => reference.sgd(p, g, buf, k, o),
      );
    });

    const adamDefaults = { lr: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    test.each([
      { ...adamDefaults, weightDecay: 0, decoupled: false, gradScale: 1 },
      { ...adamDefaults, weightDecay: 0.05, decoupled: false, gradScale: 0.1 },
      { ...adamDefaults, weightDecay: 0.05, decoupled: true, gradScale: 1 },
      { ...adamDefaults, beta1: 0.5, beta2: 0.9, weightDecay: 0.5, decoupled: true, gradScale: 3 },
    ])("adam %o", ({ gradScale, ...o }) => {
      compare(
        core,
        count,
        2,
        gradScale,
        (k, p, g, [m, v]) =>
          kernels.adam(
            count,
            p,
            g,
            m!,
            v!,
            o.lr / (1 - o.beta1 ** k),
            o.beta1,
            o.beta2,
            1 / Math.sqrt(1 - o.beta2 ** k),
            o.epsilon,
            o.decoupled ? 0 : o.weightDecay,
            o.decoupled ? 1 - o.lr * o.weightDecay : 1,
            gradScale,
          ),
        (k, p, g, [m, v]) => reference.adam(p, g, m!, v!, k, o),
      );
    });

    test.each([
      { lr: 0.01, alpha: 0.99, momentum: 0, centered: false, weightDecay: 0, gradScale: 1 },
      { lr: 0.01, alpha: 0.9, momentum: 0.9, centered: false, weightDecay: 0.01, gradScale: 1 },
      { lr: 0.01, alpha: 0.9, momentum: 0, centered: true, weightDecay: 0, gradScale: 0.5 },
      { lr: 0.01, alpha: 0.99, momentum: 0.5, centered: true, weightDecay: 0.1, gradScale: 1 },
    ])("rmsprop %o", ({ gradScale, ...rest }) => {
      const o = { ...rest, epsilon: 1e-8 };
      compare(
        core,
        count,
        3,
        gradScale,
        (_, p, g, [v, avg, buf]) =>
          kernels.rmsprop(
            count,
            p,
            g,
            v!,
            o.centered ? avg! : 0,
            o.momentum ? buf! : 0,
            o.lr,
            o.alpha,
            o.epsilon,
            o.momentum,
            +o.centered,
            o.weightDecay,
            gradScale,
          ),
        (_, p, g, [v, avg, buf]) => reference.rmsprop(p, g, v!, avg!, buf!, o),
      );
    });

    test.each([
      { lr: 0.1, epsilon: 1e-10, weightDecay: 0, gradScale: 1 },
      { lr: 0.1, epsilon: 1e-3, weightDecay: 0.1, gradScale: 0.5 },
    ])("adagrad %o", ({ gradScale, ...o }) => {
      compare(
        core,
        count,
        1,
        gradScale,
        (_, p, g, [s]) =>
          kernels.adagrad(count, p, g, s!, o.lr, o.epsilon, o.weightDecay, gradScale),
        (_, p, g, [s]) => reference.adagrad(p, g, s!, o),
      );
    });
  });
});

describe.each(builds)("optimizers at the edges, $name build", (core) => {
  const { kernels } = core;
  const adamStep = (count: number, p: number, g: number, m: number, v: number, epsilon = 1e-8) =>
    kernels.adam(count, p, g, m, v, 0.01, 0.9, 0.999, 1, epsilon, 0, 1, 1);

  test("a first momentum step never reads the buffer", () => {
    core.reset();
    const p = core.put(new Array(7).fill(1));
    const g = core.put(new Array(7).fill(0.5));
    const buf = core.put(new Array(7).fill(Number.NaN));
    kernels.sgd(7, p, g, buf, 1, 0.9, 0, 0, 1, 1);
    expect(Array.from(core.f32(p, 7))).toEqual(new Array(7).fill(0.5));
    expect(Array.from(core.f32(buf, 7))).toEqual(new Array(7).fill(0.5));
  });

  test.each([0, 1e-30, 1e-22, 1e-42])(
    "the first step of adam is finite and has the right sign for a gradient of %d",
    (size) => {
      core.reset();
      const p = core.put(new Array(5).fill(1e-3));
      const g = core.put([size, -size, size, -size, size]);
      const m = core.put(new Array(5).fill(0));
      const v = core.put(new Array(5).fill(0));
      adamStep(5, p, g, m, v);
      for (const [i, value] of core.f32(p, 5).entries()) {
        const d = (i % 2 ? -1 : 1) * Math.fround(size);
        const moment = 0.1 * d;
        const expected = 1e-3 - (0.01 * moment) / (Math.sqrt(0.001 * d * d) + 1e-8);
        expect(Math.abs(value - expected)).toBeLessThan(1e-9);
      }
    },
  );

  test("adam with a subnormal second moment divides by its square root", () => {
    core.reset();
    const subnormal = 1e-40;
    const p = core.put(new Array(5).fill(0));
    const g = core.put(new Array(5).fill(0));
    const m = core.put(new Array(5).fill(1e-21));
    const v = core.put(new Array(5).fill(subnormal));
    adamStep(5, p, g, m, v, 0);
    const decayed = Math.fround(0.999 * Math.fround(subnormal));
    const expected = (-0.01 * 0.9e-21) / Math.sqrt(decayed);
    for (const value of core.f32(p, 5)) {
      expect(Math.abs(value / expected - 1)).toBeLessThan(1e-4);
    }
  });

  test("centered rmsprop is finite for a constant gradient, whose variance is zero", () => {
    core.reset();
    const count = 9;
    const p = core.put(new Array(count).fill(0));
    const g = core.put(Array.from({ length: count }, (_, i) => 0.1 + i / 7));
    const [v, avg] = [core.put(new Array(count).fill(0)), core.put(new Array(count).fill(0))];
    for (let k = 0; k < 300; k++)
      kernels.rmsprop(count, p, g, v!, avg!, 0, 1e-6, 0.5, 1, 0, 1, 0, 1);
    for (const value of core.f32(p, count)) expect(Number.isFinite(value)).toBe(true);
  });

  test("adam multiplies g^2 by 1 - beta2 in float64, not in float32", () => {
    core.reset();
    const zero = core.put([0, 0, 0, 0]);
    const [m, v] = [core.put([0, 0, 0, 0]), core.put([0, 0, 0, 0])];
    adamStep(4, zero, core.put([1, 2, 3, 4]), m!, v!);
    for (const [i, value] of core.f32(v!, 4).entries()) {
      expect(Math.abs(value / (0.001 * (i + 1) ** 2) - 1)).toBeLessThan(2e-7);
    }
  });

  // The square of these gradients overflows float32.
  test("gradients whose square overflows float32 change their parameter, as in PyTorch", () => {
    for (const size of [1.8e19, 2e19, 1e20, -5e20]) {
      core.reset();
      const [g, m, v] = [core.put([size]), core.put([0]), core.put([0])];
      const bias = 1 / Math.sqrt(1 - 0.999);
      for (const shrink of [1, 1 - 1e-3 * 0.01]) {
        const p = core.put([1]);
        kernels.adam(1, p, g, m, v, 1e-3 / (1 - 0.9), 0.9, 0.999, bias, 1e-8, 0, shrink, 1);
        expect(core.f32(p, 1)[0]).toBeCloseTo(shrink - 1e-3 * Math.sign(size), 6);
        expect(core.f32(v, 1)[0]! / (1e-3 * size * size)).toBeCloseTo(1, 5);
        core.f32(m, 1)[0] = 0;
        core.f32(v, 1)[0] = 0;
      }
      if (Math.abs(size) > 1e20) continue;
      for (const [centered, step] of [
        [0, 0.01],
        [1, 1e-3 / Math.sqrt(0.01 - 0.01 ** 2)],
      ] as const) {
        const p = core.put([1]);
        kernels.rmsprop(
          1,
          p,
          g,
          core.put([0]),
          core.put([0]),
          0,
          1e-3,
          0.99,
          1e-8,
          0,
          centered,
          0,
          1,
        );
        expect(core.f32(p, 1)[0]).toBeCloseTo(1 - step * Math.sign(size), 6);
      }
    }
  });

  test.each([1, 2, 3, 5, 6, 7])("every array of %i may end where the memory ends", (count) => {
    core.reset();
    const inside = Array.from({ length: 5 }, () => core.put(values(count, 1).map(Math.abs)));
    const last = core.memory.buffer.byteLength - 4 * count;
    for (let moved = 0; moved < 5; moved++) {
      core.f32(last, count).set(values(count, 2).map(Math.abs));
      const [p, g, a, b, c] = inside.map((pointer, i) => (i === moved ? last : pointer));
      kernels.sgd(count, p!, g!, a!, 0.1, 0, 0, 0, 1, 0);
      kernels.sgd(count, p!, g!, a!, 0.1, 0.9, 1, 0, 1, 0);
      adamStep(count, p!, g!, a!, b!);
      kernels.rmsprop(count, p!, g!, a!, b!, c!, 0.1, 0.9, 1e-8, 0.9, 1, 0, 1);
      kernels.adagrad(count, p!, g!, a!, 0.1, 1e-8, 0, 1);
      expect(Array.from(core.f32(p!, count)).every(Number.isFinite)).toBe(true);
    }
  });

  test("a divided block has the same bits as a whole one", () => {
    const count = 23;
    const run = (cuts: number[]) => {
      core.reset();
      const block = (seed: number) => core.put(values(count, seed).map(Math.abs));
      const [p, g, m, v] = [block(1), block(2), block(3), block(4)];
      for (let i = 0; i + 1 < cuts.length; i++) {
        const at = 4 * cuts[i]!;
        adamStep(cuts[i + 1]! - cuts[i]!, p! + at, g! + at, m! + at, v! + at);
      }
      return [p, m, v].map((pointer) => Array.from(core.f32(pointer!, count)));
    };
    expect(run([0, 1, 4, 11, 23])).toEqual(run([0, 23]));
  });
});
