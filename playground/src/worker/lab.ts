// One experiment: a model, its data, its untied twin and its earlier weights. It does not depend on messages or on the page.

import { type ModelConfig, TiedAutoencoder } from "tied-autoencoder";
import type { DataSet, Frame, Halves, Plane, Score, View, Weight } from "../protocol.ts";
import { normalFrom, randomFrom } from "../random.ts";
import { BETA, type Change, kept, type LiveKey, type Settings } from "../settings.ts";
import { checksumOf } from "./checksum.ts";
import { Directions } from "./directions.ts";
import { halves, type TiedLayer, Twin } from "./twin.ts";

/** Rows on the map, and rows that the histogram counts. */
const MAP_ROWS = 1200;
/** Decoded images along each side of the map. */
const GRID = 12;
/** At most this many copies of earlier weights are kept. Beyond that, every second one is dropped. */
const MOST_PAST = 96;
/** One row in ten is held out: training never sees it. */
const HELD_OUT = 10;

type Named = ReturnType<TiedAutoencoder["weights"]>;
type Bounds = [left: number, right: number, bottom: number, top: number];

/** The configuration of the model for a data set. "Copy as code" prints the same. */
export function configFor(
  settings: Settings,
  data: Pick<DataSet, "columns" | "kind">,
): ModelConfig {
  const { hidden, code, activation, learningRate, optimizer, family, seed } = settings;
  return {
    layers: hidden > 0 ? [data.columns, hidden, code] : [data.columns, code],
    activation: activation === "gelu" ? "geluTanh" : activation,
    optimizer: { type: optimizer, learningRate },
    ...(data.kind === "table" ? { scaler: "standard" as const } : {}),
    ...(family === "topK" ? { code: { type: "topK" as const, k: kept(code) } } : {}),
    ...(family === "variational" ? { code: { type: "gaussian" as const, beta: BETA } } : {}),
    seed,
    simd: "baseline",
  };
}

export class Lab {
  readonly #model: TiedAutoencoder;
  /** A second model of the same shape, which shows earlier weights. */
  readonly #mirror: TiedAutoencoder;
  readonly #settings: Settings;
  readonly #data: DataSet;
  readonly #train: Float32Array;
  readonly #heldOut: Float32Array;
  readonly #map: Uint32Array;
  readonly #mapValues: Float32Array;
  /** The training rows as the network sees them. */
  readonly #scaled: Float64Array;
  readonly #changes: Change[];
  #steps: AsyncGenerator<{ step: number; epoch: number; loss: number }> | undefined;
  #noise: number;
  #epoch = 0;
  #twin: Twin | undefined;
  #past: { step: number; weights: Named }[] = [];
  #pastEvery = 1;
  readonly #directions = new Directions();
  #bounds: Bounds | undefined;
  #boundsFor = "";
  #calibration: { step: number; errors: Float32Array } | undefined;
  #diverged: string | null = null;

  static async open(
    settings: Settings,
    data: DataSet,
    changes: readonly Change[],
    saved: Uint8Array | null,
  ): Promise<Lab> {
    const config = configFor(settings, data);
    const model = saved
      ? await TiedAutoencoder.load(saved, { simd: "baseline" })
      : await TiedAutoencoder.create(config);
    const mirror = await TiedAutoencoder.create(config);
    try {
      return new Lab(model, mirror, settings, data, changes);
    } catch (error) {
      model.dispose();
      mirror.dispose();
      throw error;
    }
  }

