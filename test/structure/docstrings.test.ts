// Everything public has a docstring, and every option states its default. `node scripts/check-docstrings.mjs` lists what is
// missing.

import { expect, test } from "vitest";
import { missingDocstrings } from "../../scripts/check-docstrings.mjs";
import { readPublicApi } from "../../scripts/public-api.mjs";

const api = readPublicApi();

test("the entries export what people use", () => {
  const names = api.flatMap(({ exports }) => exports.map(({ name }) => name));
  for (const name of ["TiedAutoencoder", "ModelConfig", "AnomalyDetector", "drawLoss"]) {
    expect(names).toContain(name);
  }
});

test("every name and member has a docstring, every option its default", () => {
  expect(missingDocstrings(api)).toEqual([]);
});

test("a missing docstring and a missing default are found", () => {
  const [entry] = structuredClone(api);
  const config = entry?.exports.find(({ name }) => name === "ModelConfig");
  const [layers, activation] = config?.members ?? [];
  if (!entry || !config || !layers || !activation) throw new Error("ModelConfig has members");
  Object.assign(layers, { doc: "" });
  Object.assign(activation, { doc: "Activation of every hidden layer." });
  expect(missingDocstrings([entry])).toEqual(
    expect.arrayContaining([
      "src/model/config.ts: ModelConfig.activation states no default",
      "src/model/config.ts: ModelConfig.layers has no docstring",
    ]),
  );
});
