// Batches from a stream of pieces.

import { ColumnStatistics } from "../data/column-statistics.ts";
import { FlatRows, readRows } from "../data/rows.ts";
import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import type { Engine } from "../model/engine.ts";
import type { Batch } from "../model/staging.ts";
import { inTurns } from "../platform/turns.ts";
import {
  type BatchInput,
  type BatchSource,
  type BatchStream,
  inputAndTarget,
  requireSameCount,
} from "./batches.ts";
import { unlessEnded, type Waiting } from "./waiting.ts";

/** Batches from a stream. Each piece is requested only when it is needed, awaited, and checked for its width. */
export function streamBatches(stream: BatchStream, width: number): BatchSource {
  let pieces: Pieces | undefined;
  /** The next piece. After an error the iterator is closed already. */
  const take = async (from: Pieces): Promise<IteratorResult<BatchInput>> => {
    try {
      return await from.next();
    } catch (error) {
      pieces = undefined;
      throw error;
    }
  };
  return {
    rows: 0,
    stepsPerEpoch: 0,
    batchSize: 0,
    isEnd: () => false,
    async next({ epoch, batch }) {
      if (!pieces) {
        pieces = openPieces(stream, epoch);
        for (let i = 0; i < batch; i++) if ((await take(pieces)).done) break;
      }
      const { done, value } = await take(pieces);
      if (!done) return readBatch(value, width, `Batch ${batch} of epoch ${epoch}`);
      pieces = undefined;
      if (batch > 0) return undefined;
      throw new InvalidValueError(
        `A stream needs at least one batch an epoch; the data of epoch ${epoch} held none.`,
      );
    },
    async close() {
      await pieces?.return?.();
    },
  };
}

/**
 * Learns the statistics for the scaler and missing values from the pieces of a stream. The result has the same bits as
 * that of all rows at once. Nothing changes before the end of the stream.
 * @param requireGoing Throws to end the work, also while it waits for a piece, if `waiting.wake` is called.
 */
export async function learnFromStream(
  { preparation, staging, workspace }: Engine,
  stream: BatchStream,
  requireGoing: () => void,
  waiting: Waiting,
): Promise<void> {
  const { width } = workspace;
  const work = inTurns(requireGoing);
  const statistics = new ColumnStatistics(width);
  const part = new Float64Array(statistics.rowsAtOnce * width);
  let filled = 0;
  const addPart = async () => {
    const rows = new FlatRows().read("the stream", part.subarray(0, filled * width), width);
    await work(statistics.adding(rows, 0, filled));
    filled = 0;
  };
  const source = streamBatches(stream, width);
  try {
    for (let batch = 0; ; batch++) {
      const next = Promise.resolve(source.next({ epoch: 0, batch }));
      const piece = await unlessEnded(next, waiting, requireGoing);
      if (!piece) break;
      const { x } = piece;
      await work(staging.requireTrainable(x, false));
      for (let row = 0; row < x.count; ) {
        const some = Math.min(statistics.rowsAtOnce - filled, x.count - row);
        x.copy(row, some, part, filled * width);
        filled += some;
        row += some;
        if (filled === statistics.rowsAtOnce) await addPart();
      }
    }
    if (filled > 0) await addPart();
  } catch (error) {
    const closed = (async () => source.close())().catch(() => {});
    try {
      requireGoing();
      await closed;
    } catch {
      // The work was ended from outside. A stream that never gives its next piece cannot be closed either.
    }
    throw error;
  }
  requireGoing();
  preparation.take(statistics, "the stream");
}

type Pieces = AsyncIterator<BatchInput> | Iterator<BatchInput>;

function openPieces(stream: BatchStream, epoch: number): Pieces {
  const opened = typeof stream === "function" ? stream(epoch) : stream;
  if (typeof opened === "object" && opened !== null) {
    if (Symbol.asyncIterator in opened) return opened[Symbol.asyncIterator]();
    if (Symbol.iterator in opened) return opened[Symbol.iterator]();
  }
  throw new InvalidTypeError(
    `The function given to fit must return an iterable of batches; it returned ${show(opened)}.`,
  );
}

function readBatch(input: BatchInput, width: number, name: string): Batch {
  const pair = inputAndTarget(input);
  const x = readRows(name, pair.x, width);
  const target =
    pair.target === undefined ? undefined : readRows(`${name}'s target`, pair.target, width);
  requireSameCount(x, target);
  if (x.count === 0)
    throw new InvalidValueError(`${name} must have at least one row; it has none.`);
  return { x, target, order: undefined, first: 0, count: x.count, checked: false, held: undefined };
}
