import { afterEach, describe, expect, test, vi } from "vitest";
import { type BatchInput, TiedAutoencoder } from "../../src/index.ts";
import { randomRows } from "../support/random.ts";

const x = randomRows(50, 6, 4);
const make = () => TiedAutoencoder.createSync({ layers: [6, 3], seed: 5, dropout: 0.1 });
const pieces = [0, 16, 32, 48].map((row) => x.subarray(row * 6, (row + 16) * 6));

async function* stream(items: BatchInput[] = pieces, log: string[] = []) {
  try {
    for (const [i, item] of items.entries()) {
      log.push(`piece ${i}`);
      await Promise.resolve();
      yield item;
    }
  } finally {
    log.push("closed");
  }
}

afterEach(() => vi.unstubAllGlobals());

describe("fit on a stream", () => {
  test("takes one step per piece, as on the rows in order", async () => {
    const [streamed, whole] = [make(), make()];
    const options = { epochs: 3, schedule: { type: "exponential", gamma: 0.9 } } as const;
    const { history } = await streamed.fit(() => stream(), options);
    const reference = await whole.fit(x, { ...options, batchSize: 16, shuffle: false });
    expect(history).toEqual(reference.history);
    expect(streamed.weights()).toEqual(whole.weights());
  });

  test("takes one step per piece in a program that has replaced Promise", async () => {
    // Async generators return promises of the original class.
    vi.stubGlobal("Promise", class extends Promise<unknown> {});
    const model = make();
    await model.fit(stream());
    expect(model.stepCount).toBe(4);
  });

  test("an iterable serves one epoch, and more epochs need a function", async () => {
    const model = make();
    expect((await model.fit(stream())).epoch).toEqual([0]);
    await expect(model.fit(stream(), { epochs: 2 })).rejects.toThrow(/serves one epoch, and 2 are/);
    await expect(model.fit(() => [] as BatchInput[])).rejects.toThrow(
      /at least one batch an epoch/,
    );
    await expect(model.fit((() => 3) as never)).rejects.toThrow(/must return an iterable/);
  });

  test("a function gets the number of the epoch, also in a resumed run", async () => {
    const epochs: number[] = [];
    const open = (epoch: number) => {
      epochs.push(epoch);
      return pieces;
    };
    const model = make();
    await model.fit(open, { epochs: 3, maxSteps: 6 });
    await model.fit(open, { epochs: 3, resume: true });
    expect(epochs).toEqual([0, 1, 1, 2]);
  });

  test("a piece is only requested after the step before it", async () => {
    const log: string[] = [];
    await make().fit(stream(pieces, log), { onStep: ({ batch }) => log.push(`step ${batch}`) });
    expect(log.slice(0, 4)).toEqual(["piece 0", "step 0", "piece 1", "step 1"]);
  });

  test("leaving early closes it", async () => {
    const log: string[] = [];
    await make().fit(stream(pieces, log), { maxSteps: 2 });
    expect(log).toEqual(["piece 0", "piece 1", "closed"]);
    const left: string[] = [];
    for await (const _ of make().fitSteps(stream(pieces, left))) break;
    expect(left).toEqual(["piece 0", "closed"]);
  });

  test("pieces may have a target", async () => {
    const target = x.map((value) => 1 - value);
    const [streamed, byHand] = [make(), make()];
    await streamed.fit(stream([{ x, target }, { x }]));
    byHand.trainOnBatch(x, target);
    byHand.trainOnBatch(x);
    expect(streamed.weights()).toEqual(byHand.weights());
  });

  test("an invalid piece is refused before its step, and the error has its number", async () => {
    const model = make();
    const spoilt = x.slice(0, 12);
    spoilt[8] = Number.NaN;
    const training = model.fit(stream([x, spoilt]));
    await expect(training).rejects.toThrow(/Row 1, column 2 of Batch 1 of epoch 0 is NaN/);
    expect(model.stepCount).toBe(1);
    await expect(model.fit(stream([[[1, 2]]]))).rejects.toThrow(/Row 0 of Batch 0 .* holds 2/);
    await expect(model.fit(stream([[]]))).rejects.toThrow(/must have at least one row/);
  });

  test("is closed after an error, which closing does not hide, but not after its own error", async () => {
    let closed = 0;
    const breaking = (next: () => Promise<unknown>) => ({
      [Symbol.asyncIterator]: () => ({
        next: next as () => Promise<IteratorResult<Float32Array>>,
        return() {
          closed += 1;
          throw new Error("cannot be closed");
        },
      }),
    });
    const bad = breaking(async () => ({ value: [[1, 2]], done: false }));
    await expect(make().fit(bad)).rejects.toThrow(/Row 0 of Batch 0 .* holds 2/);
    expect(closed).toBe(1);
    const broken = breaking(async () => {
      throw new Error("the line is dead");
    });
    await expect(make().fit(broken)).rejects.toThrow("the line is dead");
    expect(closed).toBe(1);
    const good = breaking(async () => ({ value: x, done: false }));
    await expect(make().fit(good, { maxSteps: 1 })).rejects.toThrow("cannot be closed");
  });

  test("resumes where it was cut, and skips the pieces before", async () => {
    const [whole, cut] = [make(), make()];
    await whole.fit(() => stream(), { epochs: 3 });
    await cut.fit(() => stream(), { epochs: 3, maxSteps: 6 });
    const resumed = await TiedAutoencoder.load(cut.save({ optimizer: true }));
    await resumed.fit(() => stream(), { epochs: 3, resume: true });
    expect(resumed.weights()).toEqual(whole.weights());
  });

  test.each(["batchSize", "shuffle", "validationSplit", "target"])("%s is refused", async (key) => {
    await expect(make().fit(stream(), { [key]: 1 })).rejects.toThrow(/has no meaning for data/);
  });
});
