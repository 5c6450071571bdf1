// The state of a model: its parameters, the statistics learned from the data, and on request everything that training
// needs to continue. Files contain this state.

import type { Arena } from "../core/arena.ts";
import { InvalidValueError } from "../errors.ts";
import type { Address, BufferSpec } from "../layers/layer.ts";
import type { OptimizerBlocks } from "../optimizers/optimizer.ts";
import { finish, type Paused } from "../platform/turns.ts";
import type { ResolvedConfig } from "./config.ts";
import type { Network } from "./network.ts";
import type { Preparation, PreparationState } from "./preparation.ts";
import type { TrainingStep } from "./step.ts";

/** The state of the optimizer, which a resumed run needs besides the weights. */
export interface OptimizerState {
  /** The learning rate of the next step. */
  readonly learningRate: number;
  /** The initial learning rate of schedules. */
  readonly baseLearningRate: number;
  /** The number of optimizer steps taken. */
  readonly stepCount: number;
  /** The last loss divided by the mean square of its data. The Gram step depends on it. Null if unknown. */
  readonly lossRatio: number | null;
  /** One flat block with the layout of the parameters for each of the optimizer's states. */
  readonly blocks: readonly Float32Array[];
}

/** The buffers of layers besides the parameters, by name. */
export type BufferState = Readonly<Record<string, Float32Array | Uint32Array>>;

/** The values that training changes in a model. */
export interface Weights {
  /** The flat block of parameters. */
  readonly parameters: Float32Array;
  readonly buffers: BufferState;
}

export interface ModelSnapshot extends Weights {
  readonly config: ResolvedConfig;
  /** The statistics for scaling and for replacing missing values. Undefined before they are learned. */
  readonly preparation: PreparationState | undefined;
  readonly optimizer: OptimizerState | undefined;
}

/** What a state is set to. */
type RestoredState = Weights & Partial<Omit<ModelSnapshot, "config">>;

export class ModelState {
  readonly #arena: Arena;
  readonly #config: ResolvedConfig;
  readonly #network: Network;
  readonly #blocks: OptimizerBlocks;
  readonly #buffers: ReadonlyMap<string, Address>;
  readonly #preparation: Preparation;
  readonly #step: TrainingStep;

  constructor(
    arena: Arena,
    config: ResolvedConfig,
    network: Network,
    blocks: OptimizerBlocks,
    buffers: ReadonlyMap<string, Address>,
    preparation: Preparation,
    step: TrainingStep,
  ) {
    this.#arena = arena;
    this.#config = config;
    this.#network = network;
    this.#blocks = blocks;
    this.#buffers = buffers;
    this.#preparation = preparation;
    this.#step = step;
  }

  get parametersAddress(): Address {
    return this.#blocks.parameters;
  }

  /** A new view of the flat block of parameters. */
  get parameters(): Float32Array {
    return this.#block(this.#blocks.parameters);
  }

  /** A new view of the flat block of gradients. */
  get gradients(): Float32Array {
    return this.#block(this.#blocks.gradients);
  }

  /** New views of the buffers of layers. */
  get buffers(): BufferState {
    const state: Record<string, Float32Array | Uint32Array> = {};
    for (const { name, type, length } of this.#network.buffers) {
      state[name] = this.#bufferView(type, this.#buffers.get(name) ?? 0, length);
    }
    return state;
  }

  /** The state of the model. `training` adds the optimizer's state. Arrays are views into the arena. */
  snapshot(training: boolean): ModelSnapshot {
    const { learningRate, baseLearningRate, stepCount, lossRatio } = this.#step.progress;
    return {
      config: this.#config,
      parameters: this.parameters,
      buffers: this.buffers,
      preparation: this.#preparation.fitted ? this.#preparation.state : undefined,
      optimizer: training
        ? {
            learningRate,
            baseLearningRate,
            stepCount,
            lossRatio: Number.isNaN(lossRatio) ? null : lossRatio,
            blocks: this.#blocks.state.map((address) => this.#block(address)),
          }
        : undefined,
    };
  }

  /** A copy of the values that training changes. */
  copyWeights(): Weights {
    const buffers = Object.entries(this.buffers).map(([name, view]) => [name, view.slice()]);
    return { parameters: this.parameters.slice(), buffers: Object.fromEntries(buffers) };
  }

  /** Sets the state to that of a snapshot. */
  restore(snapshot: RestoredState): void {
    finish(this.restoring(snapshot));
  }

  /** The same with pauses. */
  *restoring({ parameters, buffers, preparation, optimizer }: RestoredState): Paused<void> {
    yield* copied(parameters, this.parameters);
    for (const { name, type, length } of this.#network.buffers) {
      const values = buffers[name];
      const address = this.#buffers.get(name);
      if (!values || address === undefined) continue;
      this.#bufferView(type, address, length).set(values);
    }
    if (preparation) this.#preparation.restore(preparation);
    if (!optimizer) return;
    const { progress } = this.#step;
    progress.learningRate = optimizer.learningRate;
    progress.baseLearningRate = optimizer.baseLearningRate;
    progress.stepCount = optimizer.stepCount;
    progress.lossRatio = optimizer.lossRatio ?? Number.NaN;
    for (const [i, address] of this.#blocks.state.entries()) {
      yield* copied(optimizer.blocks[i] ?? new Float32Array(0), this.#block(address));
    }
  }

  /** Replaces the parameters only. */
  setParameters(block: Float32Array): void {
    this.parameters.set(block);
  }

  /**
   * Adds `scale` times a block of gradients to the accumulated gradients.
   * @throws InvalidValueError for a value that is not finite. The accumulated gradients are then unchanged.
   */
  addGradients(block: Float32Array, scale: number): void {
    const values = block.map((value) => value * scale);
    for (const { name, offset, length } of this.#network.layout.tensors) {
      const index = values.subarray(offset, offset + length).findIndex((x) => !Number.isFinite(x));
      if (index < 0) continue;
      throw new InvalidValueError(
        `Gradients must be finite float32 numbers; element ${index} of ${name} is ${values[offset + index]}.`,
      );
    }
    const { gradients } = this;
    if (this.#step.hasGradients) {
      for (let i = 0; i < values.length; i++) gradients[i] = (gradients[i] ?? 0) + (values[i] ?? 0);
    } else gradients.set(values);
    this.#step.countExternalGradients();
  }

  #bufferView(type: BufferSpec["type"], address: Address, length: number) {
    return type === "F32" ? this.#arena.view(address, length) : this.#arena.words(address, length);
  }

  #block(address: Address): Float32Array {
    return this.#arena.view(address, this.#blocks.count);
  }
}

/** Elements that are copied or checked between two pauses: some milliseconds of work. */
export const PIECE = 1 << 20;

/** Copies in pieces, with a pause after each. */
function* copied(from: Float32Array, to: Float32Array): Paused<void> {
  for (let start = 0; start < from.length; start += PIECE) {
    to.set(from.subarray(start, start + PIECE), start);
    yield;
  }
}
