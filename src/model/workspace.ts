// The part of the arena for temporary data: the rows of a batch, the buffers of every layer, and the gradients between
// layers. The two plans, one for training and one for inference, start at the same address and overlap, because no call
// leaves data there that a later call needs. A plan is made for a number of rows and serves every smaller batch.

import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { lossBlocks } from "../core/partial-sums.ts";
import { activationOp } from "../layers/activations.ts";
import { PlannedDense } from "../layers/dense.ts";
import type { Address, CodeMatrix, Parameter, Pass, PlannedLayer, Room } from "../layers/layer.ts";
import { penalties } from "../penalties/index.ts";
import type { PenaltySubject, PlannedPenalty } from "../penalties/penalty.ts";
import { planWeightPenalty } from "../penalties/weights.ts";
import type { ResolvedConfig } from "./config.ts";
import type { GramStep, PlannedGram } from "./gram.ts";
import type { Network } from "./network.ts";
import type { Parameters } from "./parameters.ts";

/** The number of elements of the widest matrix of a chunk. Chunks of this size run at full speed and fit into the cache. */
const INFERENCE_ELEMENTS = 262_144;

/** The common part of both plans. */
interface Plan {
  /** The largest number of rows of a pass. */
  readonly rows: number;
  readonly layers: readonly PlannedLayer[];
  readonly pass: Pass;
  /** Partial sums of the loss. */
  readonly partials: Address;
}

export interface TrainingPlan extends Plan {
  /** The largest number of rows of a batch. A pass may take a part of it. */
  readonly batchRows: number;
  /** The input [batchRows, width], with room for one more row. */
  readonly x: Address;
  /** The target [batchRows, width], or `x` if there is only room for the input. */
  readonly target: Address;
  /** The gradient at the reconstruction [rows, width]. */
  readonly dy: Address;
  /** Layers before this index encode. */
  readonly codeEnd: number;
  /** The code, for penalties. */
  readonly code: CodeMatrix;
  readonly penalties: readonly PlannedPenalty[];
  /** The Gram step of this plan, if the model has one. */
  readonly gram: PlannedGram | undefined;
}

export interface InferencePlan extends Plan {
  /** The input [rows, widest layer], which may be rows or codes. */
  readonly x: Address;
  /** A target [rows, width]. */
  readonly target: Address;
  /** The two outputs that layers write to in turn [rows, widest layer]. */
  readonly outputs: readonly [Address, Address];
}

/** The parts of a model that a workspace is planned for. */
export interface WorkspaceParts {
  readonly config: Pick<ResolvedConfig, "penalties" | "l1" | "l2" | "encoderActivations">;
  readonly kernels: KernelExports;
  readonly arena: Arena;
  readonly network: Network;
  readonly parameters: Parameters;
  /** Addresses of the buffers of layers. */
  readonly buffers: ReadonlyMap<string, Address>;
  readonly gram: GramStep | undefined;
}

export class Workspace {
  readonly #parts: WorkspaceParts;
  readonly #arena: Arena;
  #start: Address;
  readonly #width: number;
  readonly #widest: number;
  /** The end of the higher of the two plans. */
  #end: Address;
  /** The end of the memory that `keep` protects, or 0 if there is none. */
  #keptEnd: Address = 0;
  #training: TrainingPlan | undefined;
  #inference: InferencePlan | undefined;

  /** The workspace begins at the current top of the arena. Nothing else may be reserved after it. */
  constructor(parts: WorkspaceParts) {
    const { arena, network } = parts;
    this.#parts = parts;
    this.#arena = arena;
    this.#start = arena.top;
    this.#end = arena.top;
    this.#width = network.layers[0]?.inputs ?? 0;
    this.#widest = network.layers.reduce((most, { inputs }) => Math.max(most, inputs), 0);
  }

  /** Sets the address at which the workspace begins. Must be called before the first plan. */
  startAt(address: Address): void {
    this.#start = address;
    this.#end = address;
  }

