// Numbers and categories in one loss. A number is one column, and its loss is the squared error. A category is a block of
// columns, one per level, and its loss is the cross entropy -sum t ln p, where p is the softmax of the block's outputs.
// The loss of a row is the weighted mean over its numbers and categories. So a category counts once, regardless of its
// number of levels. The model's output is linear and is the input of the softmax. Reconstructions hold probabilities.

import { finiteNumber, wholeNumber } from "../checks.ts";
import type { Arena } from "../core/arena.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { type Check, optional } from "../options.ts";
import type { LossDefinition, LossFunction } from "./loss.ts";

/** A category: its first column, and its number of levels. */
export type CategoryBlock = readonly [first: number, levels: number];

/** Options of the loss "mixed". */
export interface MixedOptions {
  /** The first column and the number of levels of each category, in order, without overlap. Other columns are numbers. */
  categories: readonly CategoryBlock[];
  /** A weight of at least 0 for each number and each category, in the order of columns. Default: 1 for all. */
  weights?: readonly number[];
}

const categoryBlocks: Check<readonly CategoryBlock[]> = (where, value) => {
  if (!Array.isArray(value)) {
    throw new InvalidTypeError(
      `${where} must be a list of [first column, levels], such as [[2, 3]]; got ${show(value)}.`,
    );
  }
  let end = 0;
  return value.map((block: unknown, i): CategoryBlock => {
    if (!Array.isArray(block) || block.length !== 2) {
      throw new InvalidTypeError(
        `${where}[${i}] must be [first column, levels], such as [2, 3]; got ${show(block)}.`,
      );
    }
    const first = wholeNumber(`${where}[${i}][0]`, block[0], end);
    const levels = wholeNumber(`${where}[${i}][1]`, block[1], 1);
    end = first + levels;
    return [first, levels];
  });
};

const weightList: Check<readonly number[]> = (where, value) => {
  if (!Array.isArray(value)) {
    throw new InvalidTypeError(`${where} must be a list of numbers; got ${show(value)}.`);
  }
  const weights = value.map((weight, i) => finiteNumber(`${where}[${i}]`, weight, 0));
  if (weights.some((weight) => weight > 0)) return weights;
  throw new InvalidValueError(`${where} must have a weight above 0.`);
};

export const mixed: LossDefinition<"mixed", MixedOptions> = {
  type: "mixed",
  options: { categories: categoryBlocks, weights: optional(weightList) },
  create({ categories, weights }) {
    const count = categories.length;
    const levels = categories.reduce((sum, [, own]) => sum + own, 0);
    const end = categories.reduce((most, [first, own]) => Math.max(most, first + own), 0);
    let constants = { blocks: 0, weights: 0 };
    const run: LossFunction["gradient"] = (kernels, input, scale, dy) => {
      const { rows, width, masked, y, target, partials } = input;
      const { blocks, weights: w } = constants;
      kernels.mixedGradient(rows, width, count, blocks, w, masked, y, target, scale, dy, partials);
      return kernels.sumF64(rows, partials);
    };
    return {
      output: "linear",
      readsLogits: true,
      targetsAreProbabilities: false,
      isSquaredError: false,
      categories,
      checkWidth(width) {
        if (end > width) {
          throw new InvalidValueError(
            `loss.categories go up to column ${end - 1}; the input has ${width}.`,
          );
        }
        const fields = width - levels + count;
        if (weights && weights.length !== fields) {
          throw new InvalidValueError(
            `loss.weights must have one for each of the ${width - levels} numbers and ${count} categories; got ${weights.length}.`,
          );
        }
      },
      reserve(arena: Arena, width: number) {
        const own = { blocks: arena.reserve(count * 8), weights: arena.reserveFloats(width) };
        constants = own;
        return () => {
          arena.words(own.blocks, count * 2).set(categories.flat());
          arena.view(own.weights, width).set(columnWeights(width, categories, weights));
        };
      },
      sum: (kernels, input) => run(kernels, input, 0, 0),
      gradient: run,
    };
  },
};

/**
 * The weight of each column. The weight of a category is at its first column. The weights add up to the number of columns,
 * because losses are divided by that number later.
 */
function columnWeights(
  width: number,
  categories: readonly CategoryBlock[],
  weights: readonly number[] | undefined,
): Float64Array {
  const own = new Float64Array(width);
  const levelsAt = new Map(categories);
  let field = 0;
  for (let column = 0; column < width; column += levelsAt.get(column) ?? 1) {
    own[column] = weights?.[field++] ?? 1;
  }
  const total = own.reduce((sum, weight) => sum + weight, 0);
  return own.map((weight) => (weight * width) / total);
}
