// Reads the golden cases and says them in the public API's terms.

import { readdirSync, readFileSync } from "node:fs";
import type { ActivationSpec, LossSpec, ModelConfig, OptimizerSpec } from "../../src/index.ts";

export interface GoldenArray {
  shape: number[];
  data: number[];
}

/** Parameters by layer; a key is missing where the model has no such bias. */
export interface GoldenParameters {
  W: GoldenArray[];
  b?: GoldenArray[];
  c?: GoldenArray[];
}

export interface GoldenCase {
  id: string;
  // biome-ignore lint/suspicious/noExplicitAny: the file's own names, translated below
  config: any;
  init: GoldenParameters;
  batches: GoldenArray[];
  forward_f64: { code: GoldenArray; reconstruction: GoldenArray; loss: number };
  grads_f64: GoldenParameters;
  trainLoss_f64: number[];
  gradNorm_f64: number[];
  lr: number[];
  after: Record<"1" | "2" | "10", { params: GoldenParameters }>;
  after_f64: Record<"1" | "2" | "10", { lossBatch0: number; params?: GoldenParameters }>;
}

export interface FamilyCase extends Omit<GoldenCase, "init" | "grads_f64" | "after" | "after_f64"> {
  init: FamilyParameters;
  grads_f64: FamilyParameters;
  gradsProjected_f64?: GoldenArray;
  inference_f64: { code: GoldenArray; reconstruction: GoldenArray; loss: number };
  noise?: GoldenArray[];
  threshold_f64?: number[];
  kept?: number[][];
  rowsSinceActive?: number[][];
  deadUnits?: number[][];
  after: Record<string, { params: FamilyParameters }>;
  after_f64: Record<
    string,
    {
      lossBatch0: number;
      params?: FamilyParameters;
      code?: GoldenArray;
      reconstruction?: GoldenArray;
    }
  >;
}

export interface FamilyParameters extends GoldenParameters {
  logVariance?: { weight: GoldenArray; bias: GoldenArray };
}

const folder = new URL("cases/", import.meta.url);

export const goldenCases: GoldenCase[] = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .sort()
  .map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")));

/** The configuration of a case as users would write it. */
export function goldenConfig({ config }: GoldenCase): ModelConfig {
  const { dims, bias, encoderActivations, decoderActivations } = config;
  return {
    layers: dims,
    encoderActivations: encoderActivations.map(activation),
    decoderActivations: decoderActivations.map(activation).reverse(),
    bias: bias.encoder,
    decoderBias: bias.decoder,
    loss: loss(config.loss),
    optimizer: optimizer(config),
  };
}

/** Parameters of a case under the public tensor names. */
export function goldenWeights(parameters: GoldenParameters): Record<string, GoldenArray> {
  const named: Record<string, GoldenArray> = {};
  const add = (list: GoldenArray[] | undefined, side: string, kind: string) =>
    list?.forEach((array, i) => {
      named[`${side}.${i}.${kind}`] = array;
    });
  add(parameters.W, "encoder", "weight");
  add(parameters.b, "encoder", "bias");
  add(parameters.c, "decoder", "bias");
  return named;
}

/** The same for a case with a code, penalties and a constraint. */
export function familyConfig(golden: FamilyCase): ModelConfig {
  const { code, penalties, constraint, missing } = golden.config;
  return {
    ...goldenConfig(golden as unknown as GoldenCase),
    ...(code ? { code } : {}),
    penalties,
    ...(constraint ? { constraint } : {}),
    ...(missing ? { missing } : {}),
  };
}

/** Parameters of such a case under the public tensor names. */
export function familyWeights(
  parameters: FamilyParameters,
  depth: number,
): Record<string, GoldenArray> {
  const { logVariance } = parameters;
  const head = `encoder.${depth - 1}.logVariance`;
  return {
    ...goldenWeights(parameters),
    ...(logVariance
      ? { [`${head}.weight`]: logVariance.weight, [`${head}.bias`]: logVariance.bias }
      : {}),
  };
}

function activation(spec: string | { type: string }): ActivationSpec {
  return (spec === "geluErf" ? "gelu" : spec) as ActivationSpec;
}

function loss({ reduction: _, ...spec }: { reduction: string; type: string }): LossSpec {
  return spec as LossSpec;
}

// biome-ignore lint/suspicious/noExplicitAny: the file's own names, translated here
function optimizer({ optimizer: settings, clipGradNorm }: any): OptimizerSpec {
  const { type, lr, betas, eps, ...rest } = settings;
  return {
    type,
    learningRate: lr,
    ...rest,
    ...(betas && { beta1: betas[0], beta2: betas[1] }),
    ...(eps !== undefined && { epsilon: eps }),
    ...(clipGradNorm !== null && { clipNorm: clipGradNorm }),
  };
}
