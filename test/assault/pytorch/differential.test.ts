// Random configurations against PyTorch in float64, which reference.py computes: codes, reconstructions and losses before
// and after training, the gradients of the first step, and twenty steps of `fit` with every optimizer, code, penalty,
// constraint, scaler, mask and number of micro-batches. Random draws come from the reference of the generator.
//
// The limit of errors is a small multiple of the rounding errors of PyTorch itself. If a derivative or a selection is
// discontinuous within that error, training may go to either side and is not compared.
//
// Needs a python with torch: `python3`, or the one in the environment variable PYTHON.

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  DivergenceError,
  type ModelConfig,
  type NamedWeights,
  type ResolvedConfig,
  TiedAutoencoder,
} from "../../../src/index.ts";
import { availableBuilds } from "../../support/builds.ts";
import { relativeDistance } from "../../support/distance.ts";
import { randomRows } from "../../support/random.ts";
import { normalOf, wordOf } from "../../support/reference/random.ts";
import { attack, SECONDS } from "../support.ts";

const PYTHON = process.env.PYTHON ?? "python3";
const hasTorch = spawnSync(PYTHON, ["-c", "import torch"]).status === 0;
if (!hasTorch) console.log(`skipped: ${PYTHON} has no torch; PYTHON names another`);

const STEPS = 20;
/** The limit of errors as a multiple of the rounding error of PyTorch, and the least rounding error. */
const MULTIPLE = 20;
const LEAST_ERROR = 2.5e-7;
/** Streams of random draws: see src/math/seed.ts. */
const DROPOUT_STREAM = 3;
const CODE_STREAM = 0x4000_0000;

interface Case {
  readonly config: ModelConfig;
  readonly rows: number;
  readonly dataSeed: number;
  readonly dataScale: number;
  readonly zeros: boolean;
  readonly holes: boolean;
  readonly weightScale: number;
  readonly ownTarget: boolean;
  readonly batchSize: number;
  readonly parts: number;
  readonly schedule: "none" | "step" | "cosine" | "exponential";
}

const plain = ["gelu", "geluTanh", "selu", "silu"] as const;
/** The activations that support the contractive penalty. */
const contracted = fc.constantFrom(
  ...(["linear", "relu", "sigmoid", "tanh", "softplus", "elu", "leakyRelu"] as const),
  { type: "leakyRelu" as const, slope: 0.2 },
  { type: "elu" as const, alpha: 0.6 },
);
const anyActivation = fc.oneof(contracted, fc.constantFrom(...plain));
const share = (...values: number[]) => fc.constantFrom(...values);

const optimizer = fc
  .record({
    learningRate: share(0.003, 0.01, 0.03),
    weightDecay: share(0, 0, 0.01, 0.1),
    clipNorm: fc.constantFrom(undefined, undefined, 0.05, 0.5, 5),
    own: fc.oneof(
      fc.constantFrom(
        { type: "sgd" as const },
        { type: "sgd" as const, momentum: 0.9 },
        { type: "sgd" as const, momentum: 0.5, nesterov: true },
      ),
      fc.record({
        type: fc.constantFrom("adam" as const, "adamw" as const),
        beta1: share(0.9, 0.5, 0),
        beta2: share(0.999, 0.9),
        epsilon: share(1e-8, 1e-6, 1e-4),
      }),
      fc.record({
        type: fc.constant("rmsprop" as const),
        alpha: share(0.99, 0.8),
        epsilon: share(1e-6, 1e-4),
        momentum: share(0, 0.5),
        centered: fc.boolean(),
      }),
      fc.record({ type: fc.constant("adagrad" as const), epsilon: share(1e-10, 1e-6) }),
    ),
  })
  .map(({ own, clipNorm, ...rest }) => ({
    ...own,
    ...rest,
    ...(clipNorm === undefined ? {} : { clipNorm }),
  }));

const auxiliary = fc.option(
  fc.record({
    k: fc.integer({ min: 1, max: 12 }),
    weight: share(1 / 32, 0.5, 1),
    deadAfter: share(1, 5, 16, 40),
  }),
);

