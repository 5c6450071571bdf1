// A linear map and its activation: y = act(x Wᵀ + b) for an encoding layer, y = act(x W + c) for a decoding
// layer. W [units, inputs] has the layout of nn.Linear. A decoding layer has no weight of its own: it uses the
// weight of its encoding layer, transposed.

import { Activation, gradientNeedsInput } from "../../assembly/ops.ts";
import {
  type ActivationConfig,
  type ActivationOp,
  activationOp,
  activations,
} from "./activations.ts";
import type {
  Address,
  CodeMatrix,
  Layer,
  Parameter,
  ParameterSpec,
  Pass,
  PlannedLayer,
  Room,
} from "./layer.ts";
import type { OnnxWriter } from "./onnx-writer.ts";

export interface DenseOptions {
  readonly name: string;
  /** The weight [units, inputs] of the encoding layer. The decoding layer uses its transpose. */
  readonly weight: ParameterSpec;
  readonly bias: ParameterSpec | undefined;
  /** Multiplies by Wᵀ (true) or by W (false). */
  readonly encodes: boolean;
  readonly activation: ActivationConfig;
  /** Whether the backward pass computes the gradient at the input. */
  readonly inputGradient: boolean;
  /** Whether this is the last layer. A loss on logits skips the activation of the last layer. */
  readonly isOutput: boolean;
}

export class Dense implements Layer {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: readonly ParameterSpec[];
  readonly buffers = [];
  readonly options: DenseOptions;
  readonly activation: ActivationOp;

  constructor(options: DenseOptions) {
    const [units = 0, inputs = 0] = options.weight.shape;
    this.options = options;
    this.name = options.name;
    this.inputs = options.encodes ? inputs : units;
    this.outputs = options.encodes ? units : inputs;
    this.parameters = options.bias ? [options.weight, options.bias] : [options.weight];
    this.activation = activationOp(options.activation);
  }

  get label(): string {
    const { activation } = this.options;
    if (typeof activation === "string") return activation;
    return `${activation.type}(${this.activation.parameter})`;
  }

  /** `y` is the address of the outputs [rows, outputs]. */
  plan(room: Room, y: Address = room.output(this.outputs)): PlannedDense {
    return new PlannedDense(this, room, y);
  }

  onnx(write: OnnxWriter, x: string, output: string): string {
    return write.named(this.onnxValue(write, x), output);
  }

  /** The same without a name for the output. */
  onnxValue(write: OnnxWriter, x: string): string {
    const { weight, bias, encodes } = this.options;
    const inputs = bias ? [x, weight.name, bias.name] : [x, weight.name];
    const sum = write.add("Gemm", inputs, { transB: { int: encodes ? 1 : 0 } });
    const { type, parameter } = this.activation;
    return activations.of({ type }).onnx(write, sum, parameter);
  }
}

export class PlannedDense implements PlannedLayer {
  readonly layer: Dense;
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  /** The weighted sums [rows, outputs] if the derivative of the activation reads them. Otherwise the same as `y`. */
  readonly z: Address;
  /** The outputs [rows, outputs]. */
  readonly y: Address;
  /** Functions by which penalties add to the gradient at z [rows, outputs]. */
  readonly atSum: ((pass: Pass, dz: Address) => void)[] = [];
  /** The gradient at the input [rows, inputs]. */
  readonly #dx: Address;
  #x: Address = 0;

  constructor(layer: Dense, room: Room, y: Address) {
    const { inputs, outputs, activation, options } = layer;
    this.layer = layer;
    this.weight = room.parameter(options.weight.name);
    this.bias = options.bias && room.parameter(options.bias.name);
    this.y = y;
    const keepsSum = room.training && gradientNeedsInput(activation.code, activation.parameter);
    this.z = keepsSum ? room.matrix(outputs) : this.y;
    this.#dx = room.training && options.inputGradient ? room.matrix(inputs) : 0;
    room.product(room.rows, outputs, inputs);
    if (!room.training) return;
    room.product(room.rows, inputs, outputs);
    room.product(outputs, inputs, room.rows);
    room.product(inputs, outputs, room.rows);
  }

