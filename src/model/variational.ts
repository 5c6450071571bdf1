// Functions for models with a gaussian code: distributions of codes, samples from the prior, and the negative ELBO.

import { lossBlocks } from "../core/partial-sums.ts";
import type { Rows } from "../data/rows.ts";
import { InvalidStateError, InvalidValueError, show } from "../errors.ts";
import { Gaussian, PlannedGaussian } from "../layers/gaussian.ts";
import type { Address } from "../layers/layer.ts";
import { log } from "../math/elementary.ts";
import { Stream, splitSeed } from "../math/seed.ts";
import { longForm } from "../options.ts";
import type { Engine } from "./engine.ts";
import type { InferencePlan } from "./workspace.ts";

/** The distributions of the codes of some rows: normal distributions with independent units. */
export interface CodeDistribution {
  /** Means [rows, code units]. */
  readonly mean: Float32Array;
  /** Logarithms of the variances [rows, code units]. */
  readonly logVariance: Float32Array;
}

/** The distributions of the codes of `x`. */
export function encodeDistribution(engine: Engine, x: Rows): CodeDistribution {
  const layer = gaussianLayer(engine, "encodeDistribution");
  const { arena, staging, network, inference } = engine;
  const units = layer.outputs;
  const mean = new Float32Array(x.count * units);
  const logVariance = new Float32Array(x.count * units);
  staging.chunks(x, 0, x.count, (plan, first, count) => {
    const code = inference.run(plan, count, 0, network.codeEnd, false, true);
    mean.set(arena.view(code, count * units), first * units);
    const clamped = plannedGaussian(engine, plan).clampLogVariance(plan.pass);
    logVariance.set(arena.view(clamped, count * units), first * units);
  });
  return { mean, logVariance };
}

/** Reconstructions [count, width] of `count` codes drawn from the prior, a standard normal distribution. */
export function sampleRows(engine: Engine, count: number, seed: number): Float32Array {
  const layer = gaussianLayer(engine, "sample");
  const { arena, core, workspace, preparation, network, inference } = engine;
  preparation.requireFitted();
  const { low, high } = splitSeed(seed);
  const units = layer.outputs;
  const { width } = workspace;
  const rows = new Float32Array(count * width);
  const chunk = workspace.chunkRows(count);
  for (let first = 0; first < count; first += chunk) {
    const some = Math.min(chunk, count - first);
    const plan = workspace.inference(chunk);
    const { kernels } = core;
    kernels.randomNormal(some * units, plan.x, first * units, 0, 1, low, high, 0, Stream.sample);
    const y = inference.run(plan, some, network.codeEnd, network.layers.length);
    preparation.unscale(some, y);
    rows.set(arena.view(y, some * width), first * width);
  }
  return rows;
}

/**
 * The negative evidence lower bound of each row in nats (Kingma & Welling 2014): the divergence of its code from the
 * prior, plus the mean over `samples` codes of -log p(x | z). p is the distribution that corresponds to the training
 * loss: Bernoulli for "bce", normal with the variance beta / 2 for "mse", and Laplace with the scale beta for "mae".
 */
export function negativeElbo(engine: Engine, x: Rows, samples: number, seed: number): Float64Array {
  const layer = gaussianLayer(engine, "negativeElbo");
  const density = densityOf(engine, layer.beta);
  const { arena, core, staging, network, inference, loss, workspace } = engine;
  const { kernels } = core;
  const { low, high } = splitSeed(seed);
  const units = layer.outputs;
  const { width } = workspace;
  const masked = engine.preparation.missing === "mask" ? 1 : 0;
  const result = new Float64Array(x.count);
  const copy = (from: Address, to: Address, length: number) =>
    arena.heap.copyWithin(to / 4, from / 4, from / 4 + length);
  staging.chunks(x, 0, x.count, (plan, first, count) => {
    const codes = count * units;
    workspace.clearBeside();
    const mean = workspace.beside(codes);
    const epsilon = workspace.beside(codes);
    copy(inference.run(plan, count, 0, network.codeEnd, false, true), mean, codes);
    const { logVariance } = plannedGaussian(engine, plan);
    const { partials, target } = plan;
    staging.target(x, first, count, target);
    for (let row = 0; row < count; row++) {
      const at = row * units * 4;
      kernels.gaussianKl(units, mean + at, logVariance + at, partials);
      result[first + row] = kernels.sumF64(lossBlocks(units), partials) + density.constant;
    }
    for (let sample = 0; sample < samples; sample++) {
      const start = first * units;
      kernels.randomNormal(codes, epsilon, start, 0, 1, low, high, sample, Stream.sample);
      kernels.gaussianSample(codes, mean, logVariance, epsilon, plan.x);
      const to = network.layers.length;
      const y = inference.run(plan, count, network.codeEnd, to, loss.readsLogits);
      for (let row = 0; row < count; row++) {
        const at = row * width * 4;
        const input = { rows: 1, width, masked, y: y + at, target: target + at, partials };
        const negative = (density.factor * loss.sum(kernels, input)) / samples;
        result[first + row] = (result[first + row] ?? 0) + negative;
      }
    }
  });
  return result;
}

/** -log p of a row is `factor` times its loss plus `constant`. */
interface Density {
  readonly factor: number;
  readonly constant: number;
}

function densityOf({ config, workspace }: Engine, beta: number): Density {
  const { type } = longForm(config.loss);
  const { width } = workspace;
  if (type === "bce") return { factor: 1, constant: 0 };
  if (type !== "mse" && type !== "mae") {
    throw new InvalidValueError(
      `negativeElbo needs a loss that is a log-likelihood: "bce", "mse" or "mae"; the model has ${JSON.stringify(type)}.`,
    );
  }
  if (beta === 0) {
    throw new InvalidValueError(
      "negativeElbo needs a code with beta greater than 0: it is the scale of the likelihood.",
    );
  }
  // Variance beta / 2: (x - y)² / beta + ½ ln(π beta). Scale beta: |x - y| / beta + ln(2 beta).
  const perColumn = type === "mse" ? log(Math.PI * beta) / 2 : log(2 * beta);
  return { factor: 1 / beta, constant: width * perColumn };
}

function gaussianLayer({ config, network }: Engine, call: string): Gaussian {
  const layer = network.layers[network.codeEnd - 1];
  if (layer instanceof Gaussian) return layer;
  throw new InvalidStateError(
    `${call} needs a gaussian code; this model's is ${show(longForm(config.code).type)}. Make it with code: { type: "gaussian" }.`,
  );
}

function plannedGaussian({ network }: Engine, { layers }: InferencePlan): PlannedGaussian {
  const planned = layers[network.codeEnd - 1];
  if (planned instanceof PlannedGaussian) return planned;
  throw new Error("The plan has no gaussian code.");
}
