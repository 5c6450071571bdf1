// The way back from checkpoint.ts: a safetensors file as a model. Loaded with the first file.

import { finiteNumber, record, wholeNumber } from "../checks.ts";
import { show } from "../errors.ts";
import { FormatError } from "../formats/errors.ts";
import { decodeSafetensors, tensorToFloat32 } from "../formats/safetensors.ts";
import type { SafeTensor } from "../formats/safetensors-types.ts";
import { type ModelConfig, type ResolvedConfig, resolveConfig } from "../model/config.ts";
import type { ParameterLayout } from "../model/layout.ts";
import { stateNames } from "../model/optimizers.ts";
import { type PreparationState, preparationNames } from "../model/preparation.ts";
import type { RunState } from "../training/run-state.ts";
import {
  BEST,
  type Checkpoint,
  FORMAT,
  layoutOf,
  statePrefix,
  type TrainingState,
  VERSION,
} from "./checkpoint.ts";

/** Reads a model. Every name, shape and setting is checked before anything is made of it. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata.format !== FORMAT) {
    throw new FormatError(
      `The file is a safetensors file, but not a model of this package: its metadata has the format ${show(metadata.format)}.`,
    );
  }
  if (metadata.version !== String(VERSION)) {
    throw new FormatError(
      `The file has format version ${metadata.version}; this release reads version ${VERSION}. A newer release may read it.`,
    );
  }
  const config = resolveConfig(parseJson("config", metadata.config) as unknown as ModelConfig);
  const layout = layoutOf(config);
  const states = metadata.training === undefined ? [] : stateNames(config.optimizer);
  const hasBest = metadata.run !== undefined && tensors.has(BEST + layout.tensors[0]?.name);
  const prefixes = ["", ...states.map(statePrefix), ...(hasBest ? [BEST] : [])];
  const prepared = preparationNames(config);
  const isPrepared = prepared.some((name) => tensors.has(name));
  requireNames(tensors, [
    ...prefixes.flatMap((prefix) => layout.tensors.map(({ name }) => prefix + name)),
    ...(isPrepared ? prepared : []),
  ]);
  const parameters = readBlock(tensors, "", layout);
  const preparation = isPrepared ? readPreparation(tensors, config, prepared) : undefined;
  if (metadata.training === undefined) {
    return { config, parameters, preparation, training: undefined };
  }
  const blocks = states.map((name) => readBlock(tensors, statePrefix(name), layout));
  const run = metadata.run === undefined ? undefined : readRun(metadata.run);
  if (run && hasBest) run.best = readBlock(tensors, BEST, layout);
  const training = { ...readProgress(metadata.training), run, blocks };
  return { config, parameters, preparation, training };
}

function requireNames(tensors: ReadonlyMap<string, SafeTensor>, expected: readonly string[]): void {
  const missing = expected.find((name) => !tensors.has(name));
  if (missing !== undefined) throw new FormatError(`The file lacks the tensor ${show(missing)}.`);
  const extra = [...tensors.keys()].find((name) => !expected.includes(name));
  if (extra !== undefined) {
    throw new FormatError(
      `The file holds a tensor ${show(extra)} that its configuration has no place for.`,
    );
  }
}

function readBlock(
  tensors: ReadonlyMap<string, SafeTensor>,
  prefix: string,
  layout: ParameterLayout,
): Float32Array {
  const block = new Float32Array(layout.blockLength);
  for (const { name, shape, offset } of layout.tensors) {
    const tensor = tensors.get(prefix + name) as SafeTensor;
    if (tensor.shape.join() !== shape.join()) {
      throw new FormatError(
        `The tensor ${show(prefix + name)} has shape [${tensor.shape.join(", ")}]; its configuration asks for [${shape.join(", ")}].`,
      );
    }
    block.set(tensorToFloat32(tensor), offset);
  }
  return block;
}

function readPreparation(
  tensors: ReadonlyMap<string, SafeTensor>,
  { layers }: ResolvedConfig,
  names: readonly string[],
): PreparationState {
  return Object.fromEntries(
    names.map((name) => {
      const tensor = tensors.get(name) as SafeTensor;
      if (tensor.shape.join() !== String(layers[0])) {
        throw new FormatError(
          `The tensor ${show(name)} has shape [${tensor.shape.join(", ")}]; its configuration asks for [${layers[0]}].`,
        );
      }
      return [name, tensorToFloat32(tensor).slice()];
    }),
  );
}

function readProgress(text: string): Omit<TrainingState, "run" | "blocks"> {
  const {
    learningRate,
    baseLearningRate = learningRate,
    stepCount,
    lossRatio = null,
  } = parseJson("training", text);
  for (const rate of [learningRate, baseLearningRate]) {
    if (typeof rate === "number" && rate >= 0) continue; // a schedule may end at 0
    throw new FormatError(
      `The file's learning rates must be numbers of at least 0; got ${show(rate)}.`,
    );
  }
  if (!Number.isSafeInteger(stepCount) || (stepCount as number) < 0) {
    throw new FormatError(`The file's step count must be a whole number; got ${show(stepCount)}.`);
  }
  if (lossRatio !== null && typeof lossRatio !== "number") {
    throw new FormatError(
      `The file's loss ratio must be a number or null; got ${show(lossRatio)}.`,
    );
  }
  return { learningRate, baseLearningRate, stepCount, lossRatio } as Omit<
    TrainingState,
    "run" | "blocks"
  >;
}

function readRun(text: string): RunState {
  try {
    return runFromJson(parseJson("run", text));
  } catch (error) {
    throw new FormatError(`The file's run cannot be gone on with: ${(error as Error).message}`);
  }
}

function parseJson(what: string, text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "");
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // said below, for both
  }
  throw new FormatError(`The file's ${what} must be a JSON object; got ${show(text)}.`);
}

/** The run as its JSON says; throws as the argument checks do. */
function runFromJson(value: unknown): RunState {
  const from = record("run", value);
  const whole = (key: string) => wholeNumber(`run.${key}`, from[key], 0);
  const plateau = record("run.plateau", from.plateau);
  const stopping = record("run.stopping", from.stopping);
  const best = (where: string, memory: Record<string, unknown>) =>
    memory.best === undefined ? {} : { best: finiteNumber(`${where}.best`, memory.best) };
  return {
    rows: whole("rows"),
    batchSize: whole("batchSize"),
    epoch: whole("epoch"),
    batch: whole("batch"),
    rowsDone: whole("rowsDone"),
    lossSum: finiteNumber("run.lossSum", from.lossSum),
    step: whole("step"),
    stopped: from.stopped === true,
    plateau: {
      ...best("run.plateau", plateau),
      waited: wholeNumber("run.plateau.waited", plateau.waited, 0),
      cooling: wholeNumber("run.plateau.cooling", plateau.cooling, 0),
      factor: finiteNumber("run.plateau.factor", plateau.factor, 0, 1),
    },
    stopping: {
      ...best("run.stopping", stopping),
      waited: wholeNumber("run.stopping.waited", stopping.waited, 0),
    },
  };
}
