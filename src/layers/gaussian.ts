// The gaussian code of a variational autoencoder (Kingma & Welling 2014). Two linear heads read the last hidden layer:
// the mean, with the tied weight, and the log variance, with its own weight. Training decodes z = μ + exp(½ log σ²) ε,
// with a new ε for every row of every step. Inference decodes μ. The term β · KL is added to the loss, with
// KL = Σ ½ (μ² + σ² − 1 − log σ²) / (B · D) for B rows and D columns of the data. Log variances are clamped to
// [−30, 20], and the gradient is 0 outside.

import { lossBlocks } from "../core/partial-sums.ts";
import { InvalidValueError, show } from "../errors.ts";
import { atLeast0 } from "../options.ts";
import type { CodeContext, CodeDefinition } from "./code.ts";
import { Dense, type PlannedDense } from "./dense.ts";
import type {
  Address,
  CodeMatrix,
  Layer,
  ParameterSpec,
  Pass,
  PlannedLayer,
  Room,
} from "./layer.ts";
import type { OnnxWriter } from "./onnx-writer.ts";

/** The limits of a log variance. */
const [LEAST, MOST] = [-30, 20];

/** Options of the code `"gaussian"`. */
export interface GaussianCodeOptions {
  /** Factor on the divergence from the prior, at least 0. Default 1. */
  beta?: number;
}

export const gaussianCode: CodeDefinition<"gaussian", GaussianCodeOptions> = {
  type: "gaussian",
  options: { beta: atLeast0(1) },
  isLinear: true,
  check({ codeActivation }) {
    if (codeActivation === "linear") return;
    throw new InvalidValueError(
      `A gaussian code is linear: the last entry of encoderActivations must be "linear"; got ${show(codeActivation)}. Leave it out, or put the activation on a hidden layer.`,
    );
  },
  layers(context, { beta }) {
    const { decoder, between } = context;
    return { encode: [new Gaussian(context, beta)], decode: [...between, new Dense(decoder)] };
  },
};

export class Gaussian implements Layer {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: readonly ParameterSpec[];
  readonly buffers = [];
  readonly beta: number;
  readonly label: string;
  readonly width: number;
  readonly mean: Dense;
  readonly logVariance: Dense;
  /** Draws the noise ε [rows, units] of a pass at `epsilon`. */
  noise: (pass: Pass, epsilon: Address) => void;

  constructor({ encoder, stream, seed, width }: CodeContext, beta: number) {
    this.mean = new Dense(encoder);
    const { name, inputs, outputs } = this.mean;
    this.name = name;
    this.inputs = inputs;
    this.outputs = outputs;
    this.beta = beta;
    this.label = `gaussian(beta ${beta})`;
    this.width = width;
    const head = `${name}.logVariance`;
    const shape = [outputs, inputs];
    this.logVariance = new Dense({
      name: head,
      weight: { name: `${head}.weight`, shape, kind: "weight", fanIn: inputs },
      bias: { name: `${head}.bias`, shape: [outputs], kind: "bias", fanIn: inputs },
      encodes: true,
      activation: "linear",
      inputGradient: false, // added to that of the mean
      isOutput: false,
    });
    this.parameters = [...this.mean.parameters, ...this.logVariance.parameters];
    this.noise = ({ kernels, rows, firstRow, step }, epsilon) => {
      const start = firstRow * outputs;
      kernels.randomNormal(rows * outputs, epsilon, start, 0, 1, seed.low, seed.high, step, stream);
    };
  }

  plan(room: Room): PlannedGaussian {
    return new PlannedGaussian(this, room);
  }

  onnx(write: OnnxWriter, x: string, output: string): string {
    return this.mean.onnx(write, x, output);
  }

  /** Adds the nodes of the clamped log variance for the same input. */
  logVarianceOnnx(write: OnnxWriter, x: string, output: string): string {
    const inputs = [x, ...this.logVariance.parameters.map(({ name }) => name)];
    const sum = write.add("Gemm", inputs, { transB: { int: 1 } });
    const [least, most] = [write.constant(LEAST), write.constant(MOST)];
    return write.named(write.add("Clip", [sum, least, most]), output);
  }
}

export class PlannedGaussian implements PlannedLayer {
  readonly #layer: Gaussian;
  readonly #mean: PlannedDense;
  /** Its outputs are log σ² before it is clamped [rows, units]. */
  readonly #logVariance: PlannedDense;
  /** ε, then the gradient at the log variance [rows, units]. */
  readonly #epsilon: Address;
  /** The sample that the decoder reads in training [rows, units]. */
  readonly #z: Address;
  readonly #partials: Address;
  #divergence = 0;

  constructor(layer: Gaussian, room: Room) {
    const { outputs } = layer;
    this.#layer = layer;
    this.#mean = layer.mean.plan(room);
    this.#logVariance = layer.logVariance.plan(room, room.matrix(outputs));
    this.#epsilon = room.training ? room.matrix(outputs) : 0;
    this.#z = room.training ? room.matrix(outputs) : 0;
    this.#partials = room.floats(2 * lossBlocks(room.rows * outputs));
  }

  get code(): CodeMatrix {
    return { address: this.#z, columns: this.#layer.outputs };
  }

  forward(pass: Pass, x: Address): Address {
    const { kernels, rows } = pass;
    const mean = this.#mean.forward(pass, x);
    if (!pass.wantsLoss) return mean;
    const s = this.#logVariance.forward(pass, x);
    const count = rows * this.#layer.outputs;
    kernels.gaussianKl(count, mean, s, this.#partials);
    this.#divergence = kernels.sumF64(lossBlocks(count), this.#partials);
    if (!pass.training) return mean;
    this.#layer.noise(pass, this.#epsilon);
    kernels.gaussianSample(count, mean, s, this.#epsilon, this.#z);
    return this.#z;
  }

  ownLoss({ rows }: Pass): number {
    return this.#factor(rows) * this.#divergence;
  }

  backward(pass: Pass, dz: Address): Address {
    const { kernels, rows, scale } = pass;
    const count = rows * this.#layer.outputs;
    const factor = this.#factor(rows) * scale;
    const [mean, s, epsilon] = [this.#mean.y, this.logVariance, this.#epsilon];
    const [dMean, dS] = [dz, epsilon];
    kernels.gaussianGradient(count, mean, s, epsilon, dz, factor, dMean, dS);
    const dx = this.#mean.backward(pass, dMean);
    this.#logVariance.backward(pass, dS);
    if (dx !== 0) this.#logVariance.inputGradient(pass, dS, dx, 1);
    return dx;
  }

  /** log σ² before it is clamped [rows, units]. */
  get logVariance(): Address {
    return this.#logVariance.y;
  }

  /** Clamps the log variances of the last pass in place [rows, units]. */
  clampLogVariance({ kernels, rows }: Pass): Address {
    kernels.clamp(rows * this.#layer.outputs, this.logVariance, LEAST, MOST, this.logVariance);
    return this.logVariance;
  }

  /** The factor on the divergence, summed over all rows and units, in the loss. */
  #factor(rows: number): number {
    return this.#layer.beta / (rows * this.#layer.width);
  }
}
