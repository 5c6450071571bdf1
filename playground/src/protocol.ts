// The messages between the page and its workers. The page asks and a worker answers. While training runs, the page asks once
// a frame, so a slow device takes fewer steps a second and the page still answers.

import type { Change, LiveKey, Settings } from "./settings.ts";

/** Rows to learn from. */
export interface DataSet {
  readonly title: string;
  /** Values [rows, columns], row-major. */
  readonly values: Float32Array;
  readonly columns: number;
  /** A row is an image of these measures, or a list of values: width = columns, height 1. */
  readonly width: number;
  readonly height: number;
  /** The class of each row, for colours. Empty if it is not known. */
  readonly labels: readonly string[];
  /** Names of the columns of a table. */
  readonly names: readonly string[];
  /** `image`: pixels; `space`: points in three dimensions; `table`: columns that are scaled one by one. */
  readonly kind: "image" | "space" | "table";
  /** Rows known to be odd. Training leaves them out, the histogram shows them. */
  readonly faults: readonly number[];
  /** A checksum of the values of a visitor's files, to recognize them after a reload. */
  readonly checksum?: string;
}

/** A weight of the model, [units, inputs]. */
export interface Weight {
  readonly units: number;
  readonly inputs: number;
  readonly values: Float32Array;
}

/** One row as it passes through the model. */
export interface Passage {
  readonly input: Float32Array;
  readonly code: Float32Array;
  readonly output: Float32Array;
}

/** Everything that the page draws of the model at one step. */
export interface Frame {
  readonly step: number;
  readonly epoch: number;
  /** Mean loss of the steps since the frame before; NaN without any. */
  readonly loss: number;
  readonly heldOut: number;
  /** Encoder weights from the input to the code. */
  readonly weights: readonly Weight[];
  readonly passage: Passage;
  /** Codes of the rows on the map, two values a row. */
  readonly points: Float32Array;
  /** Which rows of the data set these are. */
  readonly rows: Uint32Array;
  /** The plane of codes that the map shows: a place (x, y) is origin + x · across + y · up. */
  readonly plane: Plane;
  /** left, right, bottom, top of the map. */
  readonly bounds: readonly [number, number, number, number];
  /** Decoded images on a grid over the map, from the upper left. */
  readonly grid: Float32Array;
  readonly gridSize: number;
  /** Reconstructions of the rows on the map, for points in space; else empty. */
  readonly reconstructions: Float32Array;
  /** Error of every row on the map. */
  readonly errors: Float32Array;
  readonly twin: TwinFrame | null;
  readonly halves: Halves | null;
  readonly parameters: number;
  /** Steps whose weights are kept, for looking back. */
  readonly past: readonly number[];
  readonly diverged: string | null;
}

export interface Plane {
  readonly origin: Float32Array;
  readonly across: Float32Array;
  readonly up: Float32Array;
}

export interface TwinFrame {
  readonly loss: number;
  readonly parameters: number;
  /** |W − Dᵀ| / |W|, over all layers. */
  readonly distance: number;
  /** The decoder's own weights, transposed for comparison: shapes as `weights`. */
  readonly decoder: readonly Weight[];
  readonly encoder: readonly Weight[];
  readonly output: Float32Array;
}

/** The gradient of one unit's weights, by use. */
export interface Halves {
  readonly unit: number;
  readonly encoder: Float32Array;
  readonly decoder: Float32Array;
}

export interface Score {
  readonly output: Float32Array;
  /** Squared error of each value. */
  readonly errors: Float32Array;
  readonly error: number;
  /** Share of held-out rows with an error at least as large: conformal, in (0, 1]. */
  readonly pValue: number;
  readonly code: Float32Array;
  /** Held-out rows that the p-value is measured against. */
  readonly among: number;
}

/** What the page looks at. */
export interface View {
  readonly sample: number;
  /** Two units of the code, or null for the two directions in which codes spread most. */
  readonly axes: readonly [number, number] | null;
  /** The first layer's unit whose gradient is split, or -1. */
  readonly unit: number;
}

/** Questions and their answers. */
export interface Calls {
  open: {
    ask: {
      settings: Settings;
      data: DataSet;
      changes: readonly Change[];
      view: View;
      saved: Uint8Array | null;
    };
    answer: Frame;
  };
  /** The loss of PCA with a code of the same size. */
  floor: { ask: null; answer: number };
  /** Takes at most `steps` steps, ends at the step `until`, and begins no step after `milliseconds`. */
  run: {
    ask: { steps: number; until: number; milliseconds: number; view: View };
    answer: Frame;
  };
  change: { ask: { key: LiveKey; value: number }; answer: Change };
  tie: { ask: { tied: boolean; view: View }; answer: Frame };
  look: { ask: { view: View; past: number | null }; answer: Frame };
  decode: { ask: { codes: Float32Array }; answer: Float32Array };
  codesOf: { ask: { rows: readonly number[] }; answer: Float32Array };
  score: { ask: { values: Float32Array }; answer: Score };
  checksum: { ask: null; answer: string };
  file: { ask: { kind: "safetensors" | "resume" | "onnx" }; answer: Uint8Array };
}

/** A visitor's files as rows, and what the page says about them. */
export interface FilesRead {
  readonly data: DataSet;
  readonly name: "own" | "mnist";
  readonly said: readonly string[];
}

/** Questions to the second worker. */
export interface HelperCalls {
  files: { ask: { files: readonly File[] }; answer: FilesRead };
  /** Fits the detector. The answer is the number of calibration rows. */
  detect: { ask: { values: Float32Array; columns: number }; answer: number };
  pValue: { ask: { values: Float32Array }; answer: number };
  /** The package's report on a saved model and the data it learned, as one HTML page. */
  report: { ask: ReportRequest; answer: string };
}

export interface ReportRequest {
  readonly model: Uint8Array;
  readonly data: DataSet;
  /** Training and held-out loss at some steps. */
  readonly steps: readonly number[];
  readonly loss: readonly number[];
  readonly heldOut: readonly number[];
  readonly floor: number;
}

/** A question as it is sent. */
type Question<Table extends { [Name in keyof Table]: { ask: unknown } }> = {
  [Name in keyof Table]: {
    readonly id: number;
    readonly call: Name;
    readonly ask: Table[Name]["ask"];
  };
}[keyof Table];

export type Asked = Question<Calls>;
export type HelperAsked = Question<HelperCalls>;

export type Answered =
  | { readonly progress: number }
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string; readonly name: string };
