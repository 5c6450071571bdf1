// A model in memory: everything that a configuration describes, in one arena. The training step is in step.ts, inference
// in inference.ts, and the state that files hold in state.ts.

import { Arena } from "../core/arena.ts";
import type { Core } from "../core/load.ts";
import type { Address } from "../layers/layer.ts";
import { lossFunction } from "../losses/index.ts";
import type { LossFunction } from "../losses/loss.ts";
import { Stream, splitSeed } from "../math/seed.ts";
import { createOptimizer, stateNames } from "../optimizers/index.ts";
import type { OptimizerBlocks } from "../optimizers/optimizer.ts";
import { longForm } from "../options.ts";
import { type BoundConstraint, bindConstraint } from "./bound-constraint.ts";
import type { ResolvedConfig } from "./config.ts";
import { GramStep } from "./gram.ts";
import { Inference } from "./inference.ts";
import { initializeParameters } from "./initial/initializers.ts";
import { buildNetwork, type Network } from "./network.ts";
import { Parameters } from "./parameters.ts";
import { Preparation } from "./preparation.ts";
import { Staging } from "./staging.ts";
import { ModelState } from "./state.ts";
import { TrainingStep } from "./step.ts";
import { Workspace } from "./workspace.ts";

export class Engine {
  readonly config: ResolvedConfig;
  readonly core: Core;
  readonly arena: Arena;
  readonly network: Network;
  readonly loss: LossFunction;
  readonly preparation: Preparation;
  readonly workspace: Workspace;
  readonly staging: Staging;
  readonly constraint: BoundConstraint;
  readonly step: TrainingStep;
  readonly inference: Inference;
  readonly state: ModelState;

  /**
   * `network` must be the network that `config` describes. Engines may share an arena. Their workspaces must then begin
   * after everything that any of them has reserved.
   */
  constructor(
    config: ResolvedConfig,
    core: Core,
    network = buildNetwork(config),
    arena = new Arena(core.memory),
  ) {
    const { kernels } = core;
    const loss = lossFunction(config.loss);
    const { layout } = network;
    // New memory is zero, which is the initial state of every optimizer.
    const block = () => arena.reserveFloats(layout.blockLength);
    const blocks: OptimizerBlocks = {
      count: layout.blockLength,
      parameters: block(),
      gradients: block(),
      state: stateNames(config.optimizer).map(block),
    };
    const parameters = new Parameters(layout, blocks.parameters, blocks.gradients);
    const buffers = new Map<string, Address>(
      network.buffers.map(({ name, length }) => [name, arena.reserveFloats(length)]),
    );
    for (const each of [blocks.parameters, ...blocks.state]) core.guard(each, blocks.count * 4);
    for (const { name, length } of network.buffers) core.guard(buffers.get(name) ?? 0, length * 4);
    const width = network.layers[0]?.inputs ?? 0;
    const preparation = new Preparation(kernels, arena, config, width);
    const writeConstants = loss.reserve?.(arena, width);
    const gram = config.gradient === "direct" ? undefined : GramStep.between(network.outer, loss);
    const workspace = new Workspace({ config, kernels, arena, network, parameters, buffers, gram });
    const isBounded = loss.targetsAreProbabilities && config.scaler === undefined;
    const boundedLoss = isBounded ? longForm(config.loss).type : undefined;
    const staging = new Staging(kernels, arena, workspace, preparation, boundedLoss);
    const constraint = bindConstraint(kernels, parameters, config.constraint);
    const shared = { kernels, arena, network, preparation, workspace, staging, loss };
    this.config = config;
    this.core = core;
    this.arena = arena;
    this.network = network;
    this.loss = loss;
    this.preparation = preparation;
    this.workspace = workspace;
    this.staging = staging;
    this.step = new TrainingStep({
      ...shared,
      optimizer: createOptimizer(kernels, config.optimizer),
      learningRate: config.optimizer.learningRate,
      blocks,
      parameters,
      constraint,
      gram,
      alwaysGram: config.gradient === "gram",
    });
    this.constraint = constraint;
    this.inference = new Inference(shared, config.layers.at(-1) ?? 0);
    this.state = new ModelState(arena, config, network, blocks, buffers, preparation, this.step);
    arena.commit();
    writeConstants?.();
  }

  /** Draws the initial parameters with the configured initializer. */
  initialize(): void {
    const { initializer, seed } = this.config;
    const { layout } = this.network;
    const { parametersAddress } = this.state;
    const { kernels } = this.core;
    initializeParameters(
      kernels,
      this.arena,
      parametersAddress,
      layout,
      initializer,
      splitSeed(seed),
    );
    this.constraint.apply();
  }

  /** A seeded permutation of `count` rows. Depends only on the seed and the epoch. */
  shuffledOrder(count: number, epoch: number): Uint32Array {
    const scratch = this.workspace.scratch(count * 4);
    const { low, high } = splitSeed(this.config.seed);
    this.core.kernels.permutation(count, scratch, low, high, epoch, Stream.shuffle);
    return this.arena.words(scratch, count).slice();
  }
}
