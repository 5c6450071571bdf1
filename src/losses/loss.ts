// What a loss is. A loss is a mean over all elements of a batch that count; kernels sum it in blocks of fixed
// size, so that the sum has the same bits however many threads share the work.

import type { Loss } from "../../assembly/ops.ts";
import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import { lossBlocks } from "../core/partial-sums.ts";
import type { Definition, Resolved } from "../options.ts";

/** What a loss is asked to look at: matrices [rows, width] by address. */
export interface LossInput {
  readonly rows: number;
  readonly width: number;
  /** 1 where NaN in the target means that the element does not count. */
  readonly masked: number;
  /** The reconstruction, or its logits. */
  readonly y: number;
  readonly target: number;
  /** Room for `lossBlocks(rows · width)` float64 sums, and for one a row. */
  readonly partials: number;
}

/** A loss with its options settled. */
export interface LossFunction {
  /** The output activation that the loss asks for; undefined where any will do. */
  readonly output?: "sigmoid" | "linear";
  /** Columns that are the levels of categories, whose outputs go through a softmax: the first column and the levels of each. */
  readonly categories?: readonly (readonly [first: number, levels: number])[];
  /** @throws InvalidValueError for a width of rows that the loss does not fit. */
  checkWidth?(width: number): void;
  /** Reserves room for what the loss reads beside the rows; what is returned writes it, once the memory is there. */
  reserve?(arena: Arena, width: number): () => void;
  /** The loss reads the logits of the output, because the logarithm of a sigmoid or a softmax loses digits. */
  readonly readsLogits: boolean;
  /** Targets must be in [0, 1]. */
  readonly targetsAreProbabilities: boolean;
  /** The loss is the squared error, for which the Gram step has a short cut. */
  readonly isSquaredError: boolean;
  /** The sum of the loss over all elements that count. */
  sum(kernels: KernelExports, input: LossInput): number;
  /** The same, and `scale` times the gradient of that sum at `dy` [rows, width]. */
  gradient(kernels: KernelExports, input: LossInput, scale: number, dy: number): number;
}

export interface LossDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  create(options: Resolved<Options>): LossFunction;
}

export type AnyLoss = LossDefinition<string, object>;

/** A loss that a kernel computes element by element. `parameter` is the kernel's, 0 where it has none. */
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
