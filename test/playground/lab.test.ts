// The experiment behind the playground, without a page.

import { describe, expect, test } from "vitest";
import { commandLine, javascript, type Recipe } from "../../playground/src/code.ts";
import { makeData } from "../../playground/src/data/sets.ts";
import { LESSONS } from "../../playground/src/lessons.ts";
import { DEFAULTS, type Settings } from "../../playground/src/settings.ts";
import { checksumOf } from "../../playground/src/worker/checksum.ts";
import { configFor, Lab } from "../../playground/src/worker/lab.ts";
import { halves } from "../../playground/src/worker/twin.ts";
import { TiedAutoencoder } from "../../src/index.ts";
import { runCommands, runProgram } from "./programs.ts";

const digits = makeData("digits");
const view = { sample: 3, axes: null, unit: -1 };
const forAWhile = 1e9;

async function lab(settings: Partial<Settings> = {}, changes: Recipe["changes"] = []) {
  const all = { ...DEFAULTS, ...settings };
  return Lab.open(all, makeData(all.data), changes, null);
}

describe("a lab", () => {
  test("has the same final weights for any pieces of the run", async () => {
    const [whole, pieces] = [await lab({ noise: 0.2 }), await lab({ noise: 0.2 })];
    await whole.run(60, 60, forAWhile);
    for (let i = 0; i < 12; i++) await pieces.run(5, 60, forAWhile);
    expect(pieces.checksum()).toBe(whole.checksum());
    await Promise.all([whole.close(), pieces.close()]);
  });

  test("repeats changes at their steps", async () => {
    const first = await lab();
    await first.run(20, 20, forAWhile);
    const changes = [first.change("learningRate", 0.01)];
    await first.run(10, 30, forAWhile);
    changes.push(first.change("noise", 0.3));
    await first.run(20, 50, forAWhile);
    expect(changes.map(({ step }) => step)).toEqual([20, 30]);
    const second = await lab({}, changes);
    await second.run(50, 50, forAWhile);
    expect(second.checksum()).toBe(first.checksum());
    expect(second.frame(view, 0)).toMatchObject({ step: 50, diverged: null });
    await Promise.all([first.close(), second.close()]);
  });

  test("continues from a saved model with the same weights", async () => {
    const first = await lab();
    await first.run(25, 25, forAWhile);
    const saved = first.file("resume");
    await first.run(25, 50, forAWhile);
    const second = await Lab.open(DEFAULTS, digits, [], saved);
    await second.run(25, 50, forAWhile);
    expect(second.checksum()).toBe(first.checksum());
    await Promise.all([first.close(), second.close()]);
  });

  test.each(["dense", "topK", "variational"] as const)(
    "its frame of a %s code is consistent",
    async (family) => {
      const own = await lab({ family, code: 4 });
      const loss = await own.run(8, 8, forAWhile);
      const frame = own.frame({ ...view, unit: 2 }, loss);
      expect(frame.step).toBe(8);
      expect(frame.points.length).toBe(2 * frame.rows.length);
      expect(frame.grid.length).toBe(frame.gridSize ** 2 * 64);
      // The point of a row is the projection of its code to the plane.
      const [row = 0] = frame.rows;
      const code = own.codesOf([row]);
      const along = (axis: Float32Array) =>
        code.reduce(
          (sum, value, i) => sum + (value - (frame.plane.origin[i] ?? 0)) * (axis[i] ?? 0),
          0,
        );
      expect(frame.points[0]).toBeCloseTo(along(frame.plane.across), 4);
      expect(frame.points[1]).toBeCloseTo(along(frame.plane.up), 4);
      expect(frame.halves === null).toBe(family !== "dense");
      await own.close();
    },
  );

  test("shows an earlier model without changing the current one", async () => {
    const own = await lab();
    await own.run(10, 10, forAWhile);
    const sum = own.checksum();
    const now = own.frame(view, 0);
    const then = own.frame(view, 0, 0);
    expect(then.step).toBe(0);
    expect(then.heldOut).toBeGreaterThan(now.heldOut);
    expect(own.checksum()).toBe(sum);
    await own.close();
  });

  test("p-values of held-out rows are uniform, and an image full of ink is odd", async () => {
    const own = await lab();
    await own.run(300, 300, forAWhile);
    const held = Array.from({ length: 170 }, (_, i) => i * 10 + 9);
    const small = held.filter(
      (row) => own.score(digits.values.slice(row * 64, row * 64 + 64)).pValue <= 0.1,
    );
    expect(small.length / held.length).toBeGreaterThan(0.05);
    expect(small.length / held.length).toBeLessThan(0.15);
    expect(own.score(new Float32Array(64).fill(1)).pValue).toBeLessThan(0.01);
    await own.close();
  });

  test("a learning rate that is too large ends with a message", async () => {
    const own = await lab({ optimizer: "sgd", learningRate: 1e30 });
    await own.run(50, 50, forAWhile);
    expect(own.frame(view, 0).diverged).toMatch(/diverged/);
    await own.close();
  });

  test("the twin starts as the tied model and then differs", async () => {
    const own = await lab({ hidden: 0, code: 4 });
    own.tie(false);
    expect(own.frame(view, 0).twin?.distance).toBe(0);
    await own.run(20, 20, forAWhile);
    const { twin, parameters } = own.frame(view, 0);
    expect(twin?.distance).toBeGreaterThan(0.01);
    expect(twin?.parameters).toBe(parameters + 4 * 64);
    await own.close();
  });

  test("the linear twin learns the rows of training: its loss is that of PCA and not less", async () => {
    const own = await lab({ hidden: 0, code: 8, activation: "linear", learningRate: 0.01 });
    own.tie(false);
    await own.run(600, 600, forAWhile);
    own.frame(view, 0); // begins a new mean of the losses
    await own.run(300, 900, forAWhile);
    const ratio = (own.frame(view, 0).twin?.loss ?? 0) / (await own.floor());
    expect(ratio).toBeGreaterThan(0.97);
    expect(ratio).toBeLessThan(1.06);
    await own.close();
  });

  test("shows the noise that the input has in training, and cleans it", async () => {
    const own = await lab({ hidden: 0, code: 32, activation: "gelu", noise: 0.5 });
    await own.run(400, 400, forAWhile);
    const { input, output } = own.frame(view, 0).passage;
    const clean = digits.values.subarray(3 * 64, 4 * 64);
    const distance = (row: Float32Array) =>
      Math.hypot(...row.map((value, i) => value - (clean[i] ?? 0))) / 8;
    expect(distance(input)).toBeGreaterThan(0.35);
    expect(distance(output)).toBeLessThan(0.25);
    expect(own.frame(view, 0).passage.input).toEqual(input);
    await own.close();
  });
});