/** All settings of a configuration. `settle` removes combinations that are not allowed. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    layers: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 4 }),
    encoder: fc.tuple(anyActivation, anyActivation, anyActivation),
    contracted: fc.tuple(contracted, contracted, contracted),
    decoder: fc.tuple(anyActivation, anyActivation, anyActivation),
    bias: fc.boolean(),
    decoderBias: fc.boolean(),
    loss: fc.constantFrom(
      "mse" as const,
      "mse" as const,
      "mae" as const,
      "bce" as const,
      { type: "huber" as const, delta: 0.3 },
      { type: "smoothL1" as const, beta: 0.4 },
      "mixed" as const,
    ),
    optimizer,
    code: fc.constantFrom(
      "dense" as const,
      "dense" as const,
      "topK" as const,
      "batchTopK" as const,
      "gaussian" as const,
    ),
    k: fc.integer({ min: 1, max: 40 }),
    centered: fc.boolean(),
    auxiliary,
    beta: share(0, 0.1, 1, 4),
    penalties: fc.subarray(
      ["klSparsity", "codeL1", "contraction", "orthogonality", "l1", "l2"] as const,
      { maxLength: 3 },
    ),
    penaltyWeight: share(1e-3, 0.01, 0.1),
    rho: share(0.05, 0.2, 0.6),
    constraint: fc.constantFrom(
      undefined,
      undefined,
      "unitNorm" as const,
      "nonNegative" as const,
      { type: "maxNorm" as const, max: 0.3 },
      { type: "maxNorm" as const, max: 1 },
    ),
    dropout: share(0, 0, 0, 0.1, 0.5),
    l1: share(0, 0, 0.01),
    l2: share(0, 0, 0.01),
    scaler: fc.constantFrom(undefined, undefined, "standard" as const, "minMax" as const, {
      type: "range" as const,
      min: -2,
      max: 6,
    }),
    missing: fc.constantFrom("error" as const, "error" as const, "mean" as const, "mask" as const),
    seed: fc.oneof(fc.nat(), fc.integer({ min: 2 ** 32, max: 2 ** 40 })),
    gradient: fc.constantFrom("auto" as const, "direct" as const, "gram" as const),
    simd: fc.constantFrom(...availableBuilds),
    rows: fc.integer({ min: 1, max: 40 }),
    dataSeed: fc.nat(),
    dataScale: share(1, 1, 0.01, 100),
    zeros: fc.boolean(),
    weightScale: share(0.3, 1, 1, 3),
    ownTarget: fc.boolean(),
    batchSize: fc.integer({ min: 1, max: 24 }),
    parts: fc.constantFrom(1, 1, 2, 3, 7),
    schedule: fc.constantFrom(
      "none" as const,
      "step" as const,
      "cosine" as const,
      "exponential" as const,
    ),
  })
  .map((given): Case => {
    const { layers, contracted, encoder, decoder, code, loss, dropout, l1, l2, rows } = given;
    const depth = layers.length - 1;
    const units = layers[depth]!;
    const isGaussian = code === "gaussian";
    const wants = (name: (typeof given.penalties)[number]) => given.penalties.includes(name);
    const weight = given.penaltyWeight;
    const contracts = code === "dense" && wants("contraction");
    const encoderActivations = (contracts ? contracted : encoder).slice(0, depth);
    const kl = code === "dense" && wants("klSparsity");
    if (kl) encoderActivations[depth - 1] = given.bias ? "sigmoid" : "tanh";
    if (isGaussian) encoderActivations[depth - 1] = "linear";
    const decoderActivations = decoder.slice(0, depth);
    const isMixed = loss === "mixed" && layers[0]! >= 3;
    if (loss === "bce") decoderActivations[depth - 1] = "sigmoid";
    if (isMixed) decoderActivations[depth - 1] = "linear";
    const missing = isMixed || rows < 2 ? "error" : given.missing;
    const scaler = isMixed || rows < 3 ? undefined : given.scaler;
    const usesScaler = loss === "bce" && scaler !== undefined ? "minMax" : scaler;
    const config: ModelConfig = {
      layers,
      encoderActivations,
      decoderActivations,
      bias: given.bias,
      decoderBias: given.decoderBias,
      loss: isMixed ? mixedLoss(layers[0]!) : loss === "mixed" ? "mse" : loss,
      optimizer: given.optimizer,
      code:
        code === "topK" || code === "batchTopK"
          ? {
              type: code,
              k: Math.min(given.k, units),
              centered: given.centered && given.decoderBias,
              auxiliary: given.auxiliary,
            }
          : code === "gaussian"
            ? { type: code, beta: given.beta }
            : "dense",
      penalties: [
        ...(kl ? [{ type: "klSparsity" as const, rho: given.rho, weight }] : []),
        ...(wants("codeL1") && !isGaussian ? [{ type: "codeL1" as const, weight }] : []),
        ...(contracts ? [{ type: "contraction" as const, weight }] : []),
        ...(wants("orthogonality") ? [{ type: "orthogonality" as const, weight }] : []),
        ...(wants("l1") ? [{ type: "l1" as const, weight }] : []),
        ...(wants("l2") ? [{ type: "l2" as const, weight }] : []),
      ],
      ...(given.constraint === undefined ? {} : { constraint: given.constraint }),
      ...(usesScaler === undefined ? {} : { scaler: usesScaler }),
      ...{ dropout, l1, l2, missing, seed: given.seed, gradient: given.gradient, simd: given.simd },
    };
    return {
      config,
      rows,
      dataSeed: given.dataSeed,
      dataScale: loss === "bce" || isMixed ? 1 : given.dataScale,
      zeros: given.zeros,
      holes: missing !== "error",
      weightScale: given.weightScale,
      ownTarget: given.ownTarget || isMixed,
      batchSize: Math.min(given.batchSize, rows),
      parts: given.parts,
      schedule: given.schedule,
    };
  });

/** A category of two levels at the front, and if there is space one of the remaining columns except one. */
function mixedLoss(width: number) {
  const categories: [number, number][] =
    width > 5
      ? [
          [0, 2],
          [3, width - 4],
        ]
      : [[0, 2]];
  return { type: "mixed" as const, categories };
}

