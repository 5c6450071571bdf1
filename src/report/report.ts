// The report: the configuration and results of a model on some rows, as one self-contained HTML page. It is a string:
// there is no DOM, no script and no network. Names and values are untrusted and are escaped.

import type { TiedAutoencoder } from "../autoencoder.ts";
import { choice, labelTexts, onlyKeys, optionalText, record, wholeNumber } from "../checks.ts";
import { type MatrixInput, type Rows, readRows } from "../data/rows.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { decodeSafetensors } from "../formats/safetensors.ts";
import { sortedQuantile } from "../math/order.ts";
import { longForm } from "../options.ts";
import { drawCodes } from "../view/codes.ts";
import { drawErrors } from "../view/errors.ts";
import { drawFilters } from "../view/filters.ts";
import { drawImages } from "../view/images.ts";
import { drawLoss } from "../view/loss.ts";
import {
  CHART,
  chart,
  escapeHtml,
  page,
  paragraph,
  SCROLLS,
  section,
  TO_FILL_IN,
  table,
} from "./html.ts";
import { type CodeMap, mapCodes } from "./map.ts";
import { pcaFloor } from "./pca-floor.ts";

/** The size of rows that are images. */
export interface ReportImages {
  /** Pixels across. */
  width: number;
  /** Pixels down. Default: the same. */
  height?: number;
  /** Values of a pixel: 1 grey, 3 red, green and blue. Default 1. */
  channels?: 1 | 3;
}

/** The contents of a report. */
export interface ReportOptions {
  /** The title of the page. Default "Tied autoencoder". */
  title?: string;
  /** Names of the columns, one for each unit of the input. Default: "column 1" and so on. */
  columns?: readonly string[];
  /** A label for each row, which sets its colour in the map of codes. Default: none. */
  labels?: ArrayLike<string | number>;
  /** Losses by epoch, as `fit` returns them. Default: no curve is drawn. */
  history?: {
    readonly epoch?: readonly number[];
    readonly history: { readonly loss: readonly number[]; readonly valLoss?: readonly number[] };
  };
  /** Levels to compare the losses with, such as `{ PCA: 0.031 }`. Default: none. */
  references?: Readonly<Record<string, number>>;
  /** The size of the images, if rows are images. Default: rows are not images. */
  images?: ReportImages;
  /** The error from which on a row is marked as odd. Default: the .99 quantile of the errors. */
  threshold?: number;
  /** Odd rows to list. Default 10. */
  oddest?: number;
}

/** The largest number of rows whose single columns are shown, and of points in the map. More could not be distinguished. */
const MOST_DETAILED = 4000;
const MOST_POINTS = 2000;
const SHARE = 0.99;
/** Images and filters shown. */
const MOST_IMAGES = 16;
const MOST_FILTERS = 64;
/** With more columns than this, no ranges are listed. */
const MOST_SUMMARIES = 40;
/** The largest numbers of rows and columns for PCA, which takes about a second then. */
const MOST_PCA_ROWS = 1000;
const MOST_PCA_COLUMNS = 800;

/**
 * A report on a model and the rows of `x` [rows, layers[0]], as one HTML page: the configuration, the losses, filters and
 * reconstructions if rows are images, a map of the codes, the distribution of the errors, the oddest rows with the
 * columns that cause their errors, columns by error, and a model card to fill in. Errors are in scaled units if the model
 * has a scaler. With more than 4,000 rows, single columns are shown for every n-th row.
 * @throws InvalidTypeError, InvalidValueError for rows or options that do not fit the model.
 */
