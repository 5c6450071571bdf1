// Learning rates against PyTorch: the golden cases, and lists computed by torch.optim.lr_scheduler 2.13.

import { describe, expect, test } from "vitest";
import { type FitOptions, type ScheduleSpec, TiedAutoencoder } from "../../src/index.ts";
import { freshPlateau } from "../../src/training/run-state.ts";
import { resolveSchedule } from "../../src/training/schedules/index.ts";
import { goldenCases } from "../golden/cases.ts";
import { randomRows } from "../support/random.ts";

const expectClose = (values: number[], expected: number[]) => {
  expect(values).toHaveLength(expected.length);
  values.forEach((value, t) => {
    expect(Math.abs(value / (expected[t] as number) - 1)).toBeLessThan(1e-14);
  });
};

function rates(spec: ScheduleSpec, base: number, count: number): number[] {
  const schedule = resolveSchedule(spec, () => count);
  return Array.from({ length: count }, (_, t) => schedule.rate(t, base, freshPlateau()));
}

const golden = goldenCases.filter(({ config }) => config.schedule !== null);

describe("schedules", () => {
  test("the golden cases have some", () => expect(golden.length).toBeGreaterThan(2));

  test.each(golden.map((entry) => [entry.id, entry] as const))("%s", (_, { config, lr }) => {
    expectClose(rates(config.schedule, config.optimizer.lr, lr.length), lr);
  });

  test("cosine increases again after tMax", () => {
    const expected = [
      0.1, 0.09140576474687263, 0.06890576474687263, 0.04109423525312736, 0.018594235253127367,
      0.01, 0.018594235253127367, 0.04109423525312739, 0.06890576474687267, 0.09140576474687269,
    ];
    expectClose(rates({ type: "cosine", tMax: 5, etaMin: 0.01 }, 0.1, 10), expected);
  });

  test("cosine first increases during its warm-up", () => {
    const warm = rates({ type: "cosine", tMax: 5, warmUp: 3 }, 0.8, 9);
    expectClose(warm.slice(0, 3), [0.2, 0.4, 0.6]);
    expect(warm.slice(3)).toEqual(rates({ type: "cosine", tMax: 5 }, 0.8, 6));
  });

  test("exponential", () => {
    const expected = [0.1, 0.09, 0.081, 0.0729, 0.06561, 0.059049];
    expectClose(rates({ type: "exponential", gamma: 0.9 }, 0.1, 6), expected);
  });

  test("oneCycle with the defaults, with the length of the run", () => {
    const expected = [
      0.008, 0.0699579308439166, 0.17585703182442575, 0.19888308709018238, 0.18660259396828235,
      0.1623491307899526, 0.12947579953902066, 0.09252742053339501, 0.056612199641739844,
      0.02669550603776612, 0.006913397485079045, 8e-7,
    ];
    const spec = { type: "oneCycle", maxLearningRate: 0.2 } as const;
    rates(spec, 1, 12).forEach((rate, t) => {
      expect(Math.abs(rate - (expected[t] as number))).toBeLessThan(1e-15);
    });
  });

  test("oneCycle with linear annealing", () => {
    const spec = {
      type: "oneCycle",
      maxLearningRate: 0.2,
      totalSteps: 7,
      pctStart: 0.4,
      annealStrategy: "linear",
      divFactor: 10,
      finalDivFactor: 100,
    } as const;
    const expected = [
      0.02, 0.12, 0.1904857142857143, 0.14291428571428572, 0.09534285714285715,
      0.047771428571428576, 0.0002,
    ];
    rates(spec, 1, 7).forEach((rate, t) => {
      expect(Math.abs(rate - (expected[t] as number))).toBeLessThan(1e-15);
    });
  });

  test("reduceOnPlateau counts epochs, cools down and stops at the lowest rate", () => {
    const losses = [
      1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.89995, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.87, 0.88,
    ];
    const expected = [
      0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02,
    ];
    const spec = { factor: 0.5, patience: 1, cooldown: 1, minLearningRate: 0.02 };
    const schedule = resolveSchedule({ type: "reduceOnPlateau", ...spec }, () => 16);
    const plateau = freshPlateau();
    const seen = losses.map((loss) => {
      const rate = schedule.rate(0, 0.1, plateau);
      schedule.observe?.(loss, 0.1, plateau);
      return rate;
    });
    expect(seen).toEqual(expected);
  });

  test("reduceOnPlateau keeps its rate if a reduction would be less than 1e-8, as in PyTorch", () => {
    const schedule = resolveSchedule({ type: "reduceOnPlateau", patience: 0 }, () => 60);
    const plateau = freshPlateau();
    for (let epoch = 0; epoch < 60; epoch++) schedule.observe?.(1, 0.1, plateau);
    expect(schedule.rate(0, 0.1, plateau)).toBeCloseTo(1e-8, 15);
  });
});

