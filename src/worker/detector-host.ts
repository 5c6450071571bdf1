// The worker's side of a detector: one detector, its streams, and the calls on them as they arrive.

import type { Decision } from "../detect/calibration.ts";
import { AnomalyDetector } from "../detect/detector.ts";
import type { DetectorOptions, DetectorProgress } from "../detect/fit.ts";
import type { DetectorStream } from "../detect/stream.ts";
import { Desk, type Port } from "./desk.ts";

/** Milliseconds between two reports of progress: each is a message, and the worker waits for its answer. */
const BETWEEN_REPORTS = 50;

export function serveDetector(port: Port): void {
  let detector: AnomalyDetector | undefined;
  const desk = new Desk(port);
  const streams = new Map<number, DetectorStream>();

  /** What the page knows of the detector without asking: copies, because arrays go by transfer. */
  const about = ({ schema, notes, config, yardstick, training }: AnomalyDetector) => ({
    schema,
    notes,
    config,
    yardstick,
    training: { score: training.score.slice(), pValue: training.pValue.slice() },
  });

  const options = (id: number, sent: unknown): DetectorOptions => {
    const all: DetectorOptions = desk.options(id, sent);
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

  const special: Record<string, (id: number, ...args: never[]) => unknown> = {
    fit: async (id, rows: never, sent: unknown) => {
      detector = await AnomalyDetector.fit(rows, options(id, sent));
      return about(detector);
    },
    load: async (_, bytes: Uint8Array, runtime: object) => {
      detector = await AnomalyDetector.load(bytes, runtime);
      return about(detector);
    },
    update: async (id, rows: never, sent: unknown) => {
      await detector?.update(rows, options(id, sent));
      return { notes: detector?.notes, config: detector?.config };
    },
    stream: (id, decision: Decision | undefined) => {
      if (detector) streams.set(id, detector.stream(decision));
      return id;
    },
    push: (_, stream: number, row: object) => streams.get(stream)?.push(row),
    end: (_, stream: number) => {
      const rows = streams.get(stream)?.end() ?? [];
      streams.delete(stream);
      return rows;
    },
    send: (_, data: unknown) => desk.keep(data),
    release: (_, number: number) => desk.release(number),
  };

  const run = (id: number, call: string, args: readonly unknown[]): unknown => {
    const own = special[call];
    if (own) return own(id, ...(args as never[]));
    const methods = detector as unknown as Record<string, (...args: unknown[]) => unknown>;
    return methods[call]?.(...args);
  };

  desk.serve({ run, state: () => undefined });
}