export function report(
  model: TiedAutoencoder,
  x: MatrixInput,
  options: ReportOptions = {},
): string {
  if (typeof model?.reconstructionErrors !== "function") {
    throw new InvalidTypeError(
      `report needs a TiedAutoencoder; got ${show(model)}. A detector has its own: detector.report(rows).`,
    );
  }
  onlyKeys("report", record("report's options", options), REPORT_KEYS);
  const width = model.config.layers[0] ?? 0;
  const rows = readRows("x", x, width);
  if (rows.count === 0) throw new InvalidValueError("report needs at least one row; x has none.");
  const columns = columnNames(options.columns, width);
  const oddest = wholeNumber("oddest", options.oddest ?? 10, 0);
  const title = optionalText("title", options.title) ?? "Tied autoencoder";
  const errors = model.reconstructionErrors(x);
  const sorted = Float64Array.from(errors).filter(Number.isFinite).sort();
  const threshold = options.threshold ?? sortedQuantile(sorted, SHARE);
  const flagged = errors.filter((error) => error > threshold).length;
  const detailed = sample(rows, MOST_DETAILED);
  const featureErrors = model.featureErrors(detailed.matrix);
  const floor = floorOf(model, rows);
  const shape = options.images && imageShape(options.images, width);
  const isScaled = model.config.scaler !== undefined;
  const sum = checksum(model);
  return page(title, lead(model, rows, flagged, threshold, options.threshold !== undefined), [
    section("The model", aboutModel(model, sum)),
    section("Training", training(options, floor)),
    section("Images", shape ? images(model, rows, shape) : "", true),
    section(
      "Errors of rows",
      `${chart(drawErrors(errors, { threshold, unit: "mean squared error of a row", size: CHART }))}
<p>The error of a row is the mean squared difference between its values and their reconstructions${isScaled ? ", in scaled units" : ""}.</p>
<p>${flagged.toLocaleString("en")} of ${rows.count.toLocaleString("en")} rows have an error above ${short(threshold)}${options.threshold === undefined ? `, the ${SHARE} quantile of these rows` : ""}. The median is ${short(sortedQuantile(sorted, 0.5))}.</p>${floorText(floor, mean(sorted))}`,
    ),
    section("The map of codes", codeMap(model, rows, options.labels)),
    section("The oddest rows", oddestRows(model, rows, errors, columns, oddest, shape), true),
    section(
      shape ? "Pixels by error" : "Columns by error",
      shape ? byPixel(featureErrors, detailed.count, shape) : byColumn(featureErrors, columns),
    ),
    section("Model card", card(rows, columns, model, sum, shape ? undefined : detailed)),
  ]);
}

const REPORT_KEYS = Object.keys({
  title: true,
  columns: true,
  labels: true,
  history: true,
  references: true,
  images: true,
  threshold: true,
  oddest: true,
} satisfies Record<keyof ReportOptions, true>);

const MISSING = {
  error: "refused",
  mean: "filled in with the mean of the column",
  mask: "left out of the loss",
} as const;

/** An introduction for a reader who does not know the model. */
function lead(
  model: TiedAutoencoder,
  rows: Rows,
  flagged: number,
  threshold: number,
  isGiven: boolean,
): string {
  const units = model.config.layers.at(-1) ?? 0;
  const numbers = units === 1 ? "1 number, its code" : `${units} numbers, its code`;
  const many = rows.count.toLocaleString("en");
  const result = isGiven
    ? `This page shows ${many} rows; ${flagged.toLocaleString("en")} of them have an error above ${short(threshold)}.`
    : `This page shows the errors of ${many} rows, and which of them are the oddest.`;
  return `This autoencoder compresses a row of ${rows.width} values to ${numbers}, and reconstructs the row from its code with the same weights. A row with a large reconstruction error is unlike the rows that the model learned. ${result}`;
}

function aboutModel(model: TiedAutoencoder, sum: string): string {
  const { config } = model;
  const facts: [string, string][] = [
    ["Layers", config.layers.join(" → ")],
    ["Optimizer steps", model.stepCount.toLocaleString("en")],
    ["Seed", String(config.seed)],
    [
      "Scaler",
      typeof config.scaler === "object" ? JSON.stringify(config.scaler) : (config.scaler ?? "none"),
    ],
    ["Missing values", MISSING[config.missing]],
    ["Build", model.build],
    ["Checksum of the weights", sum],
  ];
  return `<pre ${SCROLLS} aria-label="Layers">${escapeHtml(model.summary())}</pre>\n${table(["", ""], facts)}`;
}

function training({ history, references }: ReportOptions, floor: Floor | undefined): string {
  if (!history || history.history.loss.length === 0) return "";
  const levels = { ...(floor && { PCA: floor.error }), ...references };
  const { loss, valLoss = [] } = history.history;
  const [last, checked] = [loss.at(-1) ?? Number.NaN, valLoss.at(-1)];
  const epoch = history.epoch?.at(-1);
  const when = epoch === undefined ? "At the end" : `After epoch ${epoch}`;
  const validation = checked === undefined ? "" : `, and ${short(checked)} on validation rows`;
  const pca =
    floor && references?.PCA === undefined
      ? ` The line "PCA" is the error of ${componentsOf(floor)} of these rows.`
      : "";
  return `${chart(drawLoss(history, { references: levels, size: CHART }))}
<p>${when} the mean loss was ${short(last)}${validation}.${pca}</p>`;
}

