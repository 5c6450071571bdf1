// The PyTorch code that the playground copies, in PyTorch itself. Needs a python3 with torch.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { pytorch } from "../../playground/src/code.ts";
import { ACTIVATIONS, DEFAULTS } from "../../playground/src/settings.ts";

const PYTHON = process.env.PYTHON ?? "/usr/bin/python3";
const hasTorch = spawnSync(PYTHON, ["-c", "import torch"]).status === 0;
if (!hasTorch) console.log(`skipped: ${PYTHON} has no torch`);

test.skipIf(!hasTorch)(
  "the PyTorch code of the playground trains models with tied weights",
  () => {
    // One process for all activations, because importing torch takes seconds.
    const programs = ACTIVATIONS.map((activation) => {
      const settings = { ...DEFAULTS, activation, noise: activation === "tanh" ? 0.2 : 0 };
      const recipe = { settings, changes: [], step: 200, columns: 64, isTable: false };
      return `${pytorch(recipe).replace("rows = ...", "rows = torch.rand(300, 1) * torch.rand(1, 64)")}
count = sum(parameter.numel() for parameter in model.parameters())
print("${activation}", count, F.mse_loss(model(rows), rows).item() < rows.var().item())
`;
    });
    const { stdout, stderr } = spawnSync(PYTHON, ["-c", programs.join("\n")], { encoding: "utf8" });
    const parameters = 64 * 32 + 32 * 2 + (32 + 2 + 64 + 32);
    expect(stderr).toBe("");
    expect(stdout).toBe(ACTIVATIONS.map((name) => `${name} ${parameters} True\n`).join(""));
  },
  120_000,
);