/** Rows of a case: uniform, sometimes with zeros or holes, one-hot where the loss has categories. */
function rowsOf({ config, rows, dataSeed, dataScale, zeros, holes }: Case, seed: number) {
  const width = config.layers[0]!;
  const x = randomRows(rows, width, dataSeed + seed).map((value) =>
    zeros && value < 0.3 ? 0 : Math.fround(value * dataScale),
  );
  const draws = randomRows(rows, width, dataSeed + seed + 1);
  if (holes) {
    // The first two rows are complete, so that every column has different values.
    for (let i = 2 * width; i < x.length; i++) if (draws[i]! < 0.2) x[i] = Number.NaN;
  }
  const { loss } = config;
  if (typeof loss === "object" && loss.type === "mixed") {
    for (const [first, levels] of loss.categories) {
      for (let r = 0; r < rows; r++) {
        const level = Math.floor(draws[r * width + first]! * levels);
        for (let j = 0; j < levels; j++) x[r * width + first + j] = j === level ? 1 : 0;
      }
    }
  }
  return x;
}

const matrix = (data: ArrayLike<number>, shape: readonly number[]) => ({
  shape,
  data: Array.from(data, (value) => (Number.isNaN(value) ? null : value)),
});

/** Rows of each of the steps. */
function batches({ rows, batchSize }: Case): number[] {
  const sizes: number[] = [];
  for (
    let first = 0;
    sizes.length < STEPS;
    first = first + batchSize < rows ? first + batchSize : 0
  ) {
    sizes.push(Math.min(batchSize, rows - first));
  }
  return sizes;
}

/** Random numbers that the steps draw. */
function draws(one: Case, { layers, dropout, seed, code }: ResolvedConfig) {
  const depth = layers.length - 1;
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32)] as const;
  const kept: Record<number, number[][]> = {};
  const limit = Math.round(dropout * 2 ** 24);
  for (let s = 0; dropout > 0 && s < 2 * depth - 1; s++) {
    const units = layers[s < depth ? s + 1 : 2 * depth - 1 - s]!;
    kept[s] = batches(one).map((rows, step) =>
      Array.from({ length: rows * units }, (_, i) =>
        wordOf(i, [...key, step, DROPOUT_STREAM + s]) >>> 8 < limit ? 0 : 1,
      ),
    );
  }
  if (typeof code === "string" || code.type !== "gaussian") return { kept };
  const noise = batches(one).map((rows, step) =>
    Array.from({ length: rows * layers[depth]! }, (_, i) =>
      normalOf(wordOf(i, [...key, step, CODE_STREAM])),
    ),
  );
  return { kept, noise };
}

/** The results of this package, with the names of reference.py. */
async function ours(one: Case, x: Float32Array, target: Float32Array | undefined) {
  using model = TiedAutoencoder.createSync(one.config);
  model.fitScaler(x);
  const scaled = Object.entries(model.weights()).map(([name, { shape, data }]) => [
    name,
    { shape, data: data.map((value) => value * one.weightScale) },
  ]);
  model.setWeights(Object.fromEntries(scaled));
  const start = model.weights();
  const results: Record<string, ArrayLike<number>> = {};
  const look = (which: string) => {
    results[`code ${which}`] = model.encode(x);
    results[`reconstruction ${which}`] = model.reconstruct(x);
    results[`evaluate ${which}`] = [model.evaluate(x, target)];
  };
  look("before");
  using probe = TiedAutoencoder.createSync(one.config);
  probe.fitScaler(x);
  probe.setWeights(start);
  const width = one.config.layers[0]!;
  const first = (rows: Float32Array) => rows.subarray(0, one.batchSize * width);
  results.loss = [probe.accumulateGradients(first(x), target && first(target))];
  for (const [name, { data }] of Object.entries(probe.gradients())) {
    results[`gradient ${name}`] = data;
  }
  const losses: number[] = [];
  const rates: number[] = [];
  try {
    await model.fit(x, {
      epochs: STEPS,
      maxSteps: STEPS,
      batchSize: one.batchSize,
      shuffle: false,
      microBatches: one.parts,
      ...(target ? { target } : {}),
      ...(one.schedule === "none" ? {} : { schedule: schedules[one.schedule] }),
      onStep({ loss, learningRate }) {
        losses.push(loss);
        rates.push(learningRate);
      },
    });
  } catch (error) {
    if (!(error instanceof DivergenceError)) throw error;
    return { config: model.config, start, results, rates: [...rates, 0], diverged: true };
  }
  results.losses = losses;
  for (const [name, { data }] of Object.entries(model.weights())) results[`after ${name}`] = data;
  const { code } = model.config;
  if (typeof code === "object" && code.type === "batchTopK") {
    results.threshold = [model.codeThreshold];
  }
  look("after");
  return { config: model.config, start, results, rates, diverged: false };
}