/** The error of principal components, to compare a model with. */
interface Floor {
  readonly error: number;
  readonly units: number;
  readonly rows: number;
}

/**
 * The error of PCA with as many components as the code has units, in the units of the model's losses. Undefined where the two
 * cannot be compared: other losses, sparse codes, missing values, or no fewer units than columns.
 */
function floorOf(model: TiedAutoencoder, rows: Rows): Floor | undefined {
  const { layers } = model.config;
  const loss = longForm(model.config.loss).type;
  const code = longForm(model.config.code).type;
  const units = layers.at(-1) ?? 0;
  const { width } = rows;
  if (loss !== "mse" || (code !== "dense" && code !== "gaussian")) return undefined;
  if (units >= width || width > MOST_PCA_COLUMNS) return undefined;
  const { matrix, count } = sample(rows, MOST_PCA_ROWS);
  const scales = decodeSafetensors(model.save()).tensors.get("scaler.scale")?.data;
  const scaled = scales
    ? matrix.data.map((value, i) => value / Number(scales[i % width]))
    : matrix.data;
  if (!scaled.every(Number.isFinite)) return undefined;
  const error = pcaFloor(scaled, count, width, units);
  return error > 0 ? { error, units, rows: count } : undefined;
}

function floorText(floor: Floor | undefined, error: number): string {
  if (!floor) return "";
  return `\n<p>On ${floor.rows.toLocaleString("en")} of these rows, ${componentsOf(floor)} have a mean error of ${short(floor.error)}. The model has ${short(error)} on all rows.</p>`;
}

const componentsOf = ({ units }: Floor): string =>
  units === 1 ? "1 principal component" : `${units} principal components`;

const mean = (values: Float64Array): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The size of an image. All values are checked. */
interface ImageShape {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

function imageShape(options: ReportImages, values: number): ImageShape {
  const width = wholeNumber("images.width", options.width, 1);
  const height = wholeNumber("images.height", options.height ?? width, 1);
  const channels =
    Number(choice("images.channels", String(options.channels ?? 1), ["1", "3"])) === 3 ? 3 : 1;
  if (width * height * channels === values) return { width, height, channels };
  throw new InvalidValueError(
    `images of ${width} by ${height} pixels of ${channels} values have ${width * height * channels} values; a row has ${values}.`,
  );
}

function images(model: TiedAutoencoder, rows: Rows, shape: ImageShape): string {
  const some = sample(rows, MOST_IMAGES);
  const weight = model.weights()["encoder.0.weight"];
  const [units = 0] = weight?.shape ?? [];
  const shown = Math.min(units, MOST_FILTERS);
  const filters = weight
    ? `<h3>Weights of the first layer</h3>
<div class="sheet">${drawFilters(
        { data: weight.data.slice(0, shown * rows.width), shape: [shown, rows.width] },
        { ...shape, perRow: Math.ceil(Math.sqrt(2 * shown)) },
      )}</div>
<p>Each image shows the weights of one unit: the pattern that the unit detects in the input, and that it adds to the output. ${shown < units ? `The first ${shown} of ${units} units.` : ""}</p>`
    : "";
  return `<h3>Rows, their reconstructions, and the differences</h3>
${comparison(
  model,
  some,
  shape,
  some.numbers.map((row) => `row ${row + 1}`),
)}
${filters}`;
}

/** Rows as images. Under each of them are its reconstruction and the difference. */
function comparison(
  model: TiedAutoencoder,
  { matrix, numbers }: Sample,
  { width, height, channels }: ImageShape,
  captions: readonly string[],
): string {
  const length = width * height * channels;
  const back = model.reconstruct(matrix);
  const range = rangeOf(matrix.data);
  const difference = back.map((value, i) => value - (matrix.data[i] ?? 0));
  const limit = difference.reduce((most, value) => Math.max(most, Math.abs(value) || 0), 0) || 1;
  const figures = numbers.map((_, i) => {
    const [from, to] = [i * length, (i + 1) * length];
    const both = new Float32Array(2 * length);
    both.set(matrix.data.subarray(from, to));
    both.set(back.subarray(from, to), length);
    const size = { width, height, channels, perRow: 1 };
    const pair = drawImages(
      { data: both, shape: [2, length] },
      {
        ...size,
        range,
        captions: ["the row", "its reconstruction"],
      },
    );
    const gap = drawFilters(
      { data: difference.subarray(from, to), shape: [1, length] },
      { ...size, limit, legend: false, signs: false, captions: ["the difference"] },
    );
    return `<figure class="sheet">${pair}${gap}<figcaption>${escapeHtml(captions[i] ?? "")}</figcaption></figure>`;
  });
  return `<div class="rows">${figures.join("\n")}</div>`;
}

/** The least and the largest finite value, which become black and white. */
function rangeOf(values: Float64Array): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low < high ? [low, high] : [0, 1];
}

