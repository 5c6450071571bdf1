// Names of options in messages: what a name alone lacks is said with the form to write.

import { expect, test } from "vitest";
import { type ModelConfig, TiedAutoencoder } from "../src/index.ts";

const made = (config: object) => () =>
  TiedAutoencoder.createSync({ layers: [4, 2], ...config } as ModelConfig);

test.each([
  [{ code: "topK" }, 'code "topK" needs k: give { type: "topK", k: … } instead of the name alone.'],
  [{ loss: "mixed" }, 'loss "mixed" needs categories: give { type: "mixed", categories: … }'],
  [
    { penalties: ["klSparsity"] },
    'penalties[0] "klSparsity" needs rho and weight: give { type: "klSparsity", rho: …, weight: … }',
  ],
  [{ constraint: "maxNorm" }, 'constraint "maxNorm" needs max'],
  [{ scaler: "range" }, 'scaler "range" needs min and max'],
])("%o by name alone lacks an option", (config, message) => {
  expect(made(config)).toThrow(message);
});

test("a name alone is enough where every option has a default", () => {
  using model = made({ loss: "huber", code: "gaussian" })();
  expect(model.config.loss).toMatchObject({ type: "huber" });
});

test("a wrong value is reported with the name of its option", () => {
  expect(made({ code: { type: "topK" } })).toThrow("code.k must be a number; got undefined");
});