  get code(): CodeMatrix {
    return { address: this.y, columns: this.layer.outputs };
  }

  /** The input of the last forward pass [rows, inputs]. */
  get x(): Address {
    return this.#x;
  }

  forward(pass: Pass, x: Address): Address {
    return this.forwardBy(pass, x, this.z);
  }

  /** The same, with the weighted sums stored at `z` [rows, outputs]. */
  forwardBy(pass: Pass, x: Address, z: Address): Address {
    const { kernels, rows, panels } = pass;
    const { inputs, outputs, options, activation } = this.layer;
    const { value: weight } = this.weight;
    this.#x = x;
    // z = x Wᵀ (encodes) or x W
    if (options.encodes) {
      kernels.gemmNT(rows, outputs, inputs, x, inputs, weight, inputs, 0, z, outputs, panels);
    } else {
      kernels.gemmNN(rows, outputs, inputs, x, inputs, weight, outputs, 0, z, outputs, panels);
    }
    // y = act(z + b)
    const code = pass.logits && options.isOutput ? Activation.linear : activation.code;
    const bias = this.bias && !pass.withoutBias ? this.bias.value : 0;
    kernels.biasActivation(code, activation.parameter, rows, outputs, z, bias, this.y);
    return this.y;
  }

  backward(pass: Pass, dy: Address): Address {
    this.gradientAtSum(pass, dy);
    this.weightGradient(pass, dy);
    if (this.#dx !== 0) this.inputGradient(pass, dy, this.#dx, 0);
    return this.#dx;
  }

  /** Turns the gradient `d` at y into the gradient at z, in place, and adds the gradient of the bias. */
  gradientAtSum(pass: Pass, d: Address): void {
    const { kernels, rows } = pass;
    const { outputs, options, activation } = this.layer;
    // y = act(z). After a loss on logits, d already is the gradient at z.
    if (!(pass.logits && options.isOutput)) {
      const { code, parameter } = activation;
      kernels.activationGradient(code, parameter, rows * outputs, this.z, this.y, d, d);
    }
    for (const add of this.atSum) add(pass, d);
    // z = … + b
    if (this.bias && !pass.withoutBias) {
      const beta = pass.beta(this.bias);
      kernels.columnSums(rows, outputs, d, outputs, beta, this.bias.gradient);
    }
  }

  /** dW of z = x Wᵀ or z = x W. */
  weightGradient(pass: Pass, dz: Address): void {
    const { kernels, rows, panels } = pass;
    const { inputs, outputs, options } = this.layer;
    const { gradient } = this.weight;
    const beta = pass.beta(this.weight);
    const x = this.#x;
    if (options.encodes) {
      kernels.gemmTN(outputs, inputs, rows, dz, outputs, x, inputs, beta, gradient, inputs, panels);
    } else {
      kernels.gemmTN(
        inputs,
        outputs,
        rows,
        x,
        inputs,
        dz,
        outputs,
        beta,
        gradient,
        outputs,
        panels,
      );
    }
  }

  /** dx [rows, inputs] of z = x Wᵀ or z = x W, plus `beta` times the old values at `dx`. */
  inputGradient(pass: Pass, dz: Address, dx: Address, beta: number): void {
    const { kernels, rows, panels } = pass;
    const { inputs, outputs, options } = this.layer;
    const { value: weight } = this.weight;
    if (options.encodes) {
      kernels.gemmNN(rows, inputs, outputs, dz, outputs, weight, inputs, beta, dx, inputs, panels);
    } else {
      kernels.gemmNT(rows, inputs, outputs, dz, outputs, weight, outputs, beta, dx, inputs, panels);
    }
  }
}