/** The mean error of each pixel, as an image. */
function byPixel(
  squares: Float32Array,
  count: number,
  { width, height, channels }: ImageShape,
): string {
  const means = meanErrors(squares, width * height * channels, channels);
  const pixels = Float32Array.from(means, (error) => error || 0);
  const most = pixels.reduce((a, b) => Math.max(a, b), 0);
  const scale = Math.max(1, Math.round(224 / width));
  const picture = drawImages(pixels, {
    width,
    height,
    scale,
    inverted: true,
    range: [0, most || 1],
    title: "Mean squared error of each pixel",
    captions: ["mean squared error"],
  });
  return `<div class="sheet">${picture}</div>
<p>The mean squared error of each pixel in ${count.toLocaleString("en")} rows: white is 0, black is ${short(most)}.</p>`;
}

function codeMap(
  model: TiedAutoencoder,
  rows: Rows,
  labels: ArrayLike<string | number> | undefined,
): string {
  const texts = labels === undefined ? undefined : labelTexts(labels, rows.count, "row");
  const some = sample(rows, MOST_POINTS);
  const units = model.config.layers.at(-1) ?? 0;
  const map: CodeMap = mapCodes(model.encode(some.matrix), some.count, units);
  const picture = drawCodes(
    { data: map.points, shape: [some.count, 2] },
    {
      size: [CHART[0], 320],
      axisNames: map.axisNames,
      ...(texts ? { labels: some.numbers.map((row) => texts[row] ?? "") } : {}),
    },
  );
  const drawn =
    some.count < rows.count
      ? ` ${some.count.toLocaleString("en")} of ${rows.count.toLocaleString("en")} rows are drawn.`
      : "";
  return `${chart(picture)}
${paragraph(`Each point is a row; rows with similar codes are near each other. ${map.says}${drawn}`)}`;
}

function oddestRows(
  model: TiedAutoencoder,
  rows: Rows,
  errors: Float32Array,
  columns: readonly string[],
  count: number,
  shape: ImageShape | undefined,
): string {
  const order = Array.from(errors, (error, row) => ({ error, row }))
    .filter(({ error }) => Number.isFinite(error))
    .sort((a, b) => b.error - a.error || a.row - b.row)
    .slice(0, count);
  if (order.length === 0) return "";
  const { width } = rows;
  const picked = pick(
    rows,
    order.map(({ row }) => row),
  );
  if (shape) {
    const captions = order.map(({ row, error }) => `row ${row + 1}, ${short(error)}`);
    return `<p>The rows with the largest errors, their reconstructions, and the differences.</p>
${comparison(model, picked, shape, captions)}`;
  }
  const squares = model.featureErrors(picked.matrix);
  const expected = model.reconstruct(picked.matrix);
  const body = order.map(({ error, row }, i): [string, string, string] => {
    const blamed = Array.from({ length: width }, (_, j) => j)
      .filter((j) => Number.isFinite(squares[i * width + j]))
      .sort((a, b) => (squares[i * width + b] ?? 0) - (squares[i * width + a] ?? 0))
      .slice(0, 3)
      .map((j) => {
        const at = i * width + j;
        const value = short(picked.matrix.data[at] ?? Number.NaN);
        return `${columns[j]} ${value}, expected ${short(expected[at] ?? Number.NaN)}`;
      });
    return [String(row + 1), short(error), blamed.join("; ")];
  });
  return table(["Row", "Error", "Columns with the largest errors"], body);
}

/** The mean of the known squared errors [rows, width] in each group of `together` columns. NaN if none is known. */
function meanErrors(squares: Float32Array, width: number, together = 1): Float64Array {
  const sums = new Float64Array(width / together);
  const known = new Float64Array(sums.length);
  squares.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    const group = Math.floor((i % width) / together);
    sums[group] = (sums[group] ?? 0) + value;
    known[group] = (known[group] ?? 0) + 1;
  });
  return sums.map((sum, group) => sum / (known[group] ?? 0));
}