test.each(["circles", "swissRoll", "sensors"] as const)(
  "rows of %s that are held out, one in ten, have every label but that of faults",
  (name) => {
    const { labels } = makeData(name);
    const held = labels.filter((_, i) => i % 10 === 9);
    const expected = new Set(labels.filter((label) => label !== "fault"));
    expect(new Set(held)).toEqual(expected);
  },
);

describe("the gradient of a tied weight", () => {
  test.each(["tanh", "relu", "gelu", "sigmoid", "linear"] as const)(
    "with %s is the sum of its two halves",
    async (activation) => {
      const settings = { ...DEFAULTS, hidden: 8, code: 3, activation };
      using model = await TiedAutoencoder.create(configFor(settings, digits));
      const batch = digits.values.subarray(0, 20 * 64);
      model.accumulateGradients(batch);
      const [named, total] = [model.weights(), model.gradients()];
      const layers = [0, 1].map((i) => {
        const { shape = [], data = new Float32Array(0) } = named[`encoder.${i}.weight`] ?? {};
        const [units = 0, inputs = 0] = shape;
        return {
          weight: { units, inputs, values: data },
          bias: named[`encoder.${i}.bias`]?.data ?? new Float32Array(0),
          decoderBias: named[`decoder.${i}.bias`]?.data ?? new Float32Array(0),
        };
      });
      halves(layers, activation, Float64Array.from(batch), 20).forEach(
        ({ encoder, decoder }, i) => {
          const whole = total[`encoder.${i}.weight`]?.data ?? [];
          const largest = Math.max(...Array.from(whole, Math.abs));
          expect(largest).toBeGreaterThan(0);
          encoder.forEach((half, j) => {
            expect(Math.abs(half + (decoder[j] ?? 0) - (whole[j] ?? 0))).toBeLessThan(
              1e-5 * largest,
            );
          });
        },
      );
    },
  );
});

