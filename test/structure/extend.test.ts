// A new activation, optimizer, loss, code, penalty, constraint, scaler, schedule or noise is one object, and none of these
// needs a change in src/. Each is added to its registry, trained with, saved, loaded, and refused with a wrong option.

import { describe, expect, test } from "vitest";
import { constraints } from "../../src/constraints/index.ts";
import {
  type FitOptions,
  InvalidValueError,
  type ModelConfig,
  TiedAutoencoder,
} from "../../src/index.ts";
import { activations } from "../../src/layers/activations.ts";
import type { CodeDefinition } from "../../src/layers/code.ts";
import { Dense } from "../../src/layers/dense.ts";
import type { Layer } from "../../src/layers/layer.ts";
import { losses } from "../../src/losses/index.ts";
import { codes } from "../../src/model/codes.ts";
import { scalers } from "../../src/model/scalers.ts";
import { optimizers } from "../../src/optimizers/index.ts";
import { penalties } from "../../src/penalties/index.ts";
import { encodePyTorch } from "../../src/pytorch/index.ts";
import { noises } from "../../src/training/noise/index.ts";
import { schedules } from "../../src/training/schedules/index.ts";
import { checkOnnx } from "../support/onnx-checker.ts";
import { randomRows } from "../support/random.ts";
import {
  box,
  codeL2,
  division,
  gainCode,
  halving,
  heavyBall,
  inputDropout,
  saturating,
  scaledMse,
} from "./extensions.ts";

activations.add(saturating);
optimizers.add(heavyBall);
losses.add(scaledMse);
codes.add(gainCode);
penalties.add(codeL2);
constraints.add(box);
scalers.add(division);
schedules.add(halving);
noises.add(inputDropout);

/** A dense code whose encoding layer is not a Dense but has one. */
const wrappedCode: CodeDefinition<"wrapped", object> = {
  type: "wrapped",
  options: {},
  layers({ encoder, decoder, between }) {
    const dense = new Dense(encoder);
    const wrapped: Layer = {
      name: dense.name,
      inputs: dense.inputs,
      outputs: dense.outputs,
      parameters: dense.parameters,
      buffers: [],
      label: "wrapped",
      plan: (room) => dense.plan(room),
      onnx: (write, from, to) => dense.onnx(write, from, to),
    };
    return { encode: [wrapped], decode: [...between, new Dense(decoder)] };
  },
};

const ROWS = 40;
const x = randomRows(ROWS, 8, 5);

/** The types of the package only list its own names, so settings with other names are plain objects. */
function configOf(settings: object): ModelConfig {
  const base: ModelConfig = { layers: [8, 5], simd: "baseline", seed: 6, gradient: "direct" };
  return { ...base, ...settings };
}
const fitOf = (settings: object): FitOptions => ({ epochs: 6, batchSize: 10, ...settings });

async function trained(settings: object, options: object = {}): Promise<TiedAutoencoder> {
  const model = await TiedAutoencoder.create(configOf(settings));
  await model.fit(x, fitOf(options));
  return model;
}
const weightsOf = (model: TiedAutoencoder) =>
  Object.values(model.weights()).flatMap(({ data }) => [...data]);

const sgd = (learningRate: number) => ({ optimizer: { type: "sgd", learningRate } });

/** Settings with a new object, the same with a wrong option, and its text in the summary. */
const inConfigurations: [kind: string, right: object, wrong: object, inSummary: RegExp][] = [
  [
    "activation",
    { activation: { type: "saturating", scale: 1.5 } },
    { activation: { type: "saturating", scale: -1 } },
    /saturating\(1.5\)/,
  ],
  [
    "optimizer",
    { optimizer: { type: "heavyBall", learningRate: 0.01, friction: 0.5 } },
    { optimizer: { type: "heavyBall", friction: 1 } },
    /optimizer heavyBall/,
  ],
  [
    "loss",
    { loss: { type: "scaledMse", factor: 0.25 } },
    { loss: { type: "scaledMse", factor: 0 } },
    /loss scaledMse\(0.25\)/,
  ],
  [
    "code",
    { code: { type: "gain", factor: 2 } },
    { code: { type: "gain", factor: -2 } },
    /gain +5 → 5 +gain\(2\)/,
  ],
  [
    "penalty",
    { penalties: [{ type: "codeL2", weight: 0.1 }] },
    { penalties: [{ type: "codeL2", weight: -0.1 }] },
    /penalties codeL2\(0.1\)/,
  ],
  [
    "constraint",
    { constraint: { type: "box", limit: 0.1 } },
    { constraint: { type: "box", limit: 0 } },
    /constraint box\(0.1\)/,
  ],
  [
    "scaler",
    { scaler: { type: "division", by: 2 } },
    { scaler: { type: "division", by: 0 } },
    /parameters, loss mse/, // a summary does not name the scaler
  ],
];

