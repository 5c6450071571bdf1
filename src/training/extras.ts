// What a run may have beyond rows, epochs and batches: data that arrives in pieces, noise, a schedule,
// early stopping, a run to go on with. Loaded with the first run that has any of these.

import type { MatrixInput } from "../data/rows.ts";
import { InvalidValueError } from "../errors.ts";
import type { Engine } from "../model/engine.ts";
import { type BatchSource, type BatchStream, isBatchStream } from "./batches.ts";
import { resolveCorruption } from "./corruption.ts";
import { resolveEarlyStopping } from "./early-stopping.ts";
import type { Extras, Fit, FitOptions } from "./fit-options.ts";
import type { RunState } from "./run-state.ts";
import { type Monitor, resolveSchedule } from "./schedules.ts";
import { streamBatches } from "./streams.ts";
import { readValidation, type Validation } from "./validation.ts";

/** Options that speak of rows in memory, and have no meaning for a stream. */
const ROW_KEYS = ["batchSize", "shuffle", "validationSplit", "target"] as const;

/** Batches that arrive in pieces, and what they are judged by. */
export function streamAndValidation(
  engine: Engine,
  stream: BatchStream,
  options: FitOptions,
): Pick<Fit, "source" | "validation" | "rows"> {
  for (const key of ROW_KEYS) {
    if (options[key] === undefined) continue;
    throw new InvalidValueError(
      `${key} has no meaning for data that arrives in pieces: each piece, rows or { x, target }, is one step.`,
    );
  }
  engine.preparation.requireFitted();
  const validation = readValidation(engine, options.validationData);
  return { source: streamBatches(stream, engine.width), validation, rows: undefined };
}

/** The run that the model was in, if it was in one. */
export function runToResume(
  { run }: Engine,
  { rows, batchSize }: BatchSource,
  { initialEpoch }: FitOptions,
): RunState | undefined {
  if (initialEpoch !== undefined) {
    throw new InvalidValueError("fit takes resume or initialEpoch; it was given both.");
  }
  if (!run || (run.rows === rows && run.batchSize === batchSize)) return run;
  const text = (n: number, size: number) =>
    n === 0 ? "a stream" : `${n} rows in batches of ${size}`;
  throw new InvalidValueError(
    `resume needs the data of the run it goes on with: ${text(run.rows, run.batchSize)}; this is ${text(rows, batchSize)}.`,
  );
}

/** Checks the settings of what is there; the run goes from epoch `first` to before `epochs`. */
export function resolveExtras(
  input: MatrixInput | BatchStream,
  { corruption, schedule, earlyStopping }: FitOptions,
  source: BatchSource,
  validation: Validation | undefined,
  first: number,
  epochs: number,
): Extras {
  if (isBatchStream(input) && typeof input !== "function" && epochs - first > 1) {
    throw new InvalidValueError(
      `An iterable serves one epoch, and ${epochs - first} are asked for. Give a function that returns a new one for each.`,
    );
  }
  const length = (per: "step" | "epoch") =>
    per === "epoch" ? epochs : source.stepsPerEpoch * epochs || undefined;
  const extras: Extras = {
    corruption: corruption === undefined ? undefined : resolveCorruption(corruption),
    schedule: schedule === undefined ? undefined : resolveSchedule(schedule, length),
    stopping: earlyStopping === undefined ? undefined : resolveEarlyStopping(earlyStopping),
  };
  requireMonitored("schedule", extras.schedule?.monitor, validation);
  requireMonitored("earlyStopping", extras.stopping?.monitor, validation);
  return extras;
}

function requireMonitored(
  where: string,
  monitor: Monitor | undefined,
  validation: Validation | undefined,
): void {
  if (monitor === "valLoss" && !validation) {
    throw new InvalidValueError(
      `${where}.monitor is "valLoss", which needs validationData or validationSplit.`,
    );
  }
}
