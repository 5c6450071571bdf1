// The validation rows of a run: a share of the training rows, or separate rows.

import { type Rows, readRows } from "../data/rows.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { Engine } from "../model/engine.ts";
import { inputAndTarget, requireSameCount } from "./batches.ts";
import type { FitOptions } from "./fit-options.ts";

export interface Validation {
  readonly x: Rows;
  readonly target: Rows | undefined;
  /** The index of the first row to evaluate. */
  readonly first: number;
}

/** The rows of `validationData`, if there are any. */
export function readValidation(
  engine: Engine,
  data: FitOptions["validationData"],
): Validation | undefined {
  if (data === undefined) return undefined;
  const pair = inputAndTarget(data);
  const x = readRows("validationData", pair.x, engine.workspace.width);
  const target =
    pair.target === undefined
      ? undefined
      : readRows("validationData.target", pair.target, engine.workspace.width);
  requireSameCount(x, target);
  if (x.count === 0)
    throw new InvalidValueError("validationData needs at least one row; it has none.");
  return { x, target, first: 0 };
}

/** The number of rows of `validationSplit`, rounded down. */
export function heldBack(count: number, { validationSplit, validationData }: FitOptions): number {
  if (validationSplit === undefined) return 0;
  if (validationData !== undefined) {
    throw new InvalidValueError("fit takes validationData or validationSplit; it was given both.");
  }
  if (typeof validationSplit !== "number") {
    throw new InvalidTypeError(`validationSplit must be a number; got ${show(validationSplit)}.`);
  }
  if (!(validationSplit > 0 && validationSplit < 1)) {
    throw new InvalidValueError(`validationSplit must be between 0 and 1; got ${validationSplit}.`);
  }
  const held = Math.floor(count * validationSplit);
  if (held < 1) {
    throw new InvalidValueError(
      `validationSplit ${validationSplit} of ${count} rows is less than one row; ${Math.ceil((1 / count) * 1e4) / 1e4} would be one.`,
    );
  }
  return held;
}
