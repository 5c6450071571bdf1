// The detector in a worker, through the built package: because the build adds its program.

import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { AnomalyDetector as Local } from "../../src/detect.ts";
import type * as entry from "../../src/worker.ts";
import { faultyRows, plant, quick } from "../detect/support/plant.ts";

const built = new URL("../../dist/worker.js", import.meta.url).href;
const { AnomalyDetector, DisposedError, FormatError, InvalidStateError, InvalidValueError } =
  (await import(/* @vite-ignore */ built)) as typeof entry;

const options = { ...quick, simd: "baseline" } as const;
const normal = plant(200, 1);
const rows = [...plant(30, 2), ...faultyRows(10, 3).rows];

describe("the detector in a worker", () => {
  it("has every call of the detector", () => {
    const calls = (prototype: object) => Object.getOwnPropertyNames(prototype).sort();
    expect(calls(AnomalyDetector.prototype)).toEqual(
      [...calls(Local.prototype), "send", "training"].sort(),
    );
  });

  it("gives the results of the detector in this thread", async () => {
    using local = await Local.fit(normal, { ...options, yardstick: true });
    using remote = await AnomalyDetector.fit(normal, { ...options, yardstick: true });
    expect(remote.training).toEqual(local.training);
    expect(remote.schema).toEqual(local.schema);
    expect(remote.notes).toEqual(local.notes);
    expect(remote.config).toEqual(local.config);
    expect(await remote.report(rows)).toBe(local.report(rows));
    await expect(remote.events(rows)).rejects.toThrow(InvalidStateError);
    expect(remote.yardstick).toEqual(local.yardstick);
    expect(await remote.score(rows)).toEqual(local.score(rows));
    expect(await remote.pValues(rows)).toEqual(local.pValues(rows));
    expect(await remote.detect(rows, { alpha: 0.05 })).toEqual(local.detect(rows, { alpha: 0.05 }));
    expect(await remote.detectTraining({ alpha: 0.05 })).toEqual(
      local.detectTraining({ alpha: 0.05 }),
    );
    expect(await remote.explain(rows.slice(38))).toEqual(local.explain(rows.slice(38)));
    const labels = rows.map((_, i) => i >= 30);
    expect(await remote.evaluate(rows, labels)).toEqual(local.evaluate(rows, labels));
    const [here, there] = [local.stream({ pot: 0.01 }), await remote.stream({ pot: 0.01 })];
    for (const row of rows.slice(0, 5)) expect(await there.push(row)).toEqual(here.push(row));
    expect(await there.end()).toEqual(here.end());
    expect(await remote.drift()).toEqual(local.drift());
    await Promise.all([remote.update(plant(50, 4)), local.update(plant(50, 4))]);
    expect(await remote.save()).toEqual(local.save());
    // The answer is a copy: the worker still has its own array.
    expect(remote.training).toEqual(local.training);
  });

  it("keeps rows that were sent once, and is loaded from a file", async () => {
    using remote = await AnomalyDetector.fit(
      { columns: { a: normal.map(([a]) => a), b: normal.map(([, b]) => b) } },
      options,
    );
    const columns = { a: [0, 9], b: [0, -9] };
    const sent = await remote.send({ columns });
    const scores = await remote.score(sent);
    expect(scores).toEqual(await remote.score({ columns }));
    expect(await remote.score(sent)).toEqual(scores);
    await sent.release();
    await expect(remote.score(sent)).rejects.toThrow(InvalidStateError);
    using loaded = await AnomalyDetector.load(new Blob([await remote.save()]), {
      simd: "baseline",
    });
    expect(await loaded.score({ columns })).toEqual(scores);
    await expect(AnomalyDetector.load(new Uint8Array(9))).rejects.toThrow(FormatError);
  });

  it("calls callbacks, and can be aborted", async () => {
    const shares: number[] = [];
    const epochs: number[] = [];
    using remote = await AnomalyDetector.fit(normal, {
      ...options,
      onProgress: ({ done }) => shares.push(done),
      onEpoch: ({ model }) => epochs.push(model),
    });
    expect(shares.at(-1)).toBe(1);
    expect(new Set(epochs)).toEqual(new Set([0, 1, 2]));
    const controller = new AbortController();
    const reason = new Error("enough");
    const fitting = AnomalyDetector.fit(normal, {
      ...options,
      model: { models: 3, steps: 20_000 },
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(fitting).rejects.toBe(reason);
    await expect(remote.update(plant(20, 5), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    expect(await remote.score(rows)).toHaveLength(40);
  });

  it("has the errors of this thread", async () => {
    using remote = await AnomalyDetector.fit(normal, options);
    await expect(remote.detect(rows, { alpha: 0.001 })).rejects.toThrow(InvalidValueError);
    await expect(remote.stream({ fdr: 0.1 })).rejects.toThrow("a stream judges each row by itself");
    await expect(AnomalyDetector.fit([[1]], options)).rejects.toThrow("at least 5 rows");
    remote.dispose();
    await expect(remote.score(rows)).rejects.toThrow(DisposedError);
  });

  it("runs in a worker of the caller's", async () => {
    const createWorker = () =>
      new Worker(new URL("../../dist/detector-script.js", import.meta.url));
    using remote = await AnomalyDetector.fit(normal, options, { createWorker });
    expect(await remote.score(rows)).toHaveLength(40);
  });
});
