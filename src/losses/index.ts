// The losses that a configuration can name.

import {
  longForm,
  type NameOf,
  Registry,
  type ResolvedOf,
  type SpecOf,
  shortForm,
} from "../options.ts";
import { bce } from "./bce.ts";
import { huber } from "./huber.ts";
import type { AnyLoss, LossFunction } from "./loss.ts";
import { mae } from "./mae.ts";
import { mixed } from "./mixed.ts";
import { mse } from "./mse.ts";
import { smoothL1 } from "./smooth-l1.ts";

const definitions = [mse, mae, bce, huber, smoothL1, mixed];
type Losses = (typeof definitions)[number];

export const losses = new Registry<AnyLoss, Losses>("loss", definitions);

/** The name of a loss. */
export type LossName = NameOf<Losses>;

/** A loss by name, or with its options. */
export type LossSpec = SpecOf<Losses>;

/** A loss with every default filled in, or only its name if it has no options. */
export type LossConfig = ResolvedOf<Losses> | Extract<LossSpec, string>;

/** Checks a loss and fills in its options. */
export function resolveLoss(spec: unknown): LossConfig {
  // A loss with required options always keeps them, so its name alone is never the result.
  return shortForm(losses.resolve("loss", spec)) as LossConfig;
}

/** The loss of a resolved specification. */
export function lossFunction(config: LossConfig): LossFunction {
  const spec = longForm(config);
  return losses.of(spec).create(spec);
}
