// KL sparsity (Ng, "Sparse autoencoder", CS294A lecture notes): `weight` times the sum over code units of
// rho ln(rho / m) + (1 - rho) ln((1 - rho) / (1 - m)). m is the mean of the unit over the batch, clamped to
// [1e-6, 1 - 1e-6] with gradient 0 outside. The code must be sigmoid, or tanh, for which m is the mean of (h + 1) / 2. The
// term is not divided by the number of columns of the data. If a batch is processed in micro-batches, m is the mean over
// a micro-batch.

import { Activation } from "../../assembly/ops.ts";
import { InvalidValueError, show } from "../errors.ts";
import { atLeast0, type Check, number } from "../options.ts";
import type { PenaltyDefinition } from "./penalty.ts";

/** Options of the penalty `"klSparsity"`. */
export interface KlSparsityOptions {
  /** The target mean activation, between 0 and 1. */
  rho: number;
  /** Factor on the sum, at least 0. */
  weight: number;
}

const rho: Check<number> = (where, value) => {
  const checked = number()(where, value);
  if (checked > 0 && checked < 1) return checked;
  throw new InvalidValueError(`${where} must be greater than 0 and less than 1; got ${checked}.`);
};

export const klSparsity: PenaltyDefinition<"klSparsity", KlSparsityOptions> = {
  type: "klSparsity",
  options: { rho, weight: atLeast0() },
  check({ code, codeActivation }) {
    if (code !== "dense") {
      throw new InvalidValueError(
        `The penalty "klSparsity" is for a dense code of sigmoid or tanh units; the code is ${show(code)}, which has a sparsity or a prior of its own. Take away one of the two.`,
      );
    }
    if (codeActivation === "sigmoid" || codeActivation === "tanh") return;
    throw new InvalidValueError(
      `The penalty "klSparsity" needs a code between known bounds, of sigmoid or tanh units; got ${show(codeActivation)}. Take one of these as the last of encoderActivations, or the penalty "codeL1".`,
    );
  },
  plan(room, { codeUnits, codeActivation }, { rho, weight }) {
    const sums = room.floats(codeUnits);
    const derivative = room.floats(codeUnits);
    const shifted = codeActivation === "tanh" ? 1 : 0;
    return {
      value({ kernels, rows }, { address }) {
        kernels.columnSums(rows, codeUnits, address, codeUnits, 0, sums);
        const sum = kernels.klSparsity(codeUnits, rows, sums, rho, shifted, weight, derivative);
        return weight * sum;
      },
      codeGradient({ kernels, rows, scale }, _, dCode) {
        kernels.scale(codeUnits, derivative, scale);
        kernels.biasActivation(Activation.linear, 0, rows, codeUnits, dCode, derivative, dCode);
      },
    };
  },
};