  /** The number of columns of the input and of the reconstruction. */
  get width(): number {
    return this.#width;
  }

  /**
   * A plan for a batch of `batchRows` rows that passes through the layers `rows` rows at a time. With `ownTarget` the
   * target has its own memory.
   */
  training(batchRows: number, rows: number, ownTarget: boolean): TrainingPlan {
    const plan = this.#training;
    const hasTarget = plan !== undefined && plan.target !== plan.x;
    const fits = plan && batchRows <= plan.batchRows && rows <= plan.rows;
    if (fits && (hasTarget || !ownTarget)) return plan;
    this.#training = this.#planTraining(
      Math.max(batchRows, plan?.batchRows ?? 0),
      Math.max(rows, plan?.rows ?? 0),
      ownTarget || hasTarget,
    );
    return this.#training;
  }

  /** A plan for inference with `rows` rows. */
  inference(rows: number): InferencePlan {
    if (!this.#inference || rows > this.#inference.rows) {
      this.#inference = this.#planInference(rows);
    }
    return this.#inference;
  }

  /**
   * The number of rows of a chunk, if `total` rows are processed in chunks. Chunks have nearly equal sizes: a last chunk
   * of one row would take the matrix-vector path, whose last bits may differ.
   */
  chunkRows(total: number): number {
    return Math.ceil(total / Math.max(1, Math.ceil(total / this.mostChunkRows)));
  }

  /** The largest number of rows of a chunk. */
  get mostChunkRows(): number {
    return Math.max(16, Math.floor(INFERENCE_ELEMENTS / this.#widest));
  }

  /** Temporary room for `bytes` bytes, until the next call. It overlaps the plans if they are large enough. */
  scratch(bytes: number): Address {
    if (this.#start + bytes <= this.#end) this.#arena.rewind(this.#start);
    else this.clearBeside();
    const address = this.#arena.reserve(bytes);
    this.#arena.commit();
    return address;
  }

  /** Frees the memory above both plans. Memory that `beside` reserves then is valid until a larger plan is made. */
  clearBeside(): void {
    this.#arena.rewind(Math.max(this.#end, this.#keptEnd));
  }

  /** Protects the memory above the plans: `clearBeside` does not free it. A larger plan would overwrite it. */
  keep(): void {
    this.#keptEnd = this.#arena.top;
  }

  /** Ends the protection by `keep`. */
  release(): void {
    this.#keptEnd = 0;
  }

  /** Reserves room for `length` float32 values above both plans. */
  beside(length: number): Address {
    const address = this.#arena.reserveFloats(length);
    this.#arena.commit();
    return address;
  }

  #planTraining(batchRows: number, rows: number, ownTarget: boolean): TrainingPlan {
    this.#arena.rewind(this.#start);
    const batch = () => this.#arena.reserveFloats((batchRows + 1) * this.#width);
    const x = batch();
    const target = ownTarget ? batch() : x;
    const { network, gram } = this.#parts;
    const room = new ArenaRoom(this.#parts, rows);
    const layers = network.layers.map((layer) => layer.plan(room));
    const dy = room.matrix(this.#width);
    const { codeEnd } = network;
    const penalties = this.#planPenalties(room, layers);
    // The Gram step does not support terms of the loss and gradients between the outermost layers.
    const isPlain =
      layers.every(({ ownLoss }) => !ownLoss) &&
      penalties.every(({ codeGradient }) => !codeGradient);
    return {
      rows,
      batchRows,
      x,
      target,
      layers,
      codeEnd,
      code: this.#codeOf(layers),
      penalties,
      dy,
      gram: isPlain ? gram?.plan(room, layers, dy) : undefined,
      ...this.#finish(room),
    };
  }

  #planInference(rows: number): InferencePlan {
    this.#arena.rewind(this.#start);
    const matrix = (columns: number) => this.#arena.reserveFloats(rows * columns);
    const x = matrix(this.#widest);
    const target = matrix(this.#width);
    const outputs: [Address, Address] = [matrix(this.#widest), matrix(this.#widest)];
    const room = new ArenaRoom(this.#parts, rows, outputs);
    const layers = this.#parts.network.layers.map((layer) => layer.plan(room));
    return { rows, x, target, outputs, layers, ...this.#finish(room) };
  }

  /** The code as the decoder reads it. */
  #codeOf(layers: readonly PlannedLayer[]): CodeMatrix {
    const { codeEnd } = this.#parts.network;
    const planned = layers[codeEnd - 1];
    if (!planned?.code) throw new Error("The last encoding layer has no code.");
    return planned.code;
  }

  #planPenalties(room: Room, layers: readonly PlannedLayer[]): PlannedPenalty[] {
    const { config, network, parameters } = this.#parts;
    const { l1, l2 } = config;
    const subject: PenaltySubject = {
      weights: parameters.ofKind("tiedWeight"),
      encoders: layers.slice(0, network.codeEnd).filter((layer) => layer instanceof PlannedDense),
      codeUnits: network.layers[network.codeEnd - 1]?.outputs ?? 0,
      codeActivation: activationOp(config.encoderActivations.at(-1) ?? "linear").type,
    };
    const planned = config.penalties.map((spec) => penalties.of(spec).plan(room, subject, spec));
    return l1 === 0 && l2 === 0 ? planned : [planWeightPenalty(subject, l1, l2), ...planned];
  }

  /** Reserves what kernels need besides the matrices of a plan, and grows the memory. Every plan ends with this. */
  #finish(room: ArenaRoom): { partials: Address; pass: Pass } {
    const sums = Math.max(room.rows, lossBlocks(room.rows * this.#width));
    const partials = this.#arena.reserve(sums * 8);
    const panels = this.#arena.reserve(room.panelBytes);
    this.#arena.commit();
    this.#end = Math.max(this.#end, this.#arena.top);
    const { kernels, parameters } = this.#parts;
    return {
      partials,
      pass: {
        kernels,
        arena: this.#arena,
        rows: 0,
        training: room.training,
        logits: false,
        wantsLoss: room.training,
        withoutBias: false,
        fromCode: false,
        step: 0,
        firstRow: 0,
        scale: 1,
        panels,
        beta: (parameter) => parameters.beta(parameter),
      },
    };
  }
}

/** Allocates the buffers of a plan in the arena. */
class ArenaRoom implements Room {
  readonly rows: number;
  readonly training: boolean;
  /** The size in bytes of the largest workspace of a product. */
  panelBytes = 0;
  readonly #parts: WorkspaceParts;
  readonly #outputs: readonly Address[] | undefined;
  #turn = 0;

  /** With `outputs` the plan is for inference, and layers write to these matrices in turn. */
  constructor(parts: WorkspaceParts, rows: number, outputs?: readonly Address[]) {
    this.#parts = parts;
    this.rows = rows;
    this.training = outputs === undefined;
    this.#outputs = outputs;
  }

  output(columns: number): Address {
    return this.#outputs?.[this.#turn++ % 2] ?? this.matrix(columns);
  }

  matrix(columns: number): Address {
    // One more row, because the Gram step appends a row to a gradient.
    return this.#parts.arena.reserveFloats((this.rows + (this.training ? 1 : 0)) * columns);
  }

  floats(length: number): Address {
    return this.#parts.arena.reserveFloats(length);
  }

  product(m: number, n: number, k: number): void {
    this.panelBytes = Math.max(this.panelBytes, this.#parts.kernels.gemmWorkspace(m, n, k) >>> 0);
  }

  selection(count: number): Address {
    return this.#parts.arena.reserve(this.#parts.kernels.topKWorkspace(count) >>> 0);
  }

  parameter(name: string): Parameter {
    return this.#parts.parameters.get(name);
  }

  buffer(name: string): Address {
    const address = this.#parts.buffers.get(name);
    if (address === undefined) throw new Error(`The model has no buffer ${name}.`);
    return address;
  }
}
