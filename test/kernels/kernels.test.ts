import { describe, expect, test } from "vitest";
import { createKernels, DisposedError } from "../../src/kernels.ts";
import { availableBuilds } from "../support/builds.ts";

function values(count: number, seed = 1): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

describe.each(availableBuilds)("kernels, %s", (simd) => {
  const shapes = [
    [1, 1, 1],
    [3, 5, 7],
    [8, 17, 4],
  ] as const;
  const layouts = [false, true].flatMap((transA) =>
    [false, true].flatMap((transB) => [0, 1, -0.5].map((beta) => ({ transA, transB, beta }))),
  );

  test.each(layouts)("gemm with %o is the product in float64, to 1e-5", async (options) => {
    using kernels = await createKernels({ simd });
    const { transA, transB, beta } = options;
    for (const [m, n, k] of shapes) {
      const a = transA ? kernels.matrix(k, m, values(m * k)) : kernels.matrix(m, k, values(m * k));
      const b = transB
        ? kernels.matrix(n, k, values(n * k, 2))
        : kernels.matrix(k, n, values(n * k, 2));
      const before = values(m * n, 3);
      const c = kernels.matrix(m, n, before);
      expect(kernels.gemm(a, b, c, options)).toBe(c);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = beta * before[i * n + j]!;
          for (let p = 0; p < k; p++) {
            const left = a.data[transA ? p * m + i : i * k + p]!;
            sum += left * b.data[transB ? j * k + p : p * n + j]!;
          }
          expect(Math.abs(c.data[i * n + j]! - sum)).toBeLessThan(1e-5);
        }
      }
    }
  });

  test("a regression trained by hand finds its weights", async () => {
    using kernels = await createKernels({ simd });
    const x = kernels.matrix(32, 3, values(96));
    const truth = kernels.matrix(2, 3, [1, -2, 3, 0.5, 0, -1]);
    const target = kernels.gemm(x, truth, undefined, { transB: true });
    const w = kernels.matrix(2, 3);
    const adam = kernels.optimizer({ type: "adam", learningRate: 0.05 }, w);
    let loss = Infinity;
    for (let step = 0; step < 400; step++) {
      loss = kernels.scope(() => {
        const y = kernels.activation("linear", kernels.gemm(x, w, undefined, { transB: true }));
        const dy = kernels.matrix(32, 2);
        const value = kernels.lossGradient("mse", y, target, dy);
        adam.step(kernels.gemm(dy, x, undefined, { transA: true }));
        return value;
      });
    }
    expect(loss).toBeLessThan(1e-6);
    w.data.forEach((value, i) => {
      expect(Math.abs(value - truth.data[i]!)).toBeLessThan(1e-2);
    });
    expect(adam.stepCount).toBe(400);
  });

  test("derivatives agree with differences, to 1e-3", async () => {
    using kernels = await createKernels({ simd });
    for (const spec of ["tanh", "gelu", { type: "elu", alpha: 0.5 }] as const) {
      const z = kernels.matrix(2, 5, values(10));
      const at = (shift: number) =>
        kernels
          .activation(
            spec,
            kernels.matrix(
              2,
              5,
              z.toArray().map((v) => v + shift),
            ),
          )
          .toArray();
      const y = kernels.activation(spec, z, kernels.matrix(2, 5));
      const ones = kernels.matrix(2, 5, new Float32Array(10).fill(1));
      const slope = kernels.activationGradient(spec, z, y, ones);
      const [high, low] = [at(1e-3), at(-1e-3)];
      slope.data.forEach((value, i) => {
        expect(Math.abs(value - (high[i]! - low[i]!) / 2e-3)).toBeLessThan(1e-3);
      });
    }
  });

  test("a masked loss excludes NaN targets from the mean", async () => {
    using kernels = await createKernels({ simd });
    const y = kernels.matrix(1, 4, [1, 2, 3, 4]);
    const target = kernels.matrix(1, 4, [0, Number.NaN, 3, 6]);
    expect(kernels.loss("mse", y, target, { masked: true })).toBeCloseTo(5 / 3, 6);
    expect(kernels.loss("mse", y, target)).toBeNaN();
  });
});

describe("memory", () => {
  test("freed blocks are reused, and joined with neighbouring blocks", async () => {
    using kernels = await createKernels();
    const three = [1, 2, 3].map(() => kernels.matrix(16, 16));
    const bytes = kernels.bytesInUse;
    const [first] = three.map(({ address }) => address);
    for (const i of [0, 2, 1]) three[i]!.free();
    expect(kernels.bytesInUse).toBe(bytes - 3 * 1024);
    expect(kernels.matrix(48, 16).address).toBe(first);
  });

  test("a scope frees its matrices except those that it returns", async () => {
    using kernels = await createKernels();
    let inner: ReturnType<typeof kernels.matrix> | undefined;
    const kept = kernels.scope(() => {
      inner = kernels.matrix(2, 2);
      return kernels.matrix(3, 3, values(9));
    });
    expect(kept.toArray()).toEqual(values(9));
    expect(() => inner?.data).toThrow(/2 x 2 matrix was freed/);
    expect(() => kernels.scale(2, inner!)).toThrow(DisposedError);
  });

  test("views are valid after the memory has grown", async () => {
    using kernels = await createKernels();
    const small = kernels.matrix(1, 3, [1, 2, 3]);
    kernels.matrix(1000, 1000);
    expect([...small.data]).toEqual([1, 2, 3]);
  });

  test("errors name shapes that do not fit", async () => {
    using kernels = await createKernels();
    const a = kernels.matrix(2, 3);
    expect(() => kernels.gemm(a, a)).toThrow(/multiply \[2, 3\] by \[2, 3\]/);
    expect(() => kernels.matrix(2, 2, [1])).toThrow(/holds 4 values; data has 1/);
    expect(() => kernels.gemm(a, kernels.matrix(3, 2), kernels.matrix(3, 3))).toThrow(
      /c must be 2 x 2/,
    );
    const square = kernels.matrix(2, 2);
    expect(() => kernels.gemm(square, square, square)).toThrow(/a third matrix/);
  });

  test("disposed kernels throw a DisposedError", async () => {
    const kernels = await createKernels();
    const a = kernels.matrix(2, 2);
    kernels.dispose();
    expect(() => kernels.gemm(a, a)).toThrow(/were disposed/);
  });
});
