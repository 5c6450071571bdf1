// What a loss is: a mean over the elements of a batch whose targets are known. Kernels sum it in blocks of fixed size, so
// that the bits of the sum do not depend on the number of threads.

import type { Loss } from "../../assembly/ops.ts";
import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { lossBlocks } from "../core/partial-sums.ts";
import type { Definition, Resolved } from "../options.ts";

/** The input of a loss: addresses of matrices [rows, width]. */
export interface LossInput {
  readonly rows: number;
  readonly width: number;
  /** 1 if NaN in the target marks a missing element, which does not count. Otherwise 0. */
  readonly masked: number;
  /** The reconstruction, or its logits. */
  readonly y: number;
  readonly target: number;
  /** Room for `lossBlocks(rows · width)` float64 sums and for one float64 sum per row. */
  readonly partials: number;
}

/** A loss with given options. */
export interface LossFunction {
  /** The output activation that the loss requires. Undefined if it takes any. */
  readonly output?: "sigmoid" | "linear";
  /** The first column and the number of levels of each category. Their outputs go through a softmax. */
  readonly categories?: readonly (readonly [first: number, levels: number])[];
  /** @throws InvalidValueError if the loss does not fit rows of this width. */
  checkWidth?(width: number): void;
  /** Reserves room for constants of the loss. The returned function writes them, after the memory has grown. */
  reserve?(arena: Arena, width: number): () => void;
  /** Whether the loss reads the logits of the output. The logarithm of a sigmoid or a softmax would lose digits. */
  readonly readsLogits: boolean;
  /** Whether targets must be in [0, 1]. */
  readonly targetsAreProbabilities: boolean;
  /** Whether the loss is the squared error, which the Gram step needs. */
  readonly isSquaredError: boolean;
  /** The sum of the loss over all elements with a known target. */
  sum(kernels: KernelExports, input: LossInput): number;
  /** The same sum. Writes `scale` times its gradient to `dy` [rows, width]. */
  gradient(kernels: KernelExports, input: LossInput, scale: number, dy: number): number;
}

export interface LossDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  create(options: Resolved<Options>): LossFunction;
}

export type AnyLoss = LossDefinition<string, object>;

/** A loss that a kernel computes element by element. `parameter` is the parameter of the kernel, or 0 if it has none. */
export function elementwise(
  code: Loss,
  parameter = 0,
  traits: Partial<
    Pick<LossFunction, "output" | "readsLogits" | "targetsAreProbabilities" | "isSquaredError">
  > = {},
): LossFunction {
  return {
    readsLogits: false,
    targetsAreProbabilities: false,
    isSquaredError: false,
    ...traits,
    sum(kernels, { rows, width, masked, y, target, partials }) {
      const elements = rows * width;
      kernels.lossValue(code, parameter, masked, elements, y, target, partials);
      return kernels.sumF64(lossBlocks(elements), partials);
    },
    gradient(kernels, { rows, width, masked, y, target, partials }, scale, dy) {
      const elements = rows * width;
      kernels.lossGradient(code, parameter, masked, elements, y, target, scale, dy, partials);
      return kernels.sumF64(lossBlocks(elements), partials);
    },
  };
}
