import { describe, expect, test } from "vitest";
import { builds, type TestCore } from "../support/core.ts";
import * as reference from "../support/reference/random.ts";

type Rng = reference.Rng;
const RNG: Rng = [1, 2, 3, 4];
// Elements of that stream with extreme words, found by drawing all elements.
const ALL_ONES = 1_086_163_454; // word 0xffffffff
const LARGEST_MAGNITUDE = 2_388_832_977; // word 0x7fffffff
const ONE = 417_375_178; // word 1

const GUARD = 1234.5;
const { fround } = Math;

/** The result of `run` in `count` floats. Checks that the guard words around them are unchanged. */
function floats(core: TestCore, count: number, run: (out: number) => void): Float32Array {
  const out = core.put(new Float32Array(count + 8).fill(GUARD));
  run(out + 16);
  const all = core.f32(out, count + 8).slice();
  expect(all.subarray(0, 4)).toEqual(new Float32Array(4).fill(GUARD));
  expect(all.subarray(count + 4)).toEqual(new Float32Array(4).fill(GUARD));
  return all.slice(4, count + 4);
}

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** FNV-1a of the bytes. */
function hash(values: Float32Array | Uint32Array): string {
  let h = 0x811c9dc5;
  for (const byte of new Uint8Array(values.buffer, values.byteOffset, values.byteLength)) {
    h = Math.imul(h ^ byte, 0x01000193);
  }
  return (h >>> 0).toString(16);
}

function floatBelow(x: number): number {
  const view = new Float32Array([x]);
  const word = bits(view);
  word[0] = x === 0 ? 0x8000_0001 : word[0]! + (x > 0 ? -1 : 1);
  return view[0]!;
}