function byColumn(squares: Float32Array, columns: readonly string[]): string {
  const width = columns.length;
  const errors = meanErrors(squares, width);
  const means = columns.map((name, j) => ({ name, mean: errors[j] ?? Number.NaN }));
  const most = means.reduce((largest, { mean }) => Math.max(largest, mean || 0), 0) || 1;
  const ranked = means.sort((a, b) => b.mean - a.mean).slice(0, 30);
  const lines = ranked.map(
    ({ name, mean }) =>
      `<tr><td>${escapeHtml(name)}</td><td>${short(mean)}</td><td><div class="bar" style="width:${Math.max(0, Math.min(100, (100 * mean) / most || 0)).toFixed(1)}%"></div></td></tr>`,
  );
  const rest = width - ranked.length;
  return `<div class="wide" ${SCROLLS} aria-label="Columns by error"><table class="bars"><thead><tr><th>Column</th><th>Mean squared error</th><th></th></tr></thead><tbody>${lines.join("\n")}</tbody></table></div>${rest > 0 ? `\n<p>${rest} more columns have smaller errors.</p>` : ""}`;
}

/** The known facts about model and data, and the fields that people must fill in. */
function card(
  rows: Rows,
  columns: readonly string[],
  model: TiedAutoencoder,
  sum: string,
  sampled: Sample | undefined,
): string {
  const facts: [string, string][] = [
    ["Rows on this page", rows.count.toLocaleString("en")],
    ["Columns", columns.length.toLocaleString("en")],
    ["Model", `${model.config.layers.join(" → ")}, weights ${sum}`],
  ];
  const values = sampled && columns.length <= MOST_SUMMARIES ? summaries(sampled, columns) : "";
  return `${table(["", ""], facts)}${values}
${TO_FILL_IN}`;
}

/** The range of each column, of some rows. */
function summaries({ matrix, count }: Sample, columns: readonly string[]): string {
  const width = columns.length;
  const lines = columns.map((name, j) => {
    const own = new Float64Array(count).map((_, row) => matrix.data[row * width + j] ?? 0);
    const known = own.filter((value) => !Number.isNaN(value)).sort();
    const at = (share: number) => (known.length > 0 ? short(sortedQuantile(known, share)) : "");
    const missing = count - known.length;
    return [name, at(0), at(0.5), at(1), missing > 0 ? missing.toLocaleString("en") : ""];
  });
  const isMissing = lines.some((line) => line[4] !== "");
  const headings = ["Column", "Least", "Median", "Largest", ...(isMissing ? ["Missing"] : [])];
  return `<h3>Values of ${count.toLocaleString("en")} rows</h3>
${table(headings, isMissing ? lines : lines.map((line) => line.slice(0, 4)))}`;
}

/** Some rows by value, with their numbers. */
interface Sample {
  readonly numbers: number[];
  readonly count: number;
  readonly matrix: { readonly data: Float64Array; readonly shape: readonly [number, number] };
}

/** Every n-th row, so that at most `most` rows remain. */
function sample(rows: Rows, most: number): Sample {
  const every = Math.ceil(rows.count / most);
  return pick(
    rows,
    Array.from({ length: Math.ceil(rows.count / every) }, (_, i) => i * every),
  );
}

function pick(rows: Rows, numbers: number[]): Sample {
  const data = new Float64Array(numbers.length * rows.width);
  rows.gather(Uint32Array.from(numbers), 0, numbers.length, data, 0);
  return { numbers, count: numbers.length, matrix: { data, shape: [numbers.length, rows.width] } };
}

function columnNames(names: readonly string[] | undefined, width: number): readonly string[] {
  if (names === undefined) return Array.from({ length: width }, (_, j) => `column ${j + 1}`);
  if (names.length === width) return names.map(String);
  throw new InvalidValueError(`columns must hold ${width} names; it holds ${names.length}.`);
}

/** A number in four digits. */
function short(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : "missing";
}

/** FNV-1a over the bytes of all weights, in 32 bits. */
function checksum(model: TiedAutoencoder): string {
  let hash = 0x811c9dc5;
  for (const { data } of Object.values(model.weights())) {
    for (const byte of new Uint8Array(data.buffer, data.byteOffset, data.byteLength)) {
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    }
  }
  return hash.toString(16).padStart(8, "0");
}
