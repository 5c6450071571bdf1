// The outputs of categories as probabilities: y = softmax(x) in each block of columns, and y = x in the other columns. A
// loss that reads logits computes its gradient at x, so in a pass with logits this layer does nothing.

import type { Address, Layer, Pass, PlannedLayer, Room } from "./layer.ts";
import type { OnnxWriter } from "./onnx-writer.ts";

export class Softmax implements Layer {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters = [];
  readonly buffers = [];
  /** The first column and the number of levels of each category, in order. */
  readonly categories: readonly (readonly [first: number, levels: number])[];

  constructor(
    name: string,
    width: number,
    categories: readonly (readonly [first: number, levels: number])[],
  ) {
    this.name = name;
    this.inputs = width;
    this.outputs = width;
    this.categories = categories;
  }

  get label(): string {
    const { length } = this.categories;
    return `softmax of ${length} ${length === 1 ? "category" : "categories"}`;
  }

  plan(room: Room): PlannedSoftmax {
    return new PlannedSoftmax(this, room);
  }

  onnx(write: OnnxWriter, x: string, output: string): string {
    const ints = (values: number[]) => write.add("Constant", [], { value_ints: { ints: values } });
    const slice = (from: number, to: number) =>
      write.add("Slice", [x, ints([from]), ints([to]), ints([1])]);
    const parts: string[] = [];
    let column = 0;
    for (const [first, levels] of this.categories) {
      if (first > column) parts.push(slice(column, first));
      column = first + levels;
      parts.push(write.add("Softmax", [slice(first, column)], { axis: { int: 1 } }));
    }
    if (column < this.outputs) parts.push(slice(column, this.outputs));
    return write.named(write.add("Concat", parts, { axis: { int: 1 } }), output);
  }
}

/** The categories in the form that the kernel reads: pairs of uint32. */
export class CategoryBlocks {
  readonly #words: readonly number[];
  readonly #at: Address;

  constructor(categories: readonly (readonly [first: number, levels: number])[], room: Room) {
    this.#words = categories.flat();
    this.#at = room.floats(this.#words.length);
  }

  /** Turns the logits of every category into probabilities, in place: x [rows, width]. */
  apply({ kernels, arena, rows }: Pass, width: number, x: Address): void {
    // Plans overlap in memory: another plan may have overwritten the blocks.
    arena.words(this.#at, this.#words.length).set(this.#words);
    kernels.softmaxBlocks(rows, width, this.#words.length / 2, this.#at, x, x);
  }
}

class PlannedSoftmax implements PlannedLayer {
  readonly #width: number;
  readonly #blocks: CategoryBlocks;

  constructor({ outputs, categories }: Softmax, room: Room) {
    this.#width = outputs;
    this.#blocks = new CategoryBlocks(categories, room);
  }

  forward(pass: Pass, x: Address): Address {
    if (!pass.logits) this.#blocks.apply(pass, this.#width, x);
    return x;
  }

  backward(_: Pass, dy: Address): Address {
    return dy;
  }
}
