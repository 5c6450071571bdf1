// "Copy as code": the same training as a program, a command line and PyTorch.

import { BETA, type Change, kept, type Settings } from "./settings.ts";

export interface Recipe {
  /** The settings at step 0. Later changes are in `changes`. */
  readonly settings: Settings;
  readonly changes: readonly Change[];
  readonly step: number;
  readonly columns: number;
  readonly isTable: boolean;
}

function layersOf({ settings: { hidden, code }, columns }: Recipe): number[] {
  return hidden > 0 ? [columns, hidden, code] : [columns, code];
}

/** A program for Node. On the digits its final weights are those of the page. */
export function javascript(recipe: Recipe): string {
  const { settings, isTable } = recipe;
  const { activation, optimizer, learningRate, seed } = settings;
  return `import { TiedAutoencoder } from "tied-autoencoder";
${source(recipe)}
const model = await TiedAutoencoder.create({
  layers: [${layersOf(recipe).join(", ")}],
  activation: "${activation === "gelu" ? "geluTanh" : activation}",${codeLine(settings)}
  optimizer: { type: "${optimizer}", learningRate: ${learningRate} },${isTable ? '\n  scaler: "standard",' : ""}
  seed: ${seed},
  simd: "baseline", // the same bits on every engine
});
${runs(recipe)}
console.log(model.stepCount, model.evaluate(x));
`;
}

function codeLine({ family, code }: Settings): string {
  if (family === "topK") return `\n  code: { type: "topK", k: ${kept(code)} },`;
  return family === "variational" ? `\n  code: { type: "gaussian", beta: ${BETA} },` : "";
}

function source({ settings, columns }: Recipe): string {
  if (settings.data !== "digits") {
    return `
const x = await yourRows(); // [rows, ${columns}]: a Float32Array, or an array of rows
`;
  }
  return `import { digits } from "tied-autoencoder/digits";

const { data } = digits();
const count = data.length / 64;
const rows = Array.from({ length: count }, (_, i) => data.subarray(64 * i, 64 * i + 64));
const x = rows.filter((_, i) => i % 10 !== 9); // one row in ten is held out
`;
}

/** Training in the pieces between changes. */
function runs({ settings, changes, step }: Recipe): string {
  const { batchSize } = settings;
  const lines: string[] = [];
  let noise = settings.noise;
  let from = 0;
  const run = (to: number) => {
    if (to <= from) return;
    const options = [
      `epochs: 1e9`,
      `batchSize: ${batchSize}`,
      `maxSteps: ${to - from}`,
      ...(noise > 0 ? [`corruption: { type: "gaussian", std: ${noise} }`] : []),
      ...(from > 0 ? ["resume: true"] : []),
    ];
    lines.push(`await model.fit(x, { ${options.join(", ")} });`);
    from = to;
  };
  for (const change of [...changes].sort((a, b) => a.step - b.step)) {
    if (change.step >= step) break;
    run(change.step);
    if (change.key === "noise") noise = change.value;
    else lines.push(`model.learningRate = ${change.value};`);
  }
  run(step);
  return lines.join("\n");
}

/** The command line. A comment says what its options cannot express. */
export function commandLine(recipe: Recipe): string {
  const { settings, columns, isTable } = recipe;
  const scale = settings.data === "digits" ? "0:16" : isTable ? "standard" : "none";
  const noise = settings.noise > 0 ? ` --noise gaussian:std=${settings.noise}` : "";
  const data =
    settings.data === "digits" ? "examples/data/optdigits.csv --columns '!label'" : "data.csv";
  const epochs = Math.max(1, Math.round((recipe.step * settings.batchSize) / 1600));
  const code = codeOption(settings);
  return `# About the same training: the command line counts epochs, not steps.
npx tied-autoencoder train ${data} \\
  --layers ${layersOf(recipe).join(",")}${code} \\
  --activation ${settings.activation === "gelu" ? "geluTanh" : settings.activation} \\
  --optimizer ${settings.optimizer} --learning-rate ${settings.learningRate} \\
  --batch-size ${settings.batchSize} --epochs ${epochs} --seed ${settings.seed} \\
  --scale ${scale}${noise} \\
  -o model.safetensors
npx tied-autoencoder score model.safetensors ${data} # ${columns} columns in, one error a row out
`;
}

function codeOption({ family, code }: Settings): string {
  if (family === "topK") return ` --code topK:k=${kept(code)}`;
  return family === "variational" ? ` --code gaussian:beta=${BETA}` : "";
}

/** PyTorch: the same network and optimizer, one parameter used twice. */
export function pytorch(recipe: Recipe): string {
  const { settings } = recipe;
  if (settings.family !== "dense") {
    return `# A ${settings.family === "topK" ? "top-k" : "variational"} code in PyTorch is more than a few lines. Save the model and let the package write
# the module, its weights and a script that trains it:
npx tied-autoencoder export model.safetensors --format pytorch --output pytorch/
`;
  }
  const sizes = layersOf(recipe);
  const functions: Record<string, string> = {
    tanh: "torch.tanh",
    relu: "F.relu",
    gelu: 'partial(F.gelu, approximate="tanh")',
    sigmoid: "torch.sigmoid",
    linear: "lambda x: x",
  };
  const optimizer = settings.optimizer === "adam" ? "Adam" : "SGD";
  const noisy =
    settings.noise > 0 ? `batch + ${settings.noise} * torch.randn_like(batch)` : "batch";
  return `import torch
import torch.nn.functional as F
${settings.activation === "gelu" ? "from functools import partial\n" : ""}from torch import nn

sizes = [${sizes.join(", ")}]
f = ${functions[settings.activation]}


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.decoder_bias = nn.ParameterList(nn.Parameter(torch.zeros(a)) for a in sizes[:-1])

    def forward(self, x):
        for layer in self.encoder:
            x = f(layer(x))
        for i in reversed(range(len(self.encoder))):
            x = F.linear(x, self.encoder[i].weight.t(), self.decoder_bias[i])  # the same weight, transposed
            x = f(x) if i > 0 else x
        return x


torch.manual_seed(${settings.seed})
model = Tied()
optimizer = torch.optim.${optimizer}(model.parameters(), lr=${settings.learningRate})
rows = ...  # a float32 tensor [rows, ${sizes[0]}]
for step in range(${recipe.step}):
    batch = rows[torch.randint(len(rows), (${settings.batchSize},))]
    loss = F.mse_loss(model(${noisy}), batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
`;
}