describe("fit with a schedule", () => {
  const x = randomRows(20, 6, 4);
  const optimizer = { type: "sgd", learningRate: 0.1 } as const;
  const make = () => TiedAutoencoder.createSync({ layers: [6, 3], optimizer });

  async function ratesOf(options: FitOptions, model = make()): Promise<number[]> {
    const seen: number[] = [];
    await model.fit(x, {
      batchSize: 10,
      ...options,
      onStep: ({ learningRate }) => seen.push(learningRate),
    });
    return seen;
  }

  test("counts steps, or epochs on request, and keeps the last rate", async () => {
    const schedule = { type: "step", stepSize: 1, gamma: 0.5 } as const;
    const model = make();
    expect(await ratesOf({ epochs: 2, schedule }, model)).toEqual([0.1, 0.05, 0.025, 0.0125]);
    expect(model.learningRate).toBe(0.0125);
    const byEpoch = { ...schedule, per: "epoch" } as const;
    expect(await ratesOf({ epochs: 2, schedule: byEpoch })).toEqual([0.1, 0.1, 0.05, 0.05]);
  });

  test("a later run starts from the base rate again, at its own epoch", async () => {
    const schedule = { type: "step", stepSize: 1, gamma: 0.5 } as const;
    const model = make();
    await ratesOf({ epochs: 1, schedule }, model);
    expect(await ratesOf({ initialEpoch: 1, epochs: 2, schedule }, model)).toEqual([0.025, 0.0125]);
    model.learningRate = 0.8;
    expect(await ratesOf({ epochs: 1, schedule }, model)).toEqual([0.8, 0.4]);
  });

  test("a function is called with the step and the base", async () => {
    const schedule = (step: number, base: number) => base / (1 + step);
    expect(await ratesOf({ epochs: 2, schedule })).toEqual([0.1, 0.05, 0.1 / 3, 0.025]);
    const perEpoch = { type: "function", rate: schedule, per: "epoch" } as const;
    expect(await ratesOf({ epochs: 2, schedule: perEpoch })).toEqual([0.1, 0.1, 0.05, 0.05]);
  });

  test("the steps equal separate steps with the same rates", async () => {
    const [scheduled, byHand] = [make(), make()];
    const schedule = { type: "cosine", tMax: 4 } as const;
    const seen = await ratesOf({ epochs: 2, schedule, shuffle: false }, scheduled);
    seen.forEach((rate, t) => {
      byHand.learningRate = rate;
      byHand.trainOnBatch(x.subarray((t % 2) * 60, (t % 2) * 60 + 60));
    });
    expect(scheduled.weights()).toEqual(byHand.weights());
  });

  test.each<[string, unknown, RegExp]>([
    ["an unknown type", "linear", /schedule must be "step", .*; got "linear"/],
    ["no step size", { type: "step" }, /schedule.stepSize must be a number; got undefined/],
    ["a misspelt option", { type: "cosine", tmax: 3 }, /schedule "cosine" has no option "tmax"/],
    ["a rate that is none", () => Number.NaN, /for step 0 it returned NaN/],
    [
      "valLoss without validation",
      { type: "reduceOnPlateau", monitor: "valLoss" },
      /needs validationData or validationSplit/,
    ],
  ])("%s is refused", async (_, schedule, message) => {
    await expect(make().fit(x, { schedule: schedule as ScheduleSpec })).rejects.toThrow(message);
  });
});
