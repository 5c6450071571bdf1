// Losses in a model's file: they are in the report, are few, and do not depend on interruptions.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LossRecord, readLosses } from "../../src/cli/losses.ts";
import { readModel } from "../../src/cli/model-file.ts";
import { runHere, temporaryFolder } from "./program.ts";

const folder = temporaryFolder();

test("report shows the losses of the training of the model", async () => {
  const lines = Array.from({ length: 90 }, (_, i) => `${i % 9},${(i % 9) * 2},${i % 5}`);
  writeFileSync(join(folder, "t.csv"), `a,b,c\n${lines.join("\n")}\n`);
  const words = ["train", "t.csv", "-o", "m.st", "--layers", "2", "-e", "5", "-q"];
  await runHere(folder, [...words, "--validation", ".2"]);
  const { note } = await readModel(join(folder, "m.st"), {});
  expect(note.losses?.epoch).toEqual([1, 2, 3, 4, 5]);
  expect(note.losses?.history.valLoss).toHaveLength(5);
  expect((await runHere(folder, ["report", "m.st", "t.csv", "-o", "r.html"])).code).toBe(0);
  const html = readFileSync(join(folder, "r.html"), "utf8");
  const section = /<h2>Training<\/h2>(.*?)<\/section>/s.exec(html)?.[1] ?? "";
  expect(section).toContain("validation");
  expect(section).toMatch(
    /After epoch 5 the mean loss was [\d.]+, and [\d.]+ on validation rows\./,
  );

  await runHere(folder, ["train", "t.csv", "-o", "m.st", "--resume", "-e", "7", "-q"]);
  const longer = await readModel(join(folder, "m.st"), {});
  expect(longer.note.losses?.epoch).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(longer.note.losses?.history.loss.slice(0, 5)).toEqual(note.losses?.history.loss);
});

const epochs = (record: LossRecord, from: number, to: number) => {
  for (let epoch = from; epoch < to; epoch++) {
    record.add({ epoch, loss: 1 / (epoch + 3), valLoss: 2 / (epoch + 3) });
  }
};

test("a long run keeps few epochs, always the last one, and the same ones after an interruption", () => {
  const whole = new LossRecord();
  epochs(whole, 0, 3001);
  const kept = whole.history;
  expect(kept?.epoch.length).toBeLessThanOrEqual(257);
  expect(kept?.epoch.length).toBeGreaterThan(128);
  expect(kept?.epoch.at(-1)).toBe(3001);
  expect(kept?.history.loss.at(-1)).toBe(0.000333);

  const first = new LossRecord();
  epochs(first, 0, 777);
  const second = new LossRecord(readLosses(JSON.parse(JSON.stringify(first.history))));
  epochs(second, 777, 3001);
  expect(second.history).toEqual(kept);
});

test("there are none before the first epoch, and none in a value that is not a history", () => {
  expect(new LossRecord().history).toBeUndefined();
  const bad = [
    undefined,
    7,
    [],
    { epoch: [1] },
    { epoch: [1], history: null },
    { epoch: [1], history: { loss: ["0.1"] } },
    { epoch: [1], history: { loss: [null] } },
    { epoch: [1, 2], history: { loss: [0.1] } },
    { epoch: Array(9999).fill(1), history: { loss: Array(9999).fill(1) } },
  ];
  for (const value of bad) expect(readLosses(value), JSON.stringify(value)).toBeUndefined();
  const one = { epoch: [1], history: { loss: [0.1], valLoss: [0.1, 0.2] } };
  expect(readLosses(one)).toEqual({ epoch: [1], history: { loss: [0.1] } });
});