const schedules = {
  step: { type: "step", per: "step", stepSize: 7, gamma: 0.5 },
  cosine: { type: "cosine", per: "step", tMax: STEPS, etaMin: 1e-3 },
  exponential: { type: "exponential", per: "step", gamma: 0.9 },
} as const;

/** Groups of results with a common error, because a parameter of few values may be nearly exact by chance. */
function stageOf(key: string): string {
  if (/^(?:loss|losses|evaluate \w+)$/.test(key)) return key;
  if (key.startsWith("gradient")) return "gradient";
  return key.endsWith("before") ? "before" : "after";
}

interface Reply {
  readonly failed?: string;
  readonly results: Record<string, (number | null)[]>;
  readonly errors: Record<string, number | null>;
  readonly margin: number | null;
}

/** A python that answers one case after another. */
class Reference {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #stderr = "";

  constructor() {
    this.#child = spawn(PYTHON, [join(import.meta.dirname, "reference.py")], {
      env: { ...process.env, OMP_NUM_THREADS: "1" },
    });
    this.#child.stderr.on("data", (text) => (this.#stderr += text));
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async ask(question: object): Promise<Reply> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`python ended: ${this.#stderr}`);
    return JSON.parse(value) as Reply;
  }

  end(): void {
    this.#child.stdin.end();
  }
}

const named = (weights: NamedWeights) =>
  Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [name, matrix(data, shape)]),
  );

test.skipIf(!hasTorch)("models have the same results as PyTorch", async () => {
  const reference = new Reference();
  const counts = { compared: 0, jumps: 0, diverged: 0 };
  let worst: { times: number; key?: string; config?: ModelConfig } = { times: 0 };
  await attack(
    cases,
    async (one) => {
      const x = rowsOf(one, 0);
      const target = one.ownTarget ? undefined : rowsOf(one, 77);
      const { config, start, results, rates, diverged } = await ours(one, x, target);
      const shape = [one.rows, config.layers[0]!];
      const reply = await reference.ask({
        config,
        weights: named(start),
        x: matrix(x, shape),
        target: target && matrix(target, shape),
        batchSize: one.batchSize,
        parts: one.parts,
        rates,
        ...draws(one, config),
      });
      expect(reply.failed).toBeUndefined();
      if (diverged) {
        counts.diverged++;
        expect(reply.errors.losses, "the distance of losses in float32").toBe(null);
        return;
      }
      expect(Object.keys(results).sort()).toEqual(Object.keys(reply.results).sort());
      const errors = new Map<string, number>();
      for (const [key, error] of Object.entries(reply.errors)) {
        errors.set(
          stageOf(key),
          Math.max(LEAST_ERROR, errors.get(stageOf(key)) ?? 0, error ?? Infinity),
        );
      }
      const errorOf = (key: string) => errors.get(stageOf(key)) ?? 0;
      const jumps = Object.keys(results).some(
        (key) => (reply.margin ?? Infinity) < MULTIPLE * errorOf(key),
      );
      if (jumps) counts.jumps++;
      else counts.compared++;
      const apart: Record<string, string> = {};
      for (const [key, value] of Object.entries(results)) {
        // Results before the first discontinuity are always compared.
        if (jumps && !/^(?:reconstruction before|evaluate before|loss)$/.test(key)) continue;
        const expected = reply.results[key]!.map((each) => each ?? Number.NaN);
        const distance = relativeDistance(value, expected);
        const times = distance / errorOf(key);
        if (!(times <= MULTIPLE)) {
          apart[key] =
            `${distance.toExponential(1)} where PyTorch is ${errorOf(key).toExponential(1)} apart from itself`;
        } else if (times > worst.times) worst = { times, key, config: one.config };
      }
      expect(apart).toEqual({});
    },
    5 * SECONDS,
  );
  reference.end();
  console.log(
    `${counts.compared} configurations compared, at most ${worst.times.toFixed(1)} times PyTorch's own error; ${counts.jumps} at a jump, ${counts.diverged} diverged`,
  );
  console.log(`the largest error is in ${worst.key} of ${JSON.stringify(worst.config)}`);
  expect(counts.compared).toBeGreaterThan(counts.jumps / 4);
});
