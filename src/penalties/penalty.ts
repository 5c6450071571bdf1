// What a penalty is: a term of the training loss beside the reconstruction. It may read weights, the code or the
// weighted sums of encoding layers, and adds its gradient where it enters.

import type { PlannedDense } from "../layers/dense.ts";
import type { Address, CodeMatrix, Parameter, Pass, Room } from "../layers/layer.ts";
import type { Definition, Resolved } from "../options.ts";

/** What a penalty may look at, planned for a number of rows. */
export interface PenaltySubject {
  /** The tied weights, from the input to the code. */
  readonly weights: readonly Parameter[];
  /** The dense encoding layers, from the input to the code. */
  readonly encoders: readonly PlannedDense[];
  /** Units of the code, and their activation. */
  readonly codeUnits: number;
  readonly codeActivation: string;
}

/** A penalty with its buffers. Every part is optional except the value. */
export interface PlannedPenalty {
  /** The term, weight included, after the forward pass. `code` is the code as the decoder reads it. */
  value(pass: Pass, code: CodeMatrix): number;
  /** Adds `pass.scale` times the gradient at the code as the decoder reads it, to `dCode`. */
  codeGradient?(pass: Pass, code: CodeMatrix, dCode: Address): void;
  /** Adds `pass.scale` times the gradients of weights, after those of all layers. */
  weightGradient?(pass: Pass): void;
}

/** What a penalty may ask of a configuration when a model is made. */
export interface PenaltyConfig {
  readonly encoderActivations: readonly string[];
  readonly code: string;
  readonly codeActivation: string;
}

export interface PenaltyDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  /** Throws where the penalty has no meaning, and says what to take instead. */
  check?(config: PenaltyConfig): void;
  plan(room: Room, subject: PenaltySubject, options: Resolved<Options>): PlannedPenalty;
}

export type AnyPenalty = PenaltyDefinition<string, object>;
