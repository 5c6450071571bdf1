// Selects the rows for training and the rows for calibration, as the option `calibration` says.

import { choice, finiteNumber } from "../checks.ts";
import { InvalidValueError, show } from "../errors.ts";
import type { Paused } from "../platform/turns.ts";
import { permutation, random } from "./random.ts";
import { range } from "./samples.ts";
import type { Encoder } from "./table/encoder.ts";
import { type DetectorInput, readingSource, type Source, someOf } from "./table/source.ts";

/** The fewest training rows. */
export const FEWEST_ROWS = 5;

export interface CalibrationSplit {
  readonly training: Source;
  readonly calibration: Source | undefined;
  /** Remarks about the calibration rows. */
  readonly notes: readonly string[];
  /** The numbers of the training rows among the given rows, and those of the calibration rows. */
  readonly trainingRows: Uint32Array;
  readonly calibrationRows: Uint32Array;
}

/** Selects the rows for training and for calibration. */
export function* splitCalibration(
  source: Source,
  calibration: "cross" | number | DetectorInput,
  encoder: Encoder,
  seed: number,
  isSeries: boolean,
): Paused<CalibrationSplit> {
  const { count } = source;
  const all = range(0, count);
  const none = new Uint32Array(0);
  if (typeof calibration === "string") {
    choice("calibration", calibration, ["cross"]);
    return {
      training: source,
      calibration: undefined,
      trainingRows: all,
      calibrationRows: none,
      notes: [],
    };
  }
  if (typeof calibration !== "number") {
    const rows = yield* readingSource("calibration", calibration, encoder.columns);
    if (rows.count === 0) throw new InvalidValueError("calibration has no rows.");
    yield* encoder.reading(rows, "calibration"); // throws for rows with wrong columns before training starts
    return {
      training: source,
      calibration: rows,
      trainingRows: all,
      calibrationRows: none,
      notes: unknownColumns(source, rows),
    };
  }
  finiteNumber("calibration", calibration);
  const held = Math.round(count * calibration);
  if (calibration <= 0 || calibration >= 1 || held < 1 || count - held < FEWEST_ROWS) {
    throw new InvalidValueError(
      `calibration must be a share of the rows that leaves at least one to calibrate with and ${FEWEST_ROWS} to train on; got ${calibration} of ${count} rows.`,
    );
  }
  // Rows of a series stay in order. The last ones are the calibration.
  const order = isSeries ? all : permutation(count, random(seed, 2));
  const trainingRows = order.slice(0, count - held).sort();
  const calibrationRows = order.slice(count - held).sort();
  return {
    training: someOf(source, trainingRows),
    calibration: someOf(source, calibrationRows),
    trainingRows,
    calibrationRows,
    notes: [],
  };
}

/** A note with the columns that the calibration rows have and the training rows do not, for example a label. */
function unknownColumns(training: Source, calibration: Source): string[] {
  if (training.kind === "matrix" || calibration.kind === "matrix") return [];
  const others = calibration.names.filter((name) => !training.names.includes(name));
  if (others.length === 0) return [];
  const names = others.map((name) => show(name)).join(", ");
  return [
    `calibration has columns that the training rows do not have: ${names}. They are left out. If they are labels, calibrate with the normal rows alone.`,
  ];
}
