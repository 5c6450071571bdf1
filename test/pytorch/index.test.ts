// The folder for PyTorch, without PyTorch: its files, and what its module has. test/long/pytorch.test.ts runs the module.

import { describe, expect, test } from "vitest";
import { TiedAutoencoder } from "../../src/index.ts";
import { encodePyTorch } from "../../src/pytorch/index.ts";
import { modulePy, supported } from "../../src/pytorch/module.ts";

test("the folder has the model as it is saved, the module and the script", async () => {
  using model = await TiedAutoencoder.create({ layers: [4, 2] });
  const files = encodePyTorch(model);
  expect(Object.keys(files)).toEqual(["model.safetensors", "tied_autoencoder.py", "train_ddp.py"]);
  expect(files["model.safetensors"]).toEqual(model.save());
  expect(files["tied_autoencoder.py"]).toBe(modulePy);
});

/** What the module does not name, because it is the case without a branch. */
const UNNAMED = ["dense"];

describe.each(Object.entries(supported))("%s", (_, names) => {
  test.each(names.filter((name) => !UNNAMED.includes(name)))("%s is in the module", (name) => {
    expect(modulePy).toContain(`"${name}"`);
  });
});