test("the reference Philox gives the known answers of Random123", () => {
  const ones = 0xffff_ffff;
  expect(reference.philox([0, 0, 0, 0], [0, 0])).toEqual([
    0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8,
  ]);
  expect(reference.philox([ones, ones, ones, ones], [ones, ones])).toEqual([
    0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
  ]);
  expect(
    reference.philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
  ).toEqual([0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
});

describe.each(builds)("random kernels, $name build", (core) => {
  const { kernels } = core;

  const draws: [string, (count: number, out: number, start: number, rng: Rng) => void][] = [
    ["randomBits", (count, out, start, rng) => kernels.randomBits(count, out, start, ...rng)],
    ["randomUniform", (n, out, start, rng) => kernels.randomUniform(n, out, start, -2, 3, ...rng)],
    ["randomNormal", (n, out, start, rng) => kernels.randomNormal(n, out, start, 0.5, 2, ...rng)],
    [
      "addNormal",
      (count, out, start, rng) => kernels.addNormal(count, ramp(start), out, start, 0.25, ...rng),
    ],
    [
      "randomMask",
      (count, out, start, rng) =>
        kernels.randomMask(count, ramp(start), out, start, 0.3, 1.5, ...rng),
    ],
    [
      "saltPepper",
      (count, out, start, rng) =>
        kernels.saltPepper(count, ramp(start), out, start, 0.3, -7, 9, ...rng),
    ],
  ];
  // Data for draws that read: element i of a stream uses the value i / 8 + 1.
  let ramps = 0;
  const ramp = (start: number) => ramps + 4 * start;
  const resetWithRamp = (length: number) => {
    core.reset();
    ramps = core.put(Float32Array.from({ length }, (_, i) => i / 8 + 1));
  };

  test("randomBits starts with the known answer for a zero key and counter", () => {
    core.reset();
    const out = core.alloc(16);
    kernels.randomBits(4, out, 0, 0, 0, 0, 0);
    expect(Array.from(core.u32(out, 4))).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
  });

  test.each<[number, Rng]>([
    [0, [0, 0, 0, 0]],
    [5, [0xa4093822, 0x299f31d0, 0x13198a2e, 0x03707344]],
    [0x7fff_fffd, [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff]],
    [0xffff_ff00, [7, 0, 0x8000_0000, 1]],
  ])("randomBits is Philox from element %i on, under %o", (start, rng) => {
    core.reset();
    const out = floats(core, 101, (p) => kernels.randomBits(101, p, start, ...rng));
    expect(Array.from(bits(out))).toEqual(reference.words(101, start, rng));
  });

  test.each(draws)("%s: an element is the same in every range", (_, draw) => {
    resetWithRamp(64);
    const whole = bits(floats(core, 64, (out) => draw(64, out, 0, RNG)));
    for (let start = 0; start < 9; start++) {
      for (let count = 0; count < 40; count++) {
        const part = bits(floats(core, count, (out) => draw(count, out, start, RNG)));
        expect(part).toEqual(whole.slice(start, start + count));
      }
    }
  });

  test.each(draws)("%s: data and output may end at the end of memory", (_, draw) => {
    for (let count = 1; count < 20; count++) {
      resetWithRamp(64);
      const expected = bits(floats(core, count, (out) => draw(count, out, 2, RNG)));
      const last = core.memory.buffer.byteLength - 4 * count;
      draw(count, last, 2, RNG);
      expect(bits(core.f32(last, count).slice())).toEqual(expected);
      // The same data at the end of memory: element 2 of the ramp is read first.
      core.f32(last, count).set(core.f32(ramps + 8, count));
      const kept = ramps;
      ramps = last - 8;
      expect(bits(floats(core, count, (out) => draw(count, out, 2, RNG)))).toEqual(expected);
      ramps = kept;
    }
  });

  test.each(draws)("%s: seeds, steps and streams give different draws", (_, draw) => {
    resetWithRamp(64);
    const seen = new Set<string>();
    const variants: Rng[] = [RNG, [0, 2, 3, 4], [1, 0, 3, 4], [1, 2, 0, 4], [1, 2, 3, 0]];
    for (const rng of variants) seen.add(hash(floats(core, 64, (out) => draw(64, out, 0, rng))));
    expect(seen.size).toBe(variants.length);
  });

  // These hashes must never change, so that a saved run resumes with the same numbers.
  test.each([
    ["randomBits", "c9a316af"],
    ["randomUniform", "e1668d49"],
    ["randomNormal", "99e0f6e9"],
    ["addNormal", "1ce2543e"],
    ["randomMask", "c228a985"],
    ["saltPepper", "3f41d217"],
  ])("the stream of %s is frozen: hash %s of 10007 elements from 3 on", (name, expected) => {
    resetWithRamp(10_010);
    const draw = draws.find(([key]) => key === name)![1];
    expect(hash(floats(core, 10_007, (out) => draw(10_007, out, 3, RNG)))).toBe(expected);
  });

  describe("randomUniform", () => {
    const COUNT = 20_000;
    const uniforms = (low: number, high: number, count = COUNT, start = 0) =>
      floats(core, count, (out) => kernels.randomUniform(count, out, start, low, high, ...RNG));

    test.each([
      [0, 1],
      [-1, 1],
      [1, 2],
      [-2, -1],
      [-0.05, 0.05],
      [-1, 0],
      [1000, 1000.5],
      [1, 1 + 2 ** -23],
      [0, 1e-40],
      [-1.7e38, 1.7e38],
    ])("stays in [%d, %d) and follows its formula bit for bit", (low, high) => {
      core.reset();
      const [l, h] = [fround(low), fround(high)];
      const unit = fround(fround(h - l) / 2 ** 24);
      const rounded = reference
        .words(COUNT, 0, RNG)
        .map((word) => fround(l + fround(unit * (word >>> 8))));
      const result = uniforms(low, high);
      expect(Array.from(result)).toEqual(rounded.map((v) => Math.min(v, floatBelow(h))));
      expect(result.every((v) => v >= l && v < h)).toBe(true);
      // This includes the case that would round up to high.
      if (low === 1000) expect(Math.max(...rounded)).toBe(h);
    });

    test("the largest uniform is below high, for large negative and positive limits", () => {
      core.reset();
      expect(uniforms(0, 1, 1, ALL_ONES)[0]).toBe(1 - 2 ** -24);
      expect(uniforms(1, 2, 1, ALL_ONES)[0]).toBe(floatBelow(2));
      expect(uniforms(-1, 0, 1, ALL_ONES)[0]).toBe(-(2 ** -24));
      expect(uniforms(-5, -4, 1, ALL_ONES)[0]).toBe(floatBelow(-4));
    });

    test("an empty interval gives its lower end", () => {
      core.reset();
      expect(uniforms(2.5, 2.5, 9)).toEqual(new Float32Array(9).fill(2.5));
      expect(uniforms(2.5, 1, 9)).toEqual(new Float32Array(9).fill(2.5));
    });

    test("fills 256 bins evenly, neighbours uncorrelated (4 sigma)", () => {
      core.reset();
      const count = 1 << 18;
      const u = uniforms(0, 1, count);
      const bins = new Float64Array(256);
      let product = 0;
      for (let i = 0; i < count; i++) {
        bins[Math.floor(u[i]! * 256)]!++;
        product += (u[i]! - 0.5) * ((u[i + 1] ?? 0.5) - 0.5);
      }
      const chi = bins.reduce((s, n) => s + (n - count / 256) ** 2 / (count / 256), 0);
      expect(Math.abs(chi - 255)).toBeLessThan(4 * Math.sqrt(2 * 255));
      expect(Math.abs(product * 12)).toBeLessThan(4 * Math.sqrt(count));
    });
  });

  describe("randomNormal", () => {
    const normals = (count: number, start = 0) =>
      floats(core, count, (out) => kernels.randomNormal(count, out, start, 0, 1, ...RNG));

    test("is the quantile of its word, with a relative error of 7e-7", () => {
      core.reset();
      const count = 20_000;
      const z = normals(count);
      const worst = reference
        .words(count, 0, RNG)
        .reduce((w, word, i) => Math.max(w, Math.abs(z[i]! / reference.normalOf(word) - 1)), 0);
      expect(worst).toBeLessThan(7e-7);
    });

    test("ends at +-6.338 and is never zero", () => {
      core.reset();
      const end = reference.normalOf(0x7fff_ffff);
      expect(end).toBeCloseTo(6.338, 3);
      const [top, bottom] = [normals(1, LARGEST_MAGNITUDE)[0]!, normals(1, ALL_ONES)[0]!];
      expect(Math.abs(top / end - 1)).toBeLessThan(7e-7);
      expect(bottom).toBe(-top);
      expect(Math.abs(normals(1, ONE)[0]! / reference.normalOf(1) - 1)).toBeLessThan(7e-7);
    });

    test("a million have the moments, distribution and tails of a normal (4 sigma)", () => {
      core.reset();
      const count = 1 << 20;
      const z = normals(count);
      const moments = [0, 0, 0, 0, 0];
      let beyond3 = 0;
      let beyond4 = 0;
      for (const v of z) {
        for (let k = 1; k <= 4; k++) moments[k]! += v ** k / count;
        if (Math.abs(v) > 3) beyond3++;
        if (Math.abs(v) > 4) beyond4++;
      }
      const sigma = (variance: number) => 4 * Math.sqrt(variance / count);
      expect(Math.abs(moments[1]!)).toBeLessThan(sigma(1));
      expect(Math.abs(moments[2]! - 1)).toBeLessThan(sigma(2));
      expect(Math.abs(moments[3]!)).toBeLessThan(sigma(15));
      expect(Math.abs(moments[4]! - 3)).toBeLessThan(sigma(96));
      for (const [limit, found] of [
        [3, beyond3],
        [4, beyond4],
      ] as const) {
        const expected = count * reference.tail(limit);
        expect(Math.abs(found - expected)).toBeLessThan(4 * Math.sqrt(expected));
      }
      // Kolmogorov-Smirnov at every 64th order statistic; 1.95 / sqrt(n) is the 0.1 % point.
      z.sort();
      let distance = 0;
      for (let i = 0; i < count; i += 64) {
        const p = reference.distribution(z[i]!);
        distance = Math.max(distance, Math.abs(p - i / count), Math.abs(p - (i + 1) / count));
      }
      expect(distance).toBeLessThan(1.95 / Math.sqrt(count));
    });

    test("scales, shifts and adds with one rounding each", () => {
      core.reset();
      const count = 77;
      const z = Array.from(normals(count));
      const scaled = floats(core, count, (p) => kernels.randomNormal(count, p, 0, 3, 0.1, ...RNG));
      expect(Array.from(scaled)).toEqual(z.map((v) => fround(3 + fround(fround(0.1) * v))));
      const data = z.map((_, i) => fround(Math.sin(i)));
      const x = core.put(data);
      const sums = floats(core, count, (p) => kernels.addNormal(count, x, p, 0, 0.1, ...RNG));
      expect(Array.from(sums)).toEqual(z.map((v, i) => fround(data[i]! + fround(fround(0.1) * v))));
      expect(Array.from(core.f32(x, count))).toEqual(data);
    });
  });

  describe("randomMask and saltPepper", () => {
    const COUNT = 4099;
    const data = Array.from({ length: COUNT }, (_, i) => fround(Math.cos(i) * 3));
    const struck = (rate: number) => {
      const limit = Math.ceil(fround(rate) * 2 ** 24);
      return reference.words(COUNT, 0, RNG).map((word) => word >>> 8 < limit);
    };

    test.each([0, 2 ** -24, 0.1, 0.5, 0.9, 1 - 2 ** -24, 1])(
      "change values at a rate of %d",
      (rate) => {
        core.reset();
        const hit = struck(rate);
        const share = hit.filter(Boolean).length / COUNT;
        const spread = Math.sqrt((rate * (1 - rate)) / COUNT);
        expect(Math.abs(share - rate)).toBeLessThanOrEqual(4 * spread + 1e-12);

        const x = core.put(data);
        const kept = floats(core, COUNT, (out) =>
          kernels.randomMask(COUNT, x, out, 0, rate, 1.25, ...RNG),
        );
        expect(Array.from(kept)).toEqual(data.map((v, i) => (hit[i] ? 0 : fround(1.25 * v))));
        const noisy = floats(core, COUNT, (out) =>
          kernels.saltPepper(COUNT, x, out, 0, rate, -1, 2, ...RNG),
        );
        const words = reference.words(COUNT, 0, RNG);
        expect(Array.from(noisy)).toEqual(
          data.map((v, i) => (hit[i] ? (words[i]! & 1 ? 2 : -1) : v)),
        );
        expect(Array.from(core.f32(x, COUNT))).toEqual(data);
        // In place, as dropout is used.
        kernels.randomMask(COUNT, x, x, 0, rate, 1.25, ...RNG);
        expect(core.f32(x, COUNT)).toEqual(kept);
      },
    );

    test("a masked NaN becomes 0, and a kept NaN stays NaN", () => {
      core.reset();
      const x = core.put(new Float32Array(COUNT).fill(Number.NaN));
      const hit = struck(0.5);
      kernels.randomMask(COUNT, x, x, 0, 0.5, 2, ...RNG);
      expect(Array.from(core.f32(x, COUNT))).toEqual(hit.map((h) => (h ? 0 : Number.NaN)));
    });

    test("salt and pepper are equally frequent (4 sigma)", () => {
      core.reset();
      const x = core.put(new Float32Array(COUNT));
      kernels.saltPepper(COUNT, x, x, 0, 1, -1, 1, ...RNG);
      const sum = core.f32(x, COUNT).reduce((s, v) => s + v, 0);
      expect(Math.abs(sum)).toBeLessThan(4 * Math.sqrt(COUNT));
    });
  });

  describe("permutation", () => {
    const permute = (count: number, rng: Rng) =>
      bits(floats(core, count, (out) => kernels.permutation(count, out, ...rng)));

    test.each([0, 1, 2, 3, 4, 5, 17, 1000, 100_000])(
      "of %i numbers contains each number once",
      (count) => {
        core.reset();
        const order = permute(count, RNG);
        expect(new Set(order).size).toBe(count);
        expect(order.every((v) => v < count)).toBe(true);
        if (count > 16) expect(order.filter((v, i) => v === i).length).toBeLessThan(10);
      },
    );

    test("equals Fisher-Yates with rejection", () => {
      core.reset();
      for (const count of [1, 2, 5, 64, 1001]) {
        expect(Array.from(permute(count, RNG))).toEqual(reference.permutation(count, RNG).order);
      }
    });

    test.each([
      [25_439, 700, 1],
      [17_554, 2100, 2],
    ])("of seed %i draws again where Lemire's method rejects", (seed, count, rejected) => {
      core.reset();
      const rng: Rng = [seed, 2, 3, 4];
      const { order, redraws } = reference.permutation(count, rng);
      expect(redraws).toBe(rejected);
      expect(Array.from(permute(count, rng))).toEqual(order);
    });

    test.each([3, 4, 5])("every order of %i is equally frequent (4 sigma)", (count) => {
      core.reset();
      const out = core.alloc(4 * count);
      const orders = new Map<string, number>();
      const cells = [1, 2, 3, 4, 5].slice(0, count).reduce((a, b) => a * b, 1);
      const rounds = 200 * cells;
      for (let step = 0; step < rounds; step++) {
        kernels.permutation(count, out, 11, 12, step, 5);
        const key = core.u32(out, count).join();
        orders.set(key, (orders.get(key) ?? 0) + 1);
      }
      expect(orders.size).toBe(cells);
      const chi = [...orders.values()].reduce((s, n) => s + (n - 200) ** 2 / 200, 0);
      expect(Math.abs(chi - (cells - 1))).toBeLessThan(4 * Math.sqrt(2 * (cells - 1)));
    });

    test("never changes: hash of 10007 elements", () => {
      core.reset();
      expect(hash(permute(10_007, RNG))).toBe("3ba8c3b7");
    });
  });
});
