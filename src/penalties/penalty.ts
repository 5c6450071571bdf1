// What a penalty is: a term of the training loss besides the reconstruction error. It may read weights, the code or the
// weighted sums of encoding layers, and it adds its gradient at the same place.

import type { PlannedDense } from "../layers/dense.ts";
import type { Address, CodeMatrix, Parameter, Pass, Room } from "../layers/layer.ts";
import type { Definition, Resolved } from "../options.ts";

/** The parts of a model that a penalty may use, planned for a number of rows. */
export interface PenaltySubject {
  /** The tied weights, from the input to the code. */
  readonly weights: readonly Parameter[];
  /** The dense encoding layers, from the input to the code. */
  readonly encoders: readonly PlannedDense[];
  /** The number of units of the code, and their activation. */
  readonly codeUnits: number;
  readonly codeActivation: string;
}

/** A penalty with its buffers. Every part is optional except the value. */
export interface PlannedPenalty {
  /** The term including its weight, after the forward pass. `code` is the code as the decoder reads it. */
  value(pass: Pass, code: CodeMatrix): number;
  /** Adds `pass.scale` times the gradient at `code` to `dCode`. */
  codeGradient?(pass: Pass, code: CodeMatrix, dCode: Address): void;
  /** Adds `pass.scale` times the gradients of weights, after the backward pass of all layers. */
  weightGradient?(pass: Pass): void;
}

/** What a penalty's check can read of a model's configuration. */
export interface PenaltyConfig {
  readonly encoderActivations: readonly string[];
  readonly code: string;
  readonly codeActivation: string;
}

export interface PenaltyDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  /** Throws if the penalty has no meaning for the model. The message says what to use instead. */
  check?(config: PenaltyConfig): void;
  plan(room: Room, subject: PenaltySubject, options: Resolved<Options>): PlannedPenalty;
}

export type AnyPenalty = PenaltyDefinition<string, object>;
