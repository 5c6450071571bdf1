// One object of each kind that a configuration or `fit` can name, as a program outside src/ would write it. They use
// existing kernels. Each is as short as possible, because they also serve as examples.

import { Activation } from "../../assembly/ops.ts";
import type { ConstraintDefinition } from "../../src/constraints/constraint.ts";
import type { ActivationDefinition } from "../../src/layers/activations.ts";
import type { CodeDefinition } from "../../src/layers/code.ts";
import { Dense } from "../../src/layers/dense.ts";
import type { Layer, ParameterSpec, PlannedLayer, Room } from "../../src/layers/layer.ts";
import type { OnnxWriter } from "../../src/layers/onnx-writer.ts";
import type { LossDefinition } from "../../src/losses/loss.ts";
import { mse } from "../../src/losses/mse.ts";
import type { ScalerDefinition } from "../../src/model/scalers.ts";
import {
  type CommonOptimizerOptions,
  commonOptions,
  type OptimizerDefinition,
  stateBlock,
} from "../../src/optimizers/optimizer.ts";
import { atLeast0, positive, share, whole } from "../../src/options.ts";
import type { PenaltyDefinition } from "../../src/penalties/penalty.ts";
import type { NoiseDefinition } from "../../src/training/noise/noise.ts";
import {
  type CountedOptions,
  per,
  type ScheduleDefinition,
} from "../../src/training/schedules/schedule.ts";

/** An elu with the limit −scale: an existing kernel, with another name and option. */
export const saturating: ActivationDefinition<"saturating", { scale?: number }> = {
  type: "saturating",
  options: { scale: positive(2) },
  code: Activation.elu,
  parameter: ({ scale }) => scale,
  onnx: (write, x, scale) => write.add("Elu", [x], { alpha: { float: scale } }),
};

interface HeavyBallOptions extends CommonOptimizerOptions {
  /** The share of the velocity that is kept, in [0, 1). Default 0.9. */
  friction?: number;
}

/** velocity = friction velocity + g; p -= learningRate velocity. */
export const heavyBall: OptimizerDefinition<"heavyBall", HeavyBallOptions> = {
  type: "heavyBall",
  options: { ...commonOptions(), friction: share(0.9) },
  states: () => ["velocity"],
  create:
    (kernels, { friction }) =>
    (blocks, { learningRate, scale }) => {
      const { count, parameters, gradients } = blocks;
      const velocity = stateBlock(blocks, 0);
      kernels.scale(count, velocity, friction);
      kernels.axpy(count, scale, gradients, velocity);
      kernels.axpy(count, -learningRate, velocity, parameters);
    },
};

/** factor · d². */
export const scaledMse: LossDefinition<"scaledMse", { factor?: number }> = {
  type: "scaledMse",
  options: { factor: positive(0.5) },
  create({ factor }) {
    const square = mse.create({});
    return {
      readsLogits: false,
      targetsAreProbabilities: false,
      isSquaredError: false,
      sum: (kernels, input) => factor * square.sum(kernels, input),
      gradient: (kernels, input, scale, dy) =>
        factor * square.gradient(kernels, input, factor * scale, dy),
    };
  },
};

/** weight / rows · Σh². */
export const codeL2: PenaltyDefinition<"codeL2", { weight: number }> = {
  type: "codeL2",
  options: { weight: atLeast0() },
  plan: (_room, _subject, { weight }) => ({
    value: ({ kernels, rows }, { address, columns }) =>
      (weight / rows) * kernels.sumSquares(rows * columns, address),
    codeGradient({ kernels, rows, scale }, { address, columns }, dCode) {
      kernels.addPenaltyGradient(rows * columns, address, dCode, 0, weight / rows, scale);
    },
  }),
};

/** No weight outside [−limit, limit]. */
export const box: ConstraintDefinition<"box", { limit: number }> = {
  type: "box",
  options: { limit: positive() },
  apply(kernels, weights, { limit }) {
    for (const { length, value } of weights) kernels.clamp(length, value, -limit, limit, value);
  },
};

/** Divides every value by `by`. */
export const division: ScalerDefinition<"division", { by: number }> = {
  type: "division",
  options: { by: positive() },
  fixed: ({ by }, width) => ({
    center: new Float64Array(width),
    scale: new Float64Array(width).fill(by),
  }),
};

interface HalvingOptions extends CountedOptions {
  /** The number of steps or epochs between two halvings. */
  every: number;
}

/** Halves the rate after every `every` steps or epochs. */
export const halving: ScheduleDefinition<"halving", HalvingOptions> = {
  type: "halving",
  options: { per, every: whole(1) },
  create: ({ per, every }) => ({
    per,
    rate: (index, base) => base * 2 ** -Math.floor(index / every),
  }),
};

/** Dropout on the input: values become 0, and the others are scaled to keep the mean. */
export const inputDropout: NoiseDefinition<"inputDropout", { rate: number }> = {
  type: "inputDropout",
  options: { rate: share() },
  apply(kernels, { rate }, count, clean, noisy, start, { low, high }, step, stream) {
    kernels.randomMask(count, clean, noisy, start, rate, 1 / (1 - rate), low, high, step, stream);
  },
};

/** y = factor · gain ∘ x, with a trained gain for every column. */
class Gain implements Layer {
  readonly name = "gain";
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: readonly ParameterSpec[];
  readonly buffers = [];
  readonly label: string;
  readonly #factor: number;

  constructor(units: number, factor: number) {
    this.inputs = units;
    this.outputs = units;
    this.parameters = [{ name: "gain.weight", shape: [units], kind: "weight", fanIn: 1 }];
    this.label = `gain(${factor})`;
    this.#factor = factor;
  }

  plan(room: Room): PlannedLayer {
    const [units, factor] = [this.outputs, this.#factor];
    const gain = room.parameter("gain.weight");
    const y = room.output(units);
    let input = 0;
    return {
      code: { address: y, columns: units },
      forward({ arena: { heap }, rows }, x) {
        input = x;
        for (let i = 0; i < rows * units; i++) {
          heap[y / 4 + i] = factor * heap[gain.value / 4 + (i % units)]! * heap[x / 4 + i]!;
        }
        return y;
      },
      backward(pass, dy) {
        const { heap } = pass.arena;
        const [value, gradient] = [gain.value / 4, gain.gradient / 4];
        // The first use in a pass writes the gradient.
        if (pass.beta(gain) === 0) heap.fill(0, gradient, gradient + units);
        for (let i = 0; i < pass.rows * units; i++) {
          const j = i % units;
          const d = heap[dy / 4 + i]!;
          heap[gradient + j]! += factor * d * heap[input / 4 + i]!;
          heap[dy / 4 + i] = factor * d * heap[value + j]!;
        }
        return dy;
      },
    };
  }

  onnx(write: OnnxWriter, x: string, output: string): string {
    const scaled = write.add("Mul", [x, "gain.weight"]);
    return write.named(write.add("Mul", [scaled, write.constant(this.#factor)]), output);
  }
}

/** A dense code whose units have a gain. */
export const gainCode: CodeDefinition<"gain", { factor?: number }> = {
  type: "gain",
  options: { factor: positive(1) },
  layers({ encoder, decoder, between }, { factor }) {
    const dense = new Dense(encoder);
    return {
      encode: [dense, new Gain(dense.outputs, factor)],
      decode: [...between, new Dense(decoder)],
    };
  },
};
