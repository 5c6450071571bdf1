// Reads the files that checkpoint.ts writes, in versions 1 and 2.

import { finiteNumber, record, wholeNumber } from "../checks.ts";
import { show } from "../errors.ts";
import { FormatError } from "../formats/errors.ts";
import { finiteFloat32, requireFinite, weightsOf } from "../formats/safetensors.ts";
import type { SafeTensor } from "../formats/safetensors-types.ts";
import type { BufferSpec } from "../layers/layer.ts";
import { type ModelConfig, type ResolvedConfig, resolveConfig } from "../model/config.ts";
import { buildNetwork, type Network } from "../model/network.ts";
import type { ParameterLayout } from "../model/parameters.ts";
import { type PreparationState, preparationNames } from "../model/preparation.ts";
import { type ModelSnapshot, type OptimizerState, PIECE, type Weights } from "../model/state.ts";
import { stateNames } from "../optimizers/index.ts";
import type { Paused } from "../platform/turns.ts";
import type { RunState } from "../training/run-state.ts";
import { FORMAT, RUN_BLOCKS, statePrefix, VERSION } from "./checkpoint.ts";
import { openOwnFile } from "./own-file.ts";

type Tensors = ReadonlyMap<string, SafeTensor>;

/** The contents of a file. */
export interface Checkpoint {
  readonly snapshot: ModelSnapshot;
  /** The network that the configuration describes. */
  readonly network: Network;
  readonly run: RunState | undefined;
}

/**
 * Reads a model. Checks the names of all tensors and the configuration first, and each block before it is copied. Copies
 * everything from the bytes.
 */
export function* decodeCheckpoint(bytes: Uint8Array): Paused<Checkpoint> {
  const { tensors, metadata } = openOwnFile(FORMAT, bytes);
  const version = Number(metadata.version);
  if (!Number.isSafeInteger(version) || version < 1 || version > VERSION) {
    throw new FormatError(
      `The file has format version ${show(metadata.version)}; this release reads versions 1 to ${VERSION}. A newer release may read it.`,
    );
  }
  const config = checked("configuration", () =>
    resolveConfig(parseJson("config", metadata.config) as unknown as ModelConfig),
  );
  const network = buildNetwork(config);
  const { layout, buffers } = network;
  const states = metadata.training === undefined ? [] : stateNames(config.optimizer);
  const kept = metadata.run === undefined ? [] : keptBlocks(tensors, layout);
  const prepared = preparationNames(config);
  const isPrepared = prepared.some((name) => tensors.has(name));
  const withBuffers = ["", ...kept.map((name) => RUN_BLOCKS[name])];
  const prefixes = [...withBuffers, ...states.map(statePrefix)];
  requireNames(tensors, [
    ...prefixes.flatMap((prefix) => layout.tensors.map(({ name }) => prefix + name)),
    ...withBuffers.flatMap((prefix) => buffers.map(({ name }) => prefix + name)),
    ...(isPrepared ? prepared : []),
  ]);
  const blocks: Float32Array[] = [];
  const snapshot: ModelSnapshot = {
    config,
    ...(yield* readWeights(tensors, "", network)),
    preparation: isPrepared ? readPreparation(tensors, config, prepared) : undefined,
    optimizer:
      metadata.training === undefined ? undefined : { ...readProgress(metadata.training), blocks },
  };
  for (const name of states) blocks.push(yield* readBlock(tensors, statePrefix(name), layout));
  if (metadata.run === undefined) return { snapshot, network, run: undefined };
  const run = readRun(metadata.run, version, config);
  for (const name of kept) run[name] = yield* readWeights(tensors, RUN_BLOCKS[name], network);
  return { snapshot, network, run };
}

/** The sets of weights that the file's run contains. */
function keptBlocks(tensors: Tensors, layout: ParameterLayout): (keyof typeof RUN_BLOCKS)[] {
  const first = layout.tensors[0]?.name ?? "";
  return (["best", "last"] as const).filter((name) => tensors.has(RUN_BLOCKS[name] + first));
}

function requireNames(tensors: Tensors, names: readonly string[]): void {
  const expected = new Set(names);
  const missing = names.find((name) => !tensors.has(name));
  if (missing !== undefined) throw new FormatError(`The file lacks the tensor ${show(missing)}.`);
  const extra = [...tensors.keys()].find((name) => !expected.has(name));
  if (extra !== undefined) {
    throw new FormatError(
      `The file holds a tensor ${show(extra)} that its configuration has no place for.`,
    );
  }
}

/** The parameters, and the buffers of layers. */
function* readWeights(
  tensors: Tensors,
  prefix: string,
  { layout, buffers }: Network,
): Paused<Weights> {
  return {
    parameters: yield* readBlock(tensors, prefix, layout),
    buffers: Object.fromEntries(
      buffers.map((spec) => [spec.name, readBuffer(tensors, prefix + spec.name, spec)]),
    ),
  };
}

