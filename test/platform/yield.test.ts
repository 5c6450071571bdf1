import { afterEach, expect, test, vi } from "vitest";
import { TiedAutoencoder } from "../../src/index.ts";
import { randomRows } from "../support/random.ts";

afterEach(() => vi.useRealTimers());

test("a run ends under fake timers and with a clock that stands still", async () => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "setInterval", "setImmediate", "Date", "performance", "queueMicrotask"],
  });
  using model = TiedAutoencoder.createSync({ layers: [8, 3] });
  // Many turns: one after 256 pieces of work, where the clock stands still.
  await model.fit(randomRows(256, 8, 1), { epochs: 100, batchSize: 16 });
  expect(model.stepCount).toBe(1600);
});
