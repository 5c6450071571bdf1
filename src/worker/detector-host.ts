// The worker's side of a detector: one detector, its streams, and the calls to them.

import type { Decision } from "../detect/calibration.ts";
import { AnomalyDetector } from "../detect/detector.ts";
import type { DetectorOptions, DetectorProgress } from "../detect/fit.ts";
import type { DetectorStream } from "../detect/stream.ts";
import { InvalidStateError } from "../errors.ts";
import { CallServer, type OwnCall, type Port, runCall } from "./call-server.ts";

/** The least time between two reports of progress in milliseconds. The worker waits for the answer to each report. */
const BETWEEN_REPORTS = 50;

export function serveDetector(port: Port): void {
  let detector: AnomalyDetector | undefined;
  const server = new CallServer(port);
  const streams = new Map<number, DetectorStream>();

  /** The properties of the detector that the page has without a call. Arrays are copied, because they are transferred. */
  const about = ({ schema, notes, config, yardstick, training }: AnomalyDetector) => ({
    schema,
    notes,
    config,
    yardstick,
    training: { score: training.score.slice(), pValue: training.pValue.slice() },
  });

  const options = (id: number, sent: unknown): DetectorOptions => {
    const all: DetectorOptions = server.options(id, sent);
    const { onProgress } = all;
    if (!onProgress) return all;
    let reported = 0;
    const seldom = (record: DetectorProgress) => {
      const now = Date.now();
      if (now - reported < BETWEEN_REPORTS && record.done < 1) return undefined;
      reported = now;
      return onProgress(record);
    };
    return { ...all, onProgress: seldom };
  };

  /** The detector, for a call that needs one. */
  const need = (): AnomalyDetector => {
    if (detector) return detector;
    throw new InvalidStateError("The worker has no detector yet: fit or load comes first.");
  };
  const streamOf = (number: number): DetectorStream => {
    const stream = streams.get(number);
    if (stream) return stream;
    throw new InvalidStateError("This stream has ended; begin another one.");
  };

  const special: Record<string, OwnCall> = {
    fit: async (id, rows: never, sent: unknown) => {
      detector = await AnomalyDetector.fit(rows, options(id, sent));
      return about(detector);
    },
    load: async (_, bytes: Uint8Array, runtime: object) => {
      detector = await AnomalyDetector.load(bytes, runtime);
      return about(detector);
    },
    update: async (id, rows: never, sent: unknown) => {
      const current = need(); // another call may replace the detector during the update
      await current.update(rows, options(id, sent));
      const { notes, config } = current;
      return { notes, config };
    },
    stream: (id, decision: Decision | undefined) => {
      streams.set(id, need().stream(decision));
      return id;
    },
    push: (_, stream: number, row: object) => streamOf(stream).push(row),
    end: (_, stream: number) => {
      const rows = streamOf(stream).end();
      streams.delete(stream);
      return rows;
    },
    send: (_, data: unknown) => server.keep(data),
    release: (_, number: number) => server.release(number),
  };

  server.serve({
    run: (id, call, args) => runCall(special, need, id, call, args),
    state: () => undefined,
  });
}
