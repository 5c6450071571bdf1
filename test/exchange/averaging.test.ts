import { describe, expect, test } from "vitest";
import {
  averageWeights,
  InvalidTypeError,
  InvalidValueError,
  type NamedWeights,
  TiedAutoencoder,
} from "../../src/index.ts";
import { relativeDistance } from "../support/distance.ts";
import { randomRows } from "../support/random.ts";

const layers = [6, 4, 2];
const models = [1, 2, 3].map((seed) => TiedAutoencoder.createSync({ layers, seed }));
const weights = models.map((model) => model.weights());

function distance(a: NamedWeights, b: NamedWeights): number {
  return Math.max(...Object.keys(b).map((name) => relativeDistance(a[name]!.data, b[name]!.data)));
}

describe("averageWeights", () => {
  test.each([[undefined], [[1, 1, 1]], [[3, 0, 1.5]], [[1e-9, 2e-9, 0]]])(
    "with shares %j is the weighted mean, to float32's rounding",
    (shares) => {
      const mean = averageWeights(weights, shares);
      expect(Object.keys(mean)).toEqual(Object.keys(weights[0]!));
      const factors = shares ?? [1, 1, 1];
      const total = factors.reduce((a, b) => a + b);
      for (const [name, { shape, data }] of Object.entries(mean)) {
        expect(shape).toEqual(weights[0]![name]!.shape);
        data.forEach((value, i) => {
          const sum = factors.reduce(
            (acc, share, k) => acc + share * weights[k]![name]!.data[i]!,
            0,
          );
          expect(value).toBe(Math.fround(sum / total));
        });
      }
      models[0]!.setWeights(mean); // the result is a valid argument
      models[0]!.setWeights(weights[0]!);
    },
  );

  test("the average of copies of a model is bit-identical to the model for any shares", () => {
    const same = [weights[1]!, weights[1]!, weights[1]!];
    expect(averageWeights(same)).toEqual(weights[1]);
    expect(averageWeights(same, [0.1, 0.2, 0.7])).toEqual(weights[1]);
    expect(averageWeights([weights[2]!])).toEqual(weights[2]);
  });

  test("results are copies, and arguments do not change", () => {
    const before = structuredClone(weights);
    const [name] = Object.keys(weights[0]!);
    averageWeights(weights)[name!]!.data.fill(7);
    averageWeights([weights[0]!])[name!]!.data.fill(7);
    expect(weights).toEqual(before);
  });

  test("a hundred thousand terms are summed in float64", () => {
    const one = { w: { shape: [1], data: new Float32Array([1 / 3]) } };
    const many = new Array<NamedWeights>(100_000).fill(one);
    expect(averageWeights(many).w!.data[0]).toBe(Math.fround(1 / 3));
  });

  const other = TiedAutoencoder.createSync({ layers: [6, 4, 3] }).weights();
  const unbiased = TiedAutoencoder.createSync({ layers, bias: false }).weights();
  const [w] = weights as [NamedWeights];
  test.each<[string, unknown, unknown, new (message: string) => Error, RegExp]>([
    ["no array", w, undefined, InvalidTypeError, /an array of what weights\(\) gives/],
    ["nothing", [], undefined, InvalidValueError, /at least one/],
    [
      "another shape",
      [w, other],
      undefined,
      InvalidValueError,
      /weights\[1\]\["encoder.1.weight"\] has shape \[3, 4\]/,
    ],
    [
      "a name too few",
      [w, unbiased],
      undefined,
      InvalidTypeError,
      /weights\[1\]\["encoder.0.bias"\]/,
    ],
    [
      "a name too many",
      [unbiased, w],
      undefined,
      InvalidValueError,
      /weights\[1\] has "encoder.0.bias"/,
    ],
    ["no weights", [w, null], undefined, InvalidTypeError, /weights\[1\] must be/],
    ["no data", [{ w: { shape: [1], data: [1] } }], undefined, InvalidTypeError, /Float32Array/],
    ["shares of another number", [w, w], [1], InvalidValueError, /2 numbers/],
    ["a negative share", [w, w], [1, -1], InvalidValueError, /shares\[1\]/],
    ["a share that is no number", [w, w], [1, Number.NaN], InvalidValueError, /shares\[1\]/],
    ["shares all 0", [w, w], [0, 0], InvalidValueError, /All shares are 0/],
  ])("refuses %s", (_, given, shares, kind, message) => {
    const call = () => averageWeights(given as NamedWeights[], shares as number[]);
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
  });
});

describe("addGradients", () => {
  const x = randomRows(40, 6, 1);
  const parts = [x.subarray(0, 60), x.subarray(60, 120), x.subarray(120)];
  const shares = [0.25, 0.25, 0.5];

  test("gradients of other processes, scaled by their shares, give the step of one process", () => {
    const config = { layers, l2: 1e-3, optimizer: { type: "adam", clipNorm: 0.05 } } as const;
    const whole = TiedAutoencoder.createSync(config);
    const main = TiedAutoencoder.createSync(config);
    const workers = parts.map(() => TiedAutoencoder.createSync({ ...config, seed: 9 }));
    for (let t = 0; t < 10; t++) {
      whole.trainOnBatch(x);
      workers.forEach((worker, i) => {
        worker.setWeights(main.weights());
        worker.zeroGradients();
        worker.accumulateGradients(parts[i]!);
        main.addGradients(worker.gradients(), { scale: shares[i]! });
      });
      main.applyGradients();
      expect(distance(main.weights(), whole.weights())).toBeLessThan(1e-5);
    }
    expect(main.stepCount).toBe(10);
  });

  test("without accumulated gradients they are set, and otherwise added", () => {
    const [a, b] = [models[0]!, models[1]!];
    a.accumulateGradients(x);
    const own = a.gradients();
    b.accumulateGradients(x);
    const theirs = b.gradients();
    a.zeroGradients();
    a.addGradients(theirs);
    expect(a.gradients()).toEqual(theirs);
    a.accumulateGradients(x);
    a.addGradients(theirs, { scale: -3 });
    for (const [name, { data }] of Object.entries(a.gradients())) {
      const expected = data.map((_, i) => own[name]!.data[i]! - 2 * theirs[name]!.data[i]!);
      expect(relativeDistance(data, expected)).toBeLessThan(1e-6);
    }
    a.zeroGradients();
    expect(() => a.gradients()).toThrow(/nothing was accumulated/);
  });

  test("wrong names, shapes and values are refused, and the accumulated gradients do not change", () => {
    const model = TiedAutoencoder.createSync({ layers });
    model.accumulateGradients(x);
    const before = model.gradients();
    const broken = structuredClone(before);
    broken["encoder.1.bias"]!.data[1] = Number.NaN;
    const { "decoder.0.bias": _, ...missing } = before;
    expect(() => model.addGradients(broken)).toThrow(/element 1 of encoder.1.bias is NaN/);
    expect(() => model.addGradients(before, { scale: 1e300 })).toThrow(InvalidValueError);
    expect(() => model.addGradients(missing)).toThrow(/addGradients lacks "decoder.0.bias"/);
    expect(() => model.addGradients({ ...before, extra: before["encoder.0.bias"]! })).toThrow(
      /no option "extra"/,
    );
    expect(() => model.addGradients(before, { rate: 1 } as object)).toThrow(/no option "rate"/);
    expect(model.gradients()).toEqual(before);
  });
});
