// Dropout (Srivastava et al. 2014): in training, each value becomes 0 with probability `rate` and is otherwise
// divided by 1 - rate. In inference the output is the input. The mask is not stored. The backward pass draws it again
// from the counter-based generator, which depends on step, row and unit.

import type { Seed } from "../math/seed.ts";
import type { Address, Layer, Pass, PlannedLayer, Room } from "./layer.ts";
import type { OnnxWriter } from "./onnx-writer.ts";

export class Dropout implements Layer {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters = [];
  readonly buffers = [];
  readonly label: string;
  readonly #rate: number;
  readonly #seed: Seed;
  readonly #stream: number;

  /** `stream` is the layer's random stream. */
  constructor(name: string, units: number, rate: number, seed: Seed, stream: number) {
    this.name = name;
    this.inputs = units;
    this.outputs = units;
    this.label = `dropout(${rate})`;
    this.#rate = rate;
    this.#seed = seed;
    this.#stream = stream;
  }

  plan(room: Room): PlannedLayer {
    if (!room.training) return { forward: (_, x) => x, backward: (_, dy) => dy };
    const dropped = room.matrix(this.outputs);
    return {
      forward: (pass, x) => {
        this.#drop(pass, x, dropped);
        return dropped;
      },
      backward: (pass, dy) => {
        this.#drop(pass, dy, dy);
        return dy;
      },
    };
  }

  onnx(_: OnnxWriter, x: string): string {
    return x;
  }

  #drop({ kernels, rows, firstRow, step }: Pass, from: Address, to: Address): void {
    const units = this.outputs;
    const rate = this.#rate;
    const { low, high } = this.#seed;
    const keepScale = 1 / (1 - rate);
    const start = firstRow * units;
    const count = rows * units;
    const stream = this.#stream;
    kernels.randomMask(count, from, to, start, rate, keepScale, low, high, step, stream);
  }
}
