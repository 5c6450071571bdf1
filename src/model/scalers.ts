// The scalers that a configuration can name. Each gives every column a centre and a scale. Scaled values are
// (x - centre) / scale.

import type { ColumnStatistics } from "../data/column-statistics.ts";
import { InvalidValueError } from "../errors.ts";
import {
  type Definition,
  longForm,
  type NameOf,
  number,
  Registry,
  type Resolved,
  type ResolvedOf,
  type SpecOf,
  shortForm,
} from "../options.ts";

/** Centres and scales [width]. */
export interface ScalerVectors {
  readonly center: Float64Array;
  readonly scale: Float64Array;
}

export interface ScalerDefinition<Type extends string, Options extends object>
  extends Definition<Type, Options> {
  /** Throws for options that contradict each other. */
  check?(options: Resolved<Options>): void;
  /** Whether scaled values can be outside of [0, 1]. */
  readonly leavesUnitRange?: boolean;
  /** The centre and scale from statistics of the rows. Absent if the scaler needs no rows. */
  learn?(statistics: ColumnStatistics): ScalerVectors;
  /** The centre and scale from the options. Absent if the scaler learns from rows. */
  fixed?(options: Resolved<Options>, width: number): ScalerVectors;
}

type AnyScaler = ScalerDefinition<string, object>;

function vectors(
  { width }: { readonly width: number },
  center: (column: number) => number,
  scale: (column: number) => number,
): ScalerVectors {
  const column = (value: (column: number) => number) =>
    Float64Array.from({ length: width }, (_, j) => value(j));
  return { center: column(center), scale: column(scale) };
}

const standard: ScalerDefinition<"standard", object> = {
  type: "standard",
  options: {},
  leavesUnitRange: true,
  learn: (statistics) =>
    vectors(
      statistics,
      (j) => statistics.means[j] ?? 0,
      (j) => statistics.standardDivisor(j),
    ),
};

const minMax: ScalerDefinition<"minMax", object> = {
  type: "minMax",
  options: {},
  learn: (statistics) =>
    vectors(
      statistics,
      (j) => statistics.lowest[j] ?? 0,
      (j) => statistics.rangeDivisor(j),
    ),
};

/** Options of the scaler `"range"`. */
export interface RangeScalerOptions {
  /** The value that becomes 0. */
  min: number;
  /** The value that becomes 1; greater than `min`. */
  max: number;
}

const range: ScalerDefinition<"range", RangeScalerOptions> = {
  type: "range",
  options: { min: number(), max: number() },
  check({ min, max }) {
    if (min < max) return;
    throw new InvalidValueError(`scaler.min must be less than scaler.max; got ${min} and ${max}.`);
  },
  fixed: ({ min, max }, width) =>
    vectors(
      { width },
      () => min,
      () => max - min,
    ),
};

const definitions = [standard, minMax, range];
type Scalers = (typeof definitions)[number];

export const scalers = new Registry<AnyScaler, Scalers>("scaler", definitions);

/** The name of a scaler. */
export type ScalerName = NameOf<Scalers>;

/** A scaler by name, or with its options. */
export type ScalerSpec = SpecOf<Scalers>;

/** A scaler with every option filled in, or only its name if it has no options. */
export type ScalerConfig = ResolvedOf<Scalers> | Extract<ScalerSpec, string>;

/** Checks a scaler. */
export function resolveScaler(spec: unknown): ScalerConfig {
  const resolved = scalers.resolve("scaler", spec);
  scalers.of(resolved).check?.(resolved);
  // A scaler with required options always keeps them, so its name alone is never the result.
  return shortForm(resolved) as ScalerConfig;
}

/** The centre and scale of a scaler that needs no rows. Undefined if it learns from rows, or if there is no scaler. */
export function fixedVectors(
  config: ScalerConfig | undefined,
  width: number,
): ScalerVectors | undefined {
  if (config === undefined) return undefined;
  const options = longForm<ResolvedOf<Scalers>>(config);
  return scalers.of(options).fixed?.(options, width);
}