function* readBlock(
  tensors: Tensors,
  prefix: string,
  layout: ParameterLayout,
): Paused<Float32Array> {
  // Shapes are checked first, so that a false configuration cannot allocate a large block.
  const parts = layout.tensors.map(({ name, shape }) =>
    weightsOf(prefix + name, shapedTensor(tensors, prefix + name, shape)),
  );
  const block = new Float32Array(layout.blockLength);
  for (const [i, { name, offset, length }] of layout.tensors.entries()) {
    const own = block.subarray(offset, offset + length);
    for (let start = 0; start < length; start += PIECE) {
      const end = Math.min(start + PIECE, length);
      own.set(parts[i]?.subarray(start, end) ?? [], start);
      requireFinite(prefix + name, own, start, end); // the copy: the caller's bytes may change at a pause
      yield;
    }
  }
  return block;
}

/** A float tensor of this name and shape, as float32. Every value must be finite. */
function float32Tensor(tensors: Tensors, name: string, shape: readonly number[]): Float32Array {
  return finiteFloat32(name, shapedTensor(tensors, name, shape));
}

/** The same as float64. */
function float64Tensor(tensors: Tensors, name: string, shape: readonly number[]): Float64Array {
  const tensor = shapedTensor(tensors, name, shape);
  if (!(tensor.data instanceof Float64Array)) return Float64Array.from(finiteFloat32(name, tensor));
  const index = tensor.data.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return tensor.data.slice();
  throw new FormatError(
    `The tensor ${show(name)} must hold finite numbers; element ${index} is ${tensor.data[index]}.`,
  );
}

function shapedTensor(tensors: Tensors, name: string, shape: readonly number[]): SafeTensor {
  const tensor = tensors.get(name);
  if (!tensor) throw new FormatError(`The file lacks the tensor ${show(name)}.`);
  if (tensor.shape.join() === shape.join()) return tensor;
  throw new FormatError(
    `The tensor ${show(name)} has shape [${tensor.shape.join(", ")}]; its configuration asks for [${shape.join(", ")}].`,
  );
}

function readBuffer(
  tensors: Tensors,
  name: string,
  { type, length }: BufferSpec,
): Float32Array | Uint32Array {
  if (type === "F32") return float32Tensor(tensors, name, [length]).slice();
  const tensor = tensors.get(name);
  if (tensor?.dtype !== "U32" || tensor.shape.join() !== String(length)) {
    throw new FormatError(
      `The tensor ${show(name)} must be U32 of shape [${length}]; got ${tensor?.dtype} of [${tensor?.shape.join(", ")}].`,
    );
  }
  return Uint32Array.from(tensor.data, Number);
}

function readPreparation(
  tensors: Tensors,
  { layers }: ResolvedConfig,
  names: readonly string[],
): PreparationState {
  const width = layers[0] ?? 0;
  return Object.fromEntries(names.map((name) => [name, float64Tensor(tensors, name, [width])]));
}

function readProgress(text: string): Omit<OptimizerState, "blocks"> {
  return checked("training state", () => {
    const from = parseJson("training", text);
    const learningRate = finiteNumber("learningRate", from.learningRate, 0);
    const lossRatio = from.lossRatio ?? null;
    return {
      learningRate,
      baseLearningRate: finiteNumber("baseLearningRate", from.baseLearningRate ?? learningRate, 0),
      stepCount: wholeNumber("stepCount", from.stepCount, 0),
      lossRatio: lossRatio === null ? null : finiteNumber("lossRatio", lossRatio, 0),
    };
  });
}

function readRun(text: string, version: number, config: ResolvedConfig): RunState {
  return checked("run", () => runFromJson(parseJson("run", text), version, config));
}

/** Reads a part of the file. The message of a failed check becomes the reason of a FormatError. */
function checked<Value>(what: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError(`The file's ${what} is not valid: ${reason}`);
  }
}

function parseJson(what: string, text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "");
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // thrown below, for both cases
  }
  throw new FormatError(`The file's ${what} must be a JSON object; got ${show(text)}.`);
}

/** The run of a file. Throws the errors of the argument checks. */
function runFromJson(value: unknown, version: number, { layers }: ResolvedConfig): RunState {
  const from = record("run", value);
  const whole = (key: string) => wholeNumber(`run.${key}`, from[key], 0);
  const plateau = record("run.plateau", from.plateau);
  const stopping = record("run.stopping", from.stopping);
  const best = (where: string, memory: Record<string, unknown>) =>
    memory.best === undefined ? {} : { best: finiteNumber(`${where}.best`, memory.best) };
  // Version 1 counts rows, and version 2 counts values.
  const perRow = version === 1 ? (layers[0] ?? 1) : 1;
  return {
    rows: whole("rows"),
    batchSize: whole("batchSize"),
    epoch: whole("epoch"),
    batch: whole("batch"),
    weightDone: whole(version === 1 ? "rowsDone" : "weightDone") * perRow,
    lossSum: finiteNumber("run.lossSum", from.lossSum) * perRow,
    step: whole("step"),
    stopped: from.stopped === true,
    // `best` is last, as in a run that was never saved. So the files of both are identical.
    plateau: {
      waited: wholeNumber("run.plateau.waited", plateau.waited, 0),
      cooling: wholeNumber("run.plateau.cooling", plateau.cooling, 0),
      factor: finiteNumber("run.plateau.factor", plateau.factor, 0, 1),
      ...best("run.plateau", plateau),
    },
    stopping: {
      waited: wholeNumber("run.stopping.waited", stopping.waited, 0),
      ...best("run.stopping", stopping),
    },
  };
}
