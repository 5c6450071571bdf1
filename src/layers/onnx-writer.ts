// Collects the nodes of an ONNX graph (opset 17). The name of a value derives from the number of its node.

import type { OnnxAttribute, OnnxNode } from "../formats/onnx.ts";

export class OnnxWriter {
  readonly #nodes: OnnxNode[] = [];

  /** The nodes in topological order: a node follows the nodes that compute its inputs. */
  get nodes(): readonly OnnxNode[] {
    return this.#nodes;
  }

  /** Adds a node and returns the name of its output. */
  add(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): string {
    const output = `value.${this.#nodes.length}`;
    this.#nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  }

  /** The k largest values of each row and their indices, largest first. Of equal values the first one comes first. */
  topK(x: string, k: number): [values: string, places: string] {
    const count = this.add("Constant", [], { value_ints: { ints: [k] } });
    const name = `value.${this.#nodes.length}`;
    const outputs: [string, string] = [name, `${name}.places`];
    this.#nodes.push({ op: "TopK", inputs: [x, count], outputs, attributes: { axis: { int: 1 } } });
    return outputs;
  }

  /** A constant number. */
  constant(value: number): string {
    return this.add("Constant", [], { value_float: { float: value } });
  }

  /** Gives `value` the name `name`: renames the output of the last node, or adds an Identity node. */
  named(value: string, name: string): string {
    const last = this.#nodes.at(-1);
    if (last?.outputs[0] !== value) {
      this.#nodes.push({ op: "Identity", inputs: [value], outputs: [name] });
    } else {
      this.#nodes.splice(-1, 1, { ...last, outputs: [name] });
    }
    return name;
  }
}