  private constructor(
    model: TiedAutoencoder,
    mirror: TiedAutoencoder,
    settings: Settings,
    data: DataSet,
    changes: readonly Change[],
  ) {
    this.#model = model;
    this.#mirror = mirror;
    this.#settings = settings;
    this.#data = data;
    this.#changes = [...changes];
    this.#noise = settings.noise;
    for (const { step, key, value } of changes) {
      if (key === "noise" && step <= model.stepCount && model.stepCount > 0) this.#noise = value;
    }
    const { columns, values } = data;
    const count = values.length / columns;
    const faults = new Set(data.faults);
    const trained: number[] = [];
    const held: number[] = [];
    for (let i = 0; i < count; i++) {
      if (faults.has(i)) continue;
      (i % HELD_OUT === HELD_OUT - 1 ? held : trained).push(i);
    }
    this.#train = gather(values, columns, trained);
    this.#heldOut = gather(values, columns, held.length > 0 ? held : trained);
    const every = Math.max(1, Math.ceil(count / MAP_ROWS));
    const shown: number[] = [];
    for (let i = 0; i < count; i++) if (i % every === 0 || faults.has(i)) shown.push(i);
    this.#map = Uint32Array.from(shown);
    this.#mapValues = gather(values, columns, shown);
    for (const each of [model, mirror]) {
      if (data.kind === "table" && each.stepCount === 0) each.fitScaler(this.#train);
    }
    this.#scaled = scaledAs(data, this.#train);
    this.#keepPast();
  }

  /** The loss of PCA with as many components as the code has units: a linear model at its optimum. */
  async floor(): Promise<number> {
    const { columns, kind } = this.#data;
    const { family } = this.#settings;
    // A sparse code has as many numbers as units that it keeps.
    const numbers = family === "topK" ? kept(this.#settings.code) : this.#settings.code;
    const code = Math.min(numbers, columns);
    const linear = await TiedAutoencoder.create({
      layers: [columns, code],
      activation: "linear",
      simd: "baseline",
      ...(kind === "table" ? { scaler: "standard" as const } : {}),
    });
    try {
      await linear.initializeFrom(this.#train, { method: "pca" });
      return linear.evaluate(this.#train);
    } finally {
      linear.dispose();
    }
  }

  /** Takes steps; returns their mean loss. */
  async run(steps: number, until: number, milliseconds: number): Promise<number> {
    const model = this.#model;
    const deadline = performance.now() + milliseconds;
    let [sum, taken] = [0, 0];
    while (taken < steps && model.stepCount < until && this.#diverged === null) {
      await this.#applyChanges();
      const next = await this.#nextStep();
      if (!next) break;
      sum += next.loss;
      taken++;
      this.#epoch = next.epoch;
      this.#twin?.step(this.#scaled, this.#data.columns, model.learningRate, this.#noise);
      if (model.stepCount % this.#pastEvery === 0) this.#keepPast();
      if (performance.now() >= deadline) break;
    }
    return taken > 0 ? sum / taken : Number.NaN;
  }

  async #nextStep() {
    const { batchSize } = this.#settings;
    this.#steps ??= this.#model.fitSteps(this.#train, {
      batchSize,
      epochs: 1e9,
      resume: true,
      ...(this.#noise > 0 ? { corruption: { type: "gaussian", std: this.#noise } } : {}),
    });
    try {
      const { done, value } = await this.#steps.next();
      if (done) this.#steps = undefined;
      return done ? undefined : value;
    } catch (error) {
      this.#steps = undefined;
      this.#diverged = error instanceof Error ? error.message : String(error);
      return undefined;
    }
  }

  /** Applies the changes recorded for this step, for example those of a link. */
  async #applyChanges(): Promise<void> {
    for (const { step, key, value } of this.#changes) {
      if (step === this.#model.stepCount) await this.#apply(key, value);
    }
  }

  async #apply(key: LiveKey, value: number): Promise<void> {
    if (key === "learningRate") {
      if (this.#model.learningRate !== value) this.#model.learningRate = value;
    } else if (value !== this.#noise) {
      this.#noise = value;
      await this.#steps?.return(undefined); // before that, the model refuses another run
      this.#steps = undefined;
    }
  }

  /** Changes a setting from the next step on. Returns the change with its step. */
  change(key: LiveKey, value: number): Change {
    const change = { step: this.#model.stepCount, key, value };
    this.#changes.push(change);
    return change;
  }

  tie(tied: boolean): void {
    this.#twin = tied ? undefined : new Twin(this.#layers(this.#model.weights()), this.#settings);
  }

  /** The model as it is, or as it was at a kept step. */
  frame(view: View, loss: number, past: number | null = null): Frame {
    const old = past === null ? undefined : this.#past.find(({ step }) => step === past);
    const model = old ? this.#mirror : this.#model;
    if (old) model.setWeights(old.weights);
    const named = model.weights(); // copies, because the buffers of a frame move to the page
    const layers = this.#layers(named);
    const { columns, values, kind } = this.#data;
    const sample = Math.max(0, Math.min(values.length / columns - 1, view.sample));
    const input = this.#withNoise(values.slice(sample * columns, (sample + 1) * columns), sample);
    const code = model.encode(input);
    const codes = model.encode(this.#mapValues);
    const size = this.#settings.code;
    const plane = this.#planeOf(codes, view.axes);
    const points = new Float32Array(this.#map.length * 2);
    for (let i = 0; i < this.#map.length; i++) {
      for (let c = 0; c < size; c++) {
        const off = (codes[i * size + c] ?? 0) - (plane.origin[c] ?? 0);
        points[2 * i] = (points[2 * i] ?? 0) + off * (plane.across[c] ?? 0);
        points[2 * i + 1] = (points[2 * i + 1] ?? 0) + off * (plane.up[c] ?? 0);
      }
    }
    const bounds = this.#boundsOf(points, `${view.axes},${past === null}`);
    return {
      step: old?.step ?? this.#model.stepCount,
      epoch: this.#epoch,
      loss,
      heldOut: model.evaluate(this.#heldOut),
      weights: layers.map(({ weight }) => weight),
      passage: { input, code, output: model.decode(code) },
      points,
      rows: this.#map.slice(),
      plane,
      bounds,
      ...(kind === "image"
        ? this.#grid(model, plane, bounds)
        : { grid: new Float32Array(0), gridSize: 0 }),
      reconstructions: kind === "space" ? model.reconstruct(this.#mapValues) : new Float32Array(0),
      errors: model.reconstructionErrors(this.#mapValues),
      twin: this.#twin && !old ? this.#twin.frame(this.#scaleRow(input)) : null,
      halves: this.#halvesOf(layers, view.unit, sample),
      parameters: Object.values(named).reduce((sum, { data }) => sum + data.length, 0),
      past: this.#past.map(({ step }) => step),
      diverged: this.#diverged,
    };
  }

  decode(codes: Float32Array): Float32Array {
    return this.#model.decode(codes);
  }

  codesOf(rows: readonly number[]): Float32Array {
    return this.#model.encode(gather(this.#data.values, this.#data.columns, rows));
  }

  /** The reconstruction of a row, and the p-value of its error among the errors of held-out rows. */
  score(values: Float32Array): Score {
    const model = this.#model;
    const code = model.encode(values);
    const [error = Number.NaN] = model.reconstructionErrors(values);
    const calibration = this.#calibrated();
    let atLeast = 0;
    for (const each of calibration) if (each >= error) atLeast++;
    return {
      output: model.decode(code),
      errors: model.featureErrors(values),
      error,
      pValue: (1 + atLeast) / (calibration.length + 1),
      code,
      among: calibration.length,
    };
  }

  checksum(): string {
    return checksumOf(this.#model.weights());
  }

  file(kind: "safetensors" | "resume" | "onnx"): Uint8Array {
    if (kind === "onnx") return this.#model.toOnnx();
    return this.#model.save({ optimizer: kind === "resume" });
  }

  async close(): Promise<void> {
    await this.#steps?.return(undefined);
    this.#model.dispose();
    this.#mirror.dispose();
  }

  #calibrated(): Float32Array {
    const step = this.#model.stepCount;
    if (this.#calibration?.step !== step) {
      this.#calibration = { step, errors: this.#model.reconstructionErrors(this.#heldOut) };
    }
    return this.#calibration.errors;
  }

  #layers(named: Named): TiedLayer[] {
    const { length } = this.#model.config.layers;
    const data = (name: string) => named[name]?.data ?? new Float32Array(0);
    return Array.from({ length: length - 1 }, (_, i) => {
      const [units = 0, inputs = 0] = named[`encoder.${i}.weight`]?.shape ?? [];
      const weight: Weight = { units, inputs, values: data(`encoder.${i}.weight`) };
      return { weight, bias: data(`encoder.${i}.bias`), decoderBias: data(`decoder.${i}.bias`) };
    });
  }

  /** The gradient of a unit's weights from each of the two uses, on the sample and the 31 rows after it. */
  #halvesOf(layers: readonly TiedLayer[], unit: number, sample: number): Halves | null {
    const first = layers[0]?.weight;
    if (unit < 0 || !first || unit >= first.units || this.#settings.family !== "dense") return null;
    const { columns, values } = this.#data;
    const count = values.length / columns;
    const rows = Math.min(32, count);
    const batch = new Float64Array(rows * columns);
    for (let r = 0; r < rows; r++) {
      const at = ((sample + r) % count) * columns;
      batch.set(this.#scaleRow(values.subarray(at, at + columns)), r * columns);
    }
    const [split] = halves(layers, this.#settings.activation, batch, rows);
    const own = (values: Float64Array) =>
      Float32Array.from(values.subarray(unit * columns, (unit + 1) * columns));
    return split ? { unit, encoder: own(split.encoder), decoder: own(split.decoder) } : null;
  }

  /** The row with noise as in training, to show what the model has to clean. Rows of a table get none, because the page
   * compares their values with the reconstruction. */
  #withNoise(row: Float32Array, number: number): Float32Array {
    if (this.#noise === 0 || this.#data.kind === "table") return row;
    const random = randomFrom(number + 1); // the same noise in every frame
    return row.map((value) => value + this.#noise * normalFrom(random));
  }

  #scaleRow(row: Float32Array): Float64Array {
    const { mean, deviation } = this.#statistics();
    return Float64Array.from(row, (value, i) => (value - (mean[i] ?? 0)) / (deviation[i] ?? 1));
  }

  #statistics() {
    return columnStatistics(this.#data, this.#train);
  }

  /** Two units of the code, the others at their means; or the two leading principal components of the codes. */
  #planeOf(codes: Float32Array, axes: View["axes"]): Plane {
    const size = this.#settings.code;
    const origin = new Float32Array(size);
    for (let i = 0; i < codes.length; i++) {
      origin[i % size] = (origin[i % size] ?? 0) + (codes[i] ?? 0) / this.#map.length;
    }
    if (axes === null && size > 2) {
      const [across, up] = this.#directions.follow(codes, origin);
      return { origin, across, up };
    }
    const [a, b] = axes ?? [0, 1];
    const unit = (axis: number) =>
      Float32Array.from({ length: size }, (_, i) => (i === axis ? 1 : 0));
    origin[a] = 0;
    if (size > 1) origin[b] = 0;
    return { origin, across: unit(a), up: unit(b) };
  }

  /** Images decoded over the map, line by line from the upper left. */
  #grid(
    model: TiedAutoencoder,
    { origin, across, up }: Plane,
    [left, right, bottom, top]: Bounds,
  ): { grid: Float32Array; gridSize: number } {
    const size = this.#settings.code;
    const down = size === 1 ? 1 : GRID;
    const asked = new Float32Array(GRID * down * size);
    for (let line = 0; line < down; line++) {
      const y = size === 1 ? 0 : top - ((line + 0.5) / GRID) * (top - bottom);
      for (let column = 0; column < GRID; column++) {
        const x = left + ((column + 0.5) / GRID) * (right - left);
        const at = (line * GRID + column) * size;
        for (let c = 0; c < size; c++) {
          asked[at + c] = (origin[c] ?? 0) + x * (across[c] ?? 0) + y * (up[c] ?? 0);
        }
      }
    }
    return { grid: model.decode(asked), gridSize: GRID };
  }

  /** The edges of the map. They follow the points slowly, so that the map does not shake. */
  #boundsOf(points: Float32Array, key: string): Bounds {
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = [points[i] ?? 0, points[i + 1] ?? 0];
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < bottom) bottom = y;
      if (y > top) top = y;
    }
    if (!(left < Infinity)) return [-1, 1, -1, 1];
    const roomX = (right - left) * 0.06 || 0.1;
    const roomY = (top - bottom) * 0.06 || 0.1;
    const now: Bounds = [left - roomX, right + roomX, bottom - roomY, top + roomY];
    const before = this.#boundsFor === key ? this.#bounds : undefined;
    const next = before
      ? (now.map((edge, i) => (before[i] ?? edge) + (edge - (before[i] ?? edge)) * 0.15) as Bounds)
      : now;
    // A point never leaves the map.
    next[0] = Math.min(next[0], left - roomX / 2);
    next[1] = Math.max(next[1], right + roomX / 2);
    next[2] = Math.min(next[2], bottom - roomY / 2);
    next[3] = Math.max(next[3], top + roomY / 2);
    this.#bounds = next;
    this.#boundsFor = key;
    return next;
  }

  #keepPast(): void {
    this.#past.push({ step: this.#model.stepCount, weights: this.#model.weights() });
    if (this.#past.length <= MOST_PAST) return;
    this.#past = this.#past.filter((_, i) => i % 2 === 0);
    this.#pastEvery *= 2;
  }
}

function gather(values: Float32Array, columns: number, rows: readonly number[]): Float32Array {
  const gathered = new Float32Array(rows.length * columns);
  rows.forEach((row, i) => {
    gathered.set(values.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  return gathered;
}

/** Mean and deviation of each column of the training rows of a table; 0 and 1 for anything else. */
function columnStatistics({ columns, kind }: DataSet, train: Float32Array) {
  const mean = new Float64Array(columns);
  const deviation = new Float64Array(columns).fill(1);
  if (kind !== "table") return { mean, deviation };
  const rows = train.length / columns;
  for (let c = 0; c < columns; c++) {
    let [sum, squares] = [0, 0];
    for (let r = 0; r < rows; r++) sum += train[r * columns + c] ?? 0;
    mean[c] = sum / rows;
    for (let r = 0; r < rows; r++) squares += ((train[r * columns + c] ?? 0) - sum / rows) ** 2;
    deviation[c] = Math.sqrt(squares / rows) || 1;
  }
  return { mean, deviation };
}

function scaledAs(data: DataSet, train: Float32Array): Float64Array {
  const { mean, deviation } = columnStatistics(data, train);
  const { columns } = data;
  return Float64Array.from(train, (value, i) => {
    const c = i % columns;
    return (value - (mean[c] ?? 0)) / (deviation[c] ?? 1);
  });
}
