import { describe, expect, test } from "vitest";
import { LOSS_BLOCK } from "../../assembly/ops.ts";
import { guarded, read, ulp, uniform } from "../support/arrays.ts";
import { builds } from "../support/core.ts";

const COUNTS = [0, 1, 2, 3, 4, 5, 7, 8, 63, 130];
const none = (count: number) => new Array<number>(count).fill(Number.NaN);

/** Log variances of all kinds: usual, tiny, at the limits and outside of them. */
function logVariances(count: number): number[] {
  const odd = [0, -30, 20, -30.0001, 20.0001, -100, 90, 1e-6, -1e-4, 0.339, 0.341, -0.35, 12];
  return uniform(count, -6, 4, 3).map((v, i) =>
    i % 2 ? Math.fround(odd[(i >> 1) % odd.length]!) : v,
  );
}

const held = (log: number) => Math.min(Math.max(log, -30), 20);
const kl = (mu: number, log: number) => (mu * mu + Math.expm1(held(log)) - held(log)) / 2;

describe.each(builds)("the gaussian code, $name build", (core) => {
  const { kernels } = core;

  const inputs = (count: number) => ({
    mu: uniform(count, -3, 3, 1),
    log: logVariances(count),
    eps: uniform(count, -3, 3, 2),
    dz: uniform(count, -1, 1, 4),
  });

  test.each(COUNTS)("draws %i elements, out of place and in place", (count) => {
    const { mu, log, eps } = inputs(count);
    for (const place of ["apart", "mu", "eps", "log"]) {
      core.reset();
      const at = { mu: guarded(core, mu), log: guarded(core, log), eps: guarded(core, eps) };
      const z = place === "apart" ? guarded(core, none(count)) : at[place as keyof typeof at];
      kernels.gaussianSample(count, at.mu, at.log, at.eps, z);
      read(core, z, count).forEach((value, i) => {
        const noise = Math.exp(held(log[i]!) / 2) * eps[i]!;
        const size = Math.abs(noise) + Math.abs(mu[i]!);
        expect(Math.abs(value - (mu[i]! + noise))).toBeLessThanOrEqual(3 * ulp(size));
      });
    }
  });

  test.each([...COUNTS, LOSS_BLOCK - 1, LOSS_BLOCK, LOSS_BLOCK + 3, 2 * LOSS_BLOCK + 1])(
    "the divergence of %i elements, block by block",
    (count) => {
      core.reset();
      const { mu, log } = inputs(count);
      const blocks = Math.ceil(count / LOSS_BLOCK);
      const [pm, pl] = [guarded(core, mu), guarded(core, log)];
      const partials = core.alloc(8 * blocks + 8);
      core.f64(partials + 8 * blocks, 1)[0] = 777;
      kernels.gaussianKl(count, pm, pl, partials);
      for (let b = 0; b < blocks; b++) {
        let sum = 0;
        for (let i = b * LOSS_BLOCK; i < Math.min(count, (b + 1) * LOSS_BLOCK); i++) {
          sum += kl(mu[i]!, log[i]!);
        }
        expect(Math.abs(core.f64(partials, blocks)[b]! / sum - 1)).toBeLessThan(5e-7);
      }
      // Memory after the blocks is unchanged.
      expect(core.f64(partials + 8 * blocks, 1)[0]).toBe(777);
    },
  );

  test("a divergence near 0 is precise", () => {
    for (const log of [1e-3, -1e-3, 1e-5, -1e-6, 0.3, -0.339, 0.345, -0.5, 3, 19.5, -29]) {
      core.reset();
      const partials = core.alloc(8);
      kernels.gaussianKl(1, core.put([0]), core.put([log]), partials);
      const expected = kl(0, Math.fround(log));
      expect(Math.abs(core.f64(partials, 1)[0]! / expected - 1)).toBeLessThan(4e-6);
    }
    core.reset();
    const partials = core.alloc(8);
    kernels.gaussianKl(3, core.put([0, 0, 0]), core.put([0, -0, 0]), partials);
    expect(core.f64(partials, 1)[0]).toBe(0);
  });

  test.each(COUNTS)("gradients of %i elements, out of place and in place", (count) => {
    const weight = 0.37;
    const { mu, log, eps, dz } = inputs(count);
    for (const inPlace of [false, true]) {
      core.reset();
      const [pm, pl, pe, pd] = [mu, log, eps, dz].map((each) => guarded(core, each)) as [
        number,
        number,
        number,
        number,
      ];
      const dMu = inPlace ? pd : guarded(core, none(count));
      const dLog = inPlace ? pe : guarded(core, none(count));
      kernels.gaussianGradient(count, pm, pl, pe, pd, weight, dMu, dLog);
      read(core, dMu, count).forEach((value, i) => {
        const expected = dz[i]! + weight * mu[i]!;
        expect(Math.abs(value - expected)).toBeLessThanOrEqual(3 * ulp(4));
      });
      read(core, dLog, count).forEach((value, i) => {
        const inside = log[i]! >= -30 && log[i]! <= 20;
        if (!inside) {
          expect(value).toBe(0);
          return;
        }
        const noise = (dz[i]! * eps[i]! * Math.exp(log[i]! / 2)) / 2;
        const prior = (weight * Math.expm1(log[i]!)) / 2;
        const size = Math.abs(noise) + Math.abs(prior);
        expect(Math.abs(value - noise - prior)).toBeLessThanOrEqual(1e-6 * size);
      });
    }
  });

  test("the prior's gradient near a variance of 1 is precise", () => {
    for (const log of [1e-6, -1e-5, 1e-3, 0.3, -0.339, 0.35, -2]) {
      core.reset();
      const [zero, out] = [core.put([0]), core.alloc(4)];
      kernels.gaussianGradient(1, zero, core.put([log]), zero, zero, 2, core.alloc(4), out);
      const expected = Math.expm1(Math.fround(log));
      expect(Math.abs(core.f32(out, 1)[0]! / expected - 1)).toBeLessThan(5e-7);
    }
  });

  test("gradients are the derivatives of the sample and of the divergence", () => {
    core.reset();
    const [mu, log, eps, weight, h] = [0.7, -1.3, 1.9, 0.8, 1e-5];
    const loss = (m: number, l: number) => {
      const z = m + Math.exp(l / 2) * eps;
      return Math.sin(z) + weight * kl(m, l);
    };
    const dz = Math.cos(mu + Math.exp(log / 2) * eps);
    const [dMu, dLog] = [core.alloc(4), core.alloc(4)];
    const put = (value: number) => core.put([value]);
    kernels.gaussianGradient(1, put(mu), put(log), put(eps), put(dz), weight, dMu, dLog);
    const slope = (f: (t: number) => number) => (f(h) - f(-h)) / (2 * h);
    expect(core.f32(dMu, 1)[0]).toBeCloseTo(
      slope((t) => loss(mu + t, log)),
      5,
    );
    expect(core.f32(dLog, 1)[0]).toBeCloseTo(
      slope((t) => loss(mu, log + t)),
      5,
    );
  });

  test("NaN is never lost", () => {
    core.reset();
    const bad = core.put([Number.NaN]);
    const good = core.put([0.5]);
    const [a, b] = [core.alloc(4), core.alloc(8)];
    const value = (p: number) => core.f32(p, 1)[0];
    kernels.gaussianSample(1, good, bad, good, a);
    expect(value(a)).toBeNaN();
    kernels.gaussianKl(1, good, bad, b);
    expect(core.f64(b, 1)[0]).toBeNaN();
    kernels.gaussianGradient(1, good, bad, good, good, 1, a, b);
    expect(value(b)).toBeNaN();
  });

  // A load after the end of the range would trap there.
  test.each([1, 2, 3, 5])("nothing is read or written past %i elements", (count) => {
    core.reset();
    const inside = core.put(uniform(count, -1, 1, 1));
    const spare = core.alloc(16);
    const last = core.memory.buffer.byteLength - 4 * count;
    core.f32(last, count).set(uniform(count, -1, 1, 2));
    kernels.gaussianSample(count, inside, last, last, last);
    kernels.gaussianKl(count, last, last, spare);
    kernels.gaussianGradient(count, last, last, last, last, 1, last, last);
    expect(core.f32(last, count).every(Number.isFinite)).toBe(true);
  });
});
