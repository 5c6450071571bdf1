// `tied-autoencoder/detect`: finds anomalous rows, with p-values and explanations. Importing it compiles, fetches and
// starts nothing.

export type { Decision, Detection } from "./detect/calibration.ts";
export {
  AnomalyDetector,
  type DetectorConfig,
  type Evaluation,
  type EventOptions,
} from "./detect/detector.ts";
export type { Drift } from "./detect/drift.ts";
export type { Reason } from "./detect/explain.ts";
export type { DetectorEpoch, DetectorOptions, DetectorProgress } from "./detect/fit.ts";
export type { ExplainedEvent, ExplainOptions, TrainingResult } from "./detect/parts.ts";
export type { DetectorModel } from "./detect/policy.ts";
export type { SeriesState, WindowOptions } from "./detect/series/series.ts";
export {
  conformalPValues,
  crossConformalPValues,
  eValue,
} from "./detect/statistics/conformal.ts";
export { ledoitWolf, type ShrunkCovariance } from "./detect/statistics/covariance.ts";
export { type ParetoTail, type PeakThreshold, peakThreshold } from "./detect/statistics/peaks.ts";
export {
  auroc,
  averagePrecision,
  type DecisionQuality,
  decisionQuality,
} from "./detect/statistics/ranking.ts";
export type { DetectorStream, JudgedRow, StreamResult } from "./detect/stream.ts";
export type { ColumnKind, ColumnSchema, ColumnsOption } from "./detect/table/schema.ts";
export type { DetectorInput } from "./detect/table/source.ts";
export type { UpdateOptions } from "./detect/update.ts";
export type { Yardstick } from "./detect/yardstick.ts";
export type { CellOptions } from "./formats/cell-values.ts";