describe("copied code", () => {
  test.each([
    ["dense", {}, [{ step: 10, key: "learningRate", value: 0.01 }]],
    ["with noise that changes", { noise: 0.2 }, [{ step: 12, key: "noise", value: 0 }]],
    ["top-k", { family: "topK", hidden: 0, code: 16, activation: "linear" }, []],
    ["variational", { family: "variational" }, []],
  ] as const)("in JavaScript, %s, has the weights of the page", async (_, settings, changes) => {
    const own = await lab(settings, [...changes]);
    await own.run(30, 30, forAWhile);
    const recipe = {
      settings: { ...DEFAULTS, ...settings },
      changes: [...changes],
      step: 30,
      columns: 64,
      isTable: false,
    };
    const weights = runProgram(javascript(recipe));
    expect(checksumOf(weights)).toBe(own.checksum());
    await own.close();
  });

  test.each([
    ["dense", {}],
    ["denoising", { noise: 0.2, activation: "gelu" }],
    ["top-k", { family: "topK", hidden: 0, code: 16, activation: "linear" }],
    ["variational", { family: "variational" }],
  ] as const)("on the command line, %s, trains and scores", (_, settings) => {
    const all = { ...DEFAULTS, ...settings };
    const text = commandLine({ settings: all, changes: [], step: 50, columns: 64, isTable: false });
    const { model, lines } = runCommands(text);
    expect(model.layers).toEqual(all.hidden > 0 ? [64, all.hidden, all.code] : [64, all.code]);
    expect(lines).toBe(1797 + 1);
  });
});

describe("lessons", () => {
  const afterSteps = async (id: string, steps: number) => {
    const lesson = LESSONS.find((each) => each.id === id);
    if (!lesson) throw new Error(`There is no lesson ${id}.`);
    const own = await Lab.open(lesson.settings, makeData(lesson.settings.data), [], null);
    const floor = await own.floor();
    if (!lesson.tied) own.tie(false);
    await own.run(steps, steps, forAWhile);
    const frame = own.frame(view, 0);
    await own.close();
    return { frame, floor };
  };

  test("a linear model reaches the error of PCA and not less", async () => {
    const { frame, floor } = await afterSteps("pca", 1500);
    expect(frame.heldOut / floor).toBeGreaterThan(0.97);
    expect(frame.heldOut / floor).toBeLessThan(1.06);
  });

  test("a relu code of two has a larger error than PCA", async () => {
    const { frame, floor } = await afterSteps("fails", 1000);
    expect(frame.heldOut).toBeGreaterThan(floor * 1.2);
  });

  test("faults of the sensors have the largest errors", async () => {
    const { frame } = await afterSteps("anomalies", 700);
    const faults = new Set(makeData("sensors").faults);
    const order = [...frame.errors.keys()].sort(
      (a, b) => (frame.errors[b] ?? 0) - (frame.errors[a] ?? 0),
    );
    const found = order.slice(0, faults.size).filter((i) => faults.has(frame.rows[i] ?? -1));
    expect(found.length).toBeGreaterThanOrEqual(36);
  });
});