describe.each(inConfigurations)("a new %s", (kind, right, wrong, inSummary) => {
  test("trains", async () => {
    using model = TiedAutoencoder.createSync(configOf(right));
    const before = model.evaluate(x);
    await model.fit(x, fitOf({ epochs: 40 }));
    expect(model.evaluate(x)).toBeLessThan(before);
  });

  test("continues from a file with the same bits", async () => {
    using model = await trained(right);
    using loaded = await TiedAutoencoder.load(model.save({ optimizer: true }), {
      simd: "baseline",
    });
    expect(loaded.config).toEqual(model.config);
    model.trainOnBatch(x);
    loaded.trainOnBatch(x);
    expect(weightsOf(loaded)).toEqual(weightsOf(model));
  });

  test("is in the summary and in ONNX", async () => {
    using model = await trained(right);
    expect(model.summary()).toMatch(inSummary);
    checkOnnx(model.toOnnx());
  });

  test("is refused by the PyTorch export, whose module does not have it", () => {
    using model = TiedAutoencoder.createSync(configOf(right));
    const type = /"type":"(\w+)"/.exec(JSON.stringify(right))?.[1];
    expect(() => encodePyTorch(model)).toThrow(`does not have the ${kind} "${type}"`);
  });

  test("refuses a wrong option and an unknown one", () => {
    expect(() => TiedAutoencoder.createSync(configOf(wrong))).toThrow(InvalidValueError);
    const unknown: object = JSON.parse(JSON.stringify(right).replace(/"type"/, '"tpye":1,"type"'));
    expect(() => TiedAutoencoder.createSync(configOf(unknown))).toThrow(/has no option "tpye"/);
  });
});

describe("the results of the new objects", () => {
  test("the optimizer gives the results of sgd with the same momentum", async () => {
    const ours = { type: "heavyBall", learningRate: 0.05, friction: 0.9 };
    const theirs = { type: "sgd", learningRate: 0.05, momentum: 0.9 };
    using a = await trained({ optimizer: ours });
    using b = await trained({ optimizer: theirs });
    const expected = weightsOf(b);
    for (const [i, value] of weightsOf(a).entries()) expect(value).toBeCloseTo(expected[i]!, 5);
  });

  test("half of a loss with twice the rate gives the same bits", async () => {
    using half = await trained({ loss: { type: "scaledMse", factor: 0.5 }, ...sgd(0.2) });
    using whole = await trained({ loss: "mse", ...sgd(0.1) });
    expect(weightsOf(half)).toEqual(weightsOf(whole));
  });

  test("gradients of the code and of the penalty are those of finite differences", () => {
    using model = TiedAutoencoder.createSync(
      configOf({
        code: { type: "gain", factor: 1.5 },
        penalties: [{ type: "codeL2", weight: 0.3 }],
        activation: "tanh",
      }),
    );
    model.accumulateGradients(x);
    const gradients = model.gradients();
    const weights = model.weights();
    /** The loss with one value of one parameter moved. */
    const lossAt = (name: string, i: number, by: number) => {
      const { shape, data } = weights[name]!;
      const moved = data.map((value, j) => (i === j ? value + by : value));
      model.setWeights({ ...weights, [name]: { shape, data: moved } });
      model.zeroGradients();
      return model.accumulateGradients(x);
    };
    const step = 2e-2;
    for (const [name, { data }] of Object.entries(gradients)) {
      for (const [i, gradient] of data.entries()) {
        const expected = (lossAt(name, i, step) - lossAt(name, i, -step)) / (2 * step);
        expect(gradient, `${name}[${i}]`).toBeCloseTo(expected, 3);
      }
    }
  });

  test("the start from principal components finds a layer that encodes, of whatever class it is", async () => {
    codes.add(wrappedCode);
    const start = async (code: object) => {
      const model = await TiedAutoencoder.create(configOf({ layers: [8, 6, 4], ...code }));
      await model.initializeFrom(x, { method: "pca" });
      return weightsOf(model);
    };
    expect(await start({ code: "wrapped" })).toEqual(await start({ code: "dense" }));
  });

  test("the scaler divides what the model trains on", async () => {
    const tenfold = x.map((value) => 10 * value);
    using divided = await TiedAutoencoder.create(
      configOf({ scaler: { type: "division", by: 10 } }),
    );
    using plain = await TiedAutoencoder.create(configOf({}));
    const { history } = await divided.fit(tenfold, fitOf({}));
    const expected = (await plain.fit(x, fitOf({}))).history.loss;
    for (const [i, value] of history.loss.entries()) {
      expect(value).toBeCloseTo(expected[i]!, 5);
    }
  });

  test("the constraint holds", async () => {
    using model = await trained({ constraint: { type: "box", limit: 0.1 } });
    const { data } = model.weights()["encoder.0.weight"]!;
    expect(Math.max(...data.map(Math.abs))).toBe(Math.fround(0.1));
  });
});

describe("new options of `fit`", () => {
  test("a new schedule changes the rate, and refuses a wrong option", async () => {
    using model = TiedAutoencoder.createSync(configOf(sgd(0.1)));
    const rates: number[] = [];
    const schedule = { type: "halving", every: 3 };
    for await (const { learningRate } of model.fitSteps(x, fitOf({ schedule, epochs: 2 }))) {
      rates.push(learningRate);
    }
    expect(rates).toEqual([0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025]);
    const wrong = fitOf({ schedule: { type: "halving", every: 0 } });
    await expect(model.fit(x, wrong)).rejects.toThrow(/schedule.every must be a whole number/);
  });

  test("new noise is used in training, and refuses a wrong option", async () => {
    using clean = await trained(sgd(0.1));
    using noisy = await trained(sgd(0.1), { corruption: { type: "inputDropout", rate: 0.4 } });
    using none = await trained(sgd(0.1), { corruption: { type: "inputDropout", rate: 0 } });
    expect(weightsOf(noisy)).not.toEqual(weightsOf(clean));
    expect(weightsOf(none)).toEqual(weightsOf(clean));
    const wrong = fitOf({ corruption: { type: "inputDropout", rate: 1 } });
    await expect(clean.fit(x, wrong)).rejects.toThrow(/corruption.rate must be at least 0/);
  });
});
