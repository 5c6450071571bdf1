// L1 on the code: weight / B · Σ|h|, where h is the code as the decoder reads it and B the number of rows of the batch.
// The gradient at h = 0 is 0. The term is not divided by the number of columns of the data.

import { InvalidValueError } from "../errors.ts";
import { atLeast0 } from "../options.ts";
import type { PenaltyDefinition } from "./penalty.ts";

/** Options of the penalty `"codeL1"`. */
export interface CodeL1Options {
  /** Factor on the mean over rows of the sum of absolute values, at least 0. */
  weight: number;
}

export const codeL1: PenaltyDefinition<"codeL1", CodeL1Options> = {
  type: "codeL1",
  options: { weight: atLeast0() },
  check({ code }) {
    if (code !== "gaussian") return;
    throw new InvalidValueError(
      'The penalty "codeL1" has no meaning on a gaussian code, whose prior already pulls it towards 0. Raise beta of the code, or take a dense code.',
    );
  },
  plan: (_room, _subject, { weight }) => ({
    value: ({ kernels, rows }, { address, columns }) =>
      (weight / rows) * kernels.sumAbs(rows * columns, address),
    codeGradient({ kernels, rows, scale }, { address, columns }, dCode) {
      kernels.addPenaltyGradient(rows * columns, address, dCode, weight / rows, 0, scale);
    },
  }),
};
