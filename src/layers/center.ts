// Subtracts the decoder's outer bias c from the input: y = x − c (the pre-bias of Gao et al. 2024). The network uses
// this bias twice, and the gradients of both uses are added.

import type {
  Address,
  Layer,
  Parameter,
  ParameterSpec,
  Pass,
  PlannedLayer,
  Room,
} from "./layer.ts";
import type { OnnxWriter } from "./onnx-writer.ts";

export class Center implements Layer {
  readonly name = "center";
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: readonly ParameterSpec[];
  readonly buffers = [];
  readonly label = "minus the decoder's bias";
  readonly #bias: ParameterSpec;

  constructor(bias: ParameterSpec) {
    const [width = 0] = bias.shape;
    this.inputs = width;
    this.outputs = width;
    this.parameters = [bias];
    this.#bias = bias;
  }

  plan(room: Room): PlannedLayer {
    return new PlannedCenter(this.inputs, room.parameter(this.#bias.name), room);
  }

  onnx(write: OnnxWriter, x: string): string {
    return write.add("Sub", [x, this.#bias.name]);
  }
}

class PlannedCenter implements PlannedLayer {
  readonly #width: number;
  readonly #bias: Parameter;
  /** x − c [rows, width] */
  readonly #y: Address;
  /** [width] */
  readonly #ones: Address;
  /** −c [width] */
  readonly #minus: Address;
  /** Column sums of the gradient [width]. */
  readonly #sums: Address;

  constructor(width: number, bias: Parameter, room: Room) {
    this.#width = width;
    this.#bias = bias;
    this.#y = room.output(width);
    this.#ones = room.floats(width);
    this.#minus = room.floats(width);
    this.#sums = room.floats(width);
  }

  forward({ kernels, rows }: Pass, x: Address): Address {
    const width = this.#width;
    kernels.fill(width, this.#ones, 1);
    kernels.fill(width, this.#minus, 0);
    kernels.axpy(width, -1, this.#bias.value, this.#minus);
    kernels.affineColumns(rows, width, x, this.#ones, this.#minus, this.#y);
    return this.#y;
  }

  backward(pass: Pass, dy: Address): Address {
    const { kernels, rows } = pass;
    const width = this.#width;
    kernels.columnSums(rows, width, dy, width, 0, this.#sums);
    if (pass.beta(this.#bias) === 0) kernels.fill(width, this.#bias.gradient, 0);
    kernels.axpy(width, -1, this.#sums, this.#bias.gradient);
    return 0;
  }
}
