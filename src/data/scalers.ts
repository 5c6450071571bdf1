// StandardScaler and MinMaxScaler, with the names and formulas of scikit-learn. Statistics are in float64 and ignore NaN.
// NaN stays NaN. Constant columns are divided by 1. These classes do not need a model. A model with `scaler` in its
// configuration scales by itself (src/model/preparation.ts).

import type { OwnDoubles, OwnFloats } from "../arrays.ts";
import { boolean, finiteNumber, onlyKeys, record, wholeNumber } from "../checks.ts";
import { InvalidStateError, InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { ColumnStatistics } from "./column-statistics.ts";
import { type MatrixInput, type Rows, readRows } from "./rows.ts";

export interface ScalerOptions {
  /** The number of columns. Only needed if the first data are a flat Float32Array. Default: the width of the first data. */
  features?: number;
}

/** Options of a `StandardScaler`. */
export interface StandardScalerOptions extends ScalerOptions {
  /** Whether to subtract the mean. Default true. */
  withMean?: boolean;
  /** Whether to divide by the standard deviation. Default true. */
  withStd?: boolean;
}

/** Options of a `MinMaxScaler`. */
export interface MinMaxScalerOptions extends ScalerOptions {
  /** The scaled values of the smallest and the largest value of each column. Default [0, 1]. */
  featureRange?: readonly [number, number];
  /** Whether to clip scaled values to the range. Default false. */
  clip?: boolean;
}

/** The common part of both scalers: an affine map for every column. */
abstract class Scaler {
  #features: number | undefined;
  #statistics: ColumnStatistics | undefined;

  protected constructor(features: number | undefined) {
    if (features !== undefined) this.#features = wholeNumber("features", features, 1);
  }

  /** Computes the statistics of the rows of `x`. Discards earlier statistics. */
  fit(x: MatrixInput): this {
    this.#statistics = undefined;
    return this.partialFit(x);
  }

  /** Adds the rows of `x` to the statistics. The result is the same as that of `fit` with all rows. */
  partialFit(x: MatrixInput): this {
    const rows = readRows("x", x, this.#statistics?.width ?? this.#widthOf(x));
    if (rows.count === 0)
      throw new InvalidValueError("A scaler needs at least one row; x has none.");
    const statistics = this.#statistics ?? new ColumnStatistics(rows.width);
    statistics.add(rows);
    this.#statistics = statistics;
    this.derive(statistics);
    return this;
  }

  /** The scaled rows of `x`, as a new row-major Float32Array. */
  transform(x: MatrixInput): OwnFloats {
    return this.#map(x, (value, j) => this.forward(value, j));
  }

  /** Converts scaled rows to the units of the data. */
  inverseTransform(x: MatrixInput): OwnFloats {
    return this.#map(x, (value, j) => this.backward(value, j));
  }

  /** `fit(x)`, then `transform(x)`. */
  fitTransform(x: MatrixInput): OwnFloats {
    return this.fit(x).transform(x);
  }

  /** The number of rows in `fit` and `partialFit`. */
  get nSamplesSeen_(): number {
    return this.statistics.rows;
  }

  /** The number of columns. */
  get nFeaturesIn_(): number {
    return this.statistics.width;
  }

  protected get statistics(): ColumnStatistics {
    if (this.#statistics) return this.#statistics;
    throw new InvalidStateError("The scaler has seen no data. Call fit first.");
  }

  protected abstract derive(statistics: ColumnStatistics): void;
  protected abstract forward(value: number, column: number): number;
  protected abstract backward(value: number, column: number): number;

  #map(x: MatrixInput, scaled: (value: number, column: number) => number): OwnFloats {
    const { width } = this.statistics;
    const rows: Rows = readRows("x", x, width);
    const output = new Float32Array(rows.count * width);
    const row = new Float64Array(width);
    for (let i = 0; i < rows.count; i++) {
      rows.copy(i, 1, row, 0);
      for (let j = 0; j < width; j++) output[i * width + j] = scaled(row[j] ?? 0, j);
    }
    return output;
  }

  #widthOf(x: unknown): number {
    if (this.#features !== undefined) return this.#features;
    if (typeof x === "object" && x !== null && "shape" in x && Array.isArray(x.shape)) {
      return wholeNumber("x.shape[1]", x.shape[1], 1);
    }
    if (Array.isArray(x) && typeof x[0] === "object" && x[0] !== null && "length" in x[0]) {
      return wholeNumber("The length of x[0]", x[0].length, 1);
    }
    throw new InvalidTypeError(
      `A scaler cannot tell the columns of ${show(x)}. Give { data, shape: [rows, columns] }, an array of rows, or the option features.`,
    );
  }
}

/** y = (x - mean) / standard deviation, column by column. */
export class StandardScaler extends Scaler {
  /** Means [features]. */
  mean_: OwnDoubles = new Float64Array(0);
  /** Variances [features], divided by the count, not by count - 1. */
  var_: OwnDoubles = new Float64Array(0);
  /** Divisors [features]: √var_, or 1 for a constant column. */
  scale_: OwnDoubles = new Float64Array(0);
  readonly #withMean: boolean;
  readonly #withStd: boolean;

  constructor(options?: StandardScalerOptions) {
    const settings = record("StandardScaler's options", options) as StandardScalerOptions;
    onlyKeys("StandardScaler", settings, ["features", "withMean", "withStd"]);
    super(settings.features);
    this.#withMean = boolean("withMean", settings.withMean ?? true);
    this.#withStd = boolean("withStd", settings.withStd ?? true);
  }

  protected override derive(statistics: ColumnStatistics): void {
    this.mean_ = statistics.means.map((mean, j) => (statistics.counts[j] ? mean : Number.NaN));
    this.var_ = this.mean_.map((_, j) => statistics.variance(j));
    this.scale_ = this.#withStd
      ? this.mean_.map((_, j) => statistics.standardDivisor(j))
      : this.mean_.map(() => 1);
  }

  protected override forward(value: number, j: number): number {
    return (value - this.#center(j)) / (this.scale_[j] ?? 1);
  }

  protected override backward(value: number, j: number): number {
    return value * (this.scale_[j] ?? 1) + this.#center(j);
  }

  #center(j: number): number {
    return this.#withMean ? (this.mean_[j] ?? 0) : 0;
  }
}

/** Maps the smallest value of each column to one end of a range, and the largest value to the other end. */
export class MinMaxScaler extends Scaler {
  /** The smallest values [features]. */
  dataMin_: OwnDoubles = new Float64Array(0);
  /** The largest values [features]. */
  dataMax_: OwnDoubles = new Float64Array(0);
  /** The largest minus the smallest values [features]. */
  dataRange_: OwnDoubles = new Float64Array(0);
  /** The factors [features] of y = x · scale_ + min_. For a constant column the range is taken as 1. */
  scale_: OwnDoubles = new Float64Array(0);
  /** The terms min_ [features] of y = x · scale_ + min_. */
  min_: OwnDoubles = new Float64Array(0);
  readonly #range: readonly [number, number];
  readonly #clip: boolean;

  constructor(options?: MinMaxScalerOptions) {
    const settings = record("MinMaxScaler's options", options) as MinMaxScalerOptions;
    onlyKeys("MinMaxScaler", settings, ["features", "featureRange", "clip"]);
    super(settings.features);
    const [low, high] = settings.featureRange ?? [0, 1];
    this.#range = [finiteNumber("featureRange[0]", low), finiteNumber("featureRange[1]", high)];
    if (low >= high) {
      throw new InvalidValueError(`featureRange must rise; got [${low}, ${high}].`);
    }
    this.#clip = boolean("clip", settings.clip ?? false);
  }

  protected override derive(statistics: ColumnStatistics): void {
    const known = (values: Float64Array) =>
      values.map((value, j) => (statistics.counts[j] ? value : Number.NaN));
    const [low, high] = this.#range;
    this.dataMin_ = known(statistics.lowest);
    this.dataMax_ = known(statistics.highest);
    this.dataRange_ = this.dataMax_.map((value, j) => value - (this.dataMin_[j] ?? 0));
    this.scale_ = this.dataRange_.map((_, j) => (high - low) / statistics.rangeDivisor(j));
    this.min_ = this.scale_.map((scale, j) => low - (this.dataMin_[j] ?? 0) * scale);
  }

  protected override forward(value: number, j: number): number {
    const scaled = value * (this.scale_[j] ?? 1) + (this.min_[j] ?? 0);
    if (!this.#clip) return scaled;
    return Math.min(Math.max(scaled, this.#range[0]), this.#range[1]);
  }

  protected override backward(value: number, j: number): number {
    return (value - (this.min_[j] ?? 0)) / (this.scale_[j] ?? 1);
  }
}
