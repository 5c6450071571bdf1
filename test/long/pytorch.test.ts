// What `export --format pytorch` writes, in PyTorch itself: every activation's outputs, training on two gloo
// processes beside training here, and files that go there and back. Needs a python3 with torch and numpy.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Activation } from "../../assembly/ops.ts";
import { encodeNpy } from "../../src/formats/npy.ts";
import {
  type ActivationSpec,
  fromStateDict,
  type ModelConfig,
  TiedAutoencoder,
} from "../../src/index.ts";
import { encodePyTorch } from "../../src/pytorch/index.ts";
import { relativeDistance } from "../support/distance.ts";
import { randomRows } from "../support/random.ts";

const PYTHON = process.env.PYTHON ?? "/usr/bin/python3";
const hasTorch = spawnSync(PYTHON, ["-c", "import torch, numpy, torch.distributed"]).status === 0;
if (!hasTorch) console.log(`skipped: ${PYTHON} has no torch with numpy`);

const WIDTH = 9;
const folder = mkdtempSync(join(tmpdir(), "tied-autoencoder-pytorch-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(model: TiedAutoencoder): void {
  for (const [name, content] of Object.entries(encodePyTorch(model))) {
    writeFileSync(join(folder, name), content);
  }
}

/** Runs python in the folder, with what it prints as the result. */
function python(args: string[], input = "", environment = {}): Promise<string> {
  const env = { ...process.env, OMP_NUM_THREADS: "1", ...environment };
  const child = spawn(PYTHON, args, { cwd: folder, env });
  let [printed, errors] = ["", ""];
  child.stdout.on("data", (text) => (printed += text));
  child.stderr.on("data", (text) => (errors += text));
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(printed) : reject(new Error(errors))));
  });
}

/** What torchrun does on one machine; Debian's, of 1.13, does not run under its own python 3.11+. */
async function onTwoProcesses(args: string[]): Promise<string> {
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
  const processes = ["0", "1"].map((rank) => {
    const place = { RANK: rank, LOCAL_RANK: rank, WORLD_SIZE: "2" };
    const main = { MASTER_ADDR: "127.0.0.1", MASTER_PORT: String(port) };
    return python(args, "", { ...place, ...main });
  });
  return (await Promise.all(processes)).join("");
}

const data = (rows: number) => randomRows(rows, WIDTH, 3);

/** Far from 0 and with different ranges, optionally with missing values. */
function tableData(rows: number, holes: boolean): Float32Array {
  return data(rows).map((value, i) =>
    holes && i % 13 === 5 ? Number.NaN : 50 + (1 + (i % WIDTH)) * value,
  );
}

const saveNpy = (name: string, x: Float32Array) =>
  writeFileSync(join(folder, name), encodeNpy({ shape: [x.length / WIDTH, WIDTH], data: x }));

const names = Object.keys(Activation).filter((key) => Number.isNaN(Number(key)));
const specs = [...names, { type: "leakyRelu", slope: 0.3 }, { type: "elu", alpha: 0.4 }];

describe.skipIf(!hasTorch)("the exported module", () => {
  const models = specs.map((spec) =>
    TiedAutoencoder.createSync({
      layers: [WIDTH, 6, 4],
      activation: spec as ActivationSpec,
      outputActivation: spec as ActivationSpec,
      decoderBias: spec !== "tanh",
      l1: 1e-3,
      l2: 1e-2,
    }),
  );
  const x = data(20);
  let results: [code: number[], reconstruction: number[], loss: number][];

  beforeAll(async () => {
    models.forEach((model, i) => {
      write(model);
      writeFileSync(join(folder, `${i}.safetensors`), model.save());
    });
    saveNpy("x.npy", x);
    const printed = await python(
      ["-"],
      `
import json, numpy, torch
from tied_autoencoder import TiedAutoencoder
x = torch.from_numpy(numpy.load("x.npy"))
results = []
for i in range(${models.length}):
    model = TiedAutoencoder.load(f"{i}.safetensors")
    model.save(f"{i}-again.safetensors")
    with torch.no_grad():
        outputs = model.encode(x), model(x)
        results.append([y.flatten().tolist() for y in outputs] + [model.loss(x).item()])
print(json.dumps(results))
`,
    );
    results = JSON.parse(printed);
  }, 120_000);

  test.each(specs.map((spec, i) => [JSON.stringify(spec), i] as const))(
    "%s: codes, reconstructions and loss within 2e-6, the file the same after a round trip",
    async (_, i) => {
      const model = models[i]!;
      const [code, reconstruction, loss] = results[i]!;
      expect(relativeDistance(model.encode(x), code)).toBeLessThan(2e-6);
      expect(relativeDistance(model.reconstruct(x), reconstruction)).toBeLessThan(2e-6);
      expect(relativeDistance([model.accumulateGradients(x)], [loss])).toBeLessThan(2e-6);
      const again = await TiedAutoencoder.load(
        readFileSync(join(folder, `${i}-again.safetensors`)),
      );
      expect(again.config).toEqual(model.config);
      expect(again.weights()).toEqual(model.weights());
    },
  );
});

const configs: [string, Omit<ModelConfig, "layers">][] = [
  [
    "adam, clipped, standard scaler",
    { optimizer: { type: "adam", clipNorm: 0.2 }, scaler: "standard" },
  ],
  [
    "adamw, bce, penalties",
    {
      activation: "tanh",
      outputActivation: "sigmoid",
      loss: "bce",
      optimizer: { type: "adamw", learningRate: 0.01 },
      l1: 1e-4,
      l2: 1e-3,
    },
  ],
  [
    "rmsprop, huber, minMax, missing mean",
    {
      activation: "gelu",
      loss: { type: "huber", delta: 0.2 },
      optimizer: { type: "rmsprop", centered: true, momentum: 0.5 },
      scaler: "minMax",
      missing: "mean",
    },
  ],
  [
    "adagrad, smoothL1, no biases, missing masked",
    {
      activation: "silu",
      bias: false,
      decoderBias: false,
      loss: { type: "smoothL1", beta: 0.5 },
      optimizer: { type: "adagrad", learningRate: 0.01, weightDecay: 1e-3 },
      scaler: "standard",
      missing: "mask",
    },
  ],
  [
    "sgd with nesterov, mse",
    {
      activation: "selu",
      optimizer: { type: "sgd", learningRate: 0.1, momentum: 0.9, nesterov: true },
    },
  ],
];

describe.skipIf(!hasTorch)("train_ddp.py on two gloo processes", () => {
  // 61 rows in batches of 12: shares of 6 and 6, and of 1 and none in the last.
  const ROWS = 61;
  test.each(configs)("%s: as here within 1e-4 after 18 steps", async (what, config) => {
    const model = TiedAutoencoder.createSync({ layers: [WIDTH, 6, 4], ...config });
    write(model);
    const holes = model.config.missing !== "error";
    const x = config.scaler || holes ? tableData(ROWS, holes) : data(ROWS);
    saveNpy("x.npy", x);
    const printed = await onTwoProcesses([
      ...["train_ddp.py", "model.safetensors", "x.npy", "--out", "trained.safetensors"],
      ...["--epochs", "3", "--batch-size", "12", "--no-shuffle"],
    ]);
    const { history } = await model.fit(x, { epochs: 3, batchSize: 12, shuffle: false });
    const losses = [...printed.matchAll(/loss (\S+)/g)].map(([, loss]) => Number(loss));
    expect(relativeDistance(losses, history.loss)).toBeLessThan(1e-4);

    const trained = await TiedAutoencoder.load(readFileSync(join(folder, "trained.safetensors")));
    expect(trained.config).toEqual(model.config);
    const theirs = trained.weights();
    const apart = Object.entries(model.weights()).map(([name, { data: ours }]) =>
      relativeDistance(theirs[name]!.data, ours),
    );
    console.log(`${what}: weights are ${Math.max(...apart).toExponential(1)} apart`);
    expect(Math.max(...apart)).toBeLessThan(1e-4);
    expect(relativeDistance(trained.reconstruct(x), model.reconstruct(x))).toBeLessThan(1e-4);
  });

  test("a .csv with names and a missing cell, plain python, shuffled: it learns", async () => {
    const model = TiedAutoencoder.createSync({
      layers: [WIDTH, 6],
      scaler: "standard",
      missing: "mean",
      optimizer: { type: "adam", learningRate: 0.01 },
    });
    write(model);
    const x = tableData(100, false);
    const rows = Array.from({ length: 100 }, (_, r) => [...x.subarray(r * WIDTH, (r + 1) * WIDTH)]);
    const lines = [rows[0]!.map((_, j) => `c${j}`), ...rows].map((row) => row.join(","));
    lines[5] = lines[5]!.replace(/^[^,]+/, "");
    writeFileSync(join(folder, "x.csv"), `${lines.join("\n")}\n`);
    const printed = await python(["train_ddp.py", "model.safetensors", "x.csv", "--epochs", "20"]);
    const losses = [...printed.matchAll(/loss (\S+)/g)].map(([, loss]) => Number(loss));
    expect(losses.length).toBe(20);
    expect(losses[19]).toBeLessThan(losses[0]! * 0.8);
    const trained = await TiedAutoencoder.load(readFileSync(join(folder, "trained.safetensors")));
    x[4 * WIDTH] = Number.NaN;
    expect(trained.evaluate(x)).toBeLessThan(losses[19]! * 1.1);
  });
});

/** Terms that only depend on single rows: any number of processes gives the same result. */
const ofRows: [string, Partial<ModelConfig>][] = [
  ["topK", { layers: [WIDTH, 14], code: { type: "topK", k: 3 } }],
  [
    "topK of two layers, centered, unit norm",
    {
      layers: [WIDTH, 7, 12],
      code: { type: "topK", k: 3, centered: true },
      constraint: "unitNorm",
    },
  ],
  [
    "contraction and code l1, max norm",
    {
      activation: "tanh",
      penalties: [
        { type: "contraction", weight: 0.1 },
        { type: "codeL1", weight: 0.01 },
      ],
      constraint: { type: "maxNorm", max: 0.7 },
    },
  ],
  [
    "contraction of elu, orthogonality, non-negative",
    {
      activation: { type: "elu", alpha: 0.6 },
      penalties: [
        { type: "contraction", weight: 0.1 },
        { type: "orthogonality", weight: 0.05 },
        { type: "l2", weight: 0.01 },
      ],
      constraint: "nonNegative",
    },
  ],
];
/** Terms that depend on a batch: each process only sees its share. */
const auxiliary = { k: 3, weight: 0.5, deadAfter: 12 };
const ofBatches: [string, Partial<ModelConfig>][] = [
  ["topK, auxiliary", { layers: [WIDTH, 14], code: { type: "topK", k: 2, auxiliary } }],
  [
    "batchTopK, centered, auxiliary, masked",
    {
      layers: [WIDTH, 7, 14],
      code: { type: "batchTopK", k: 2, centered: true, auxiliary },
      missing: "mask",
      scaler: "standard",
    },
  ],
  [
    "KL sparsity of tanh",
    { activation: "tanh", penalties: [{ type: "klSparsity", rho: 0.2, weight: 0.1 }] },
  ],
];

describe.skipIf(!hasTorch)("families in train_ddp.py", () => {
  const ROWS = 61;
  const cases = [
    ...ofRows.map(([what, config]) => [what, config, 2] as const),
    ...ofBatches.map(([what, config]) => [what, config, 1] as const),
  ];

  test.each(cases)("%s: as here within 1e-4 after 18 steps", async (_, config, processes) => {
    const model = TiedAutoencoder.createSync({
      layers: [WIDTH, 6, 4],
      optimizer: { type: "adam", learningRate: 1e-3, clipNorm: 0.5 },
      ...config,
    });
    write(model);
    const x = config.scaler ? tableData(ROWS, config.missing !== undefined) : data(ROWS);
    saveNpy("x.npy", x);
    const args = [
      ...["train_ddp.py", "model.safetensors", "x.npy", "--out", "trained.safetensors"],
      ...["--epochs", "3", "--batch-size", "12", "--no-shuffle"],
    ];
    const printed = await (processes === 2 ? onTwoProcesses(args) : python(args));
    const { history } = await model.fit(x, { epochs: 3, batchSize: 12, shuffle: false });
    const losses = [...printed.matchAll(/loss (\S+)/g)].map(([, loss]) => Number(loss));
    const trained = await TiedAutoencoder.load(readFileSync(join(folder, "trained.safetensors")));
    expect(trained.config).toEqual(model.config);
    const theirs = trained.weights();
    for (const [name, { data: ours }] of Object.entries(model.weights())) {
      expect(relativeDistance(theirs[name]!.data, ours), name).toBeLessThan(1e-4);
    }
    expect(relativeDistance(trained.encode(x), model.encode(x))).toBeLessThan(1e-3);
    // A masked run weighs its batches by rows there, and by values here.
    if (config.missing === undefined) {
      expect(relativeDistance(losses, history.loss)).toBeLessThan(1e-4);
    }
    if (model.config.code !== "dense") expect(trained.deadUnits()).toEqual(model.deadUnits());
  });

  test("gaussian: learns on two processes, and comes back with both heads", async () => {
    const model = TiedAutoencoder.createSync({
      layers: [WIDTH, 6, 3],
      activation: "tanh",
      code: { type: "gaussian", beta: 0.01 },
      optimizer: { type: "adam", learningRate: 0.01 },
    });
    write(model);
    const x = data(200);
    saveNpy("x.npy", x);
    await onTwoProcesses([
      ...["train_ddp.py", "model.safetensors", "x.npy", "--out", "trained.safetensors"],
      ...["--epochs", "20"],
    ]);
    const trained = await TiedAutoencoder.load(readFileSync(join(folder, "trained.safetensors")));
    expect(trained.evaluate(x)).toBeLessThan(model.evaluate(x) * 0.8);
    const printed = await python(
      ["-"],
      `
import json, numpy, torch
from tied_autoencoder import TiedAutoencoder
model = TiedAutoencoder.load("trained.safetensors")
with torch.no_grad():
    heads = model.encode_distribution(torch.from_numpy(numpy.load("x.npy")))
again = TiedAutoencoder(model.config)
again.load_state_dict(model.state_dict())
print(json.dumps([head.flatten().tolist() for head in heads]))
`,
    );
    const [mean, logVariance] = JSON.parse(printed);
    const ours = trained.encodeDistribution(x);
    expect(relativeDistance(ours.mean, mean)).toBeLessThan(2e-6);
    expect(relativeDistance(ours.logVariance, logVariance)).toBeLessThan(2e-6);
  });
});

describe.skipIf(!hasTorch)("fromStateDict", () => {
  /** A module of PyTorch's usual shapes, tied by hand; `untie` adds a separate decoder. */
  const script = (untie: boolean) => `
import json, torch
import torch.nn.functional as F
from torch import nn
from tied_autoencoder import write_safetensors

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(9, 6), nn.Tanh(), nn.Linear(6, 4), nn.Tanh())
        self.decoder_bias = nn.ParameterList([nn.Parameter(torch.randn(6)), nn.Parameter(torch.randn(9))])
        ${untie ? "self.decoder = nn.Sequential(nn.Linear(4, 6, bias=False), nn.Tanh(), nn.Linear(6, 9, bias=False))" : ""}

    def forward(self, x):
        h = self.encoder(x)
        h = torch.tanh(F.linear(h, self.encoder[2].weight.t(), self.decoder_bias[0]))
        return F.linear(h, self.encoder[0].weight.t(), self.decoder_bias[1])

torch.manual_seed(1)
model = Model()
x = torch.rand(5, 9)
write_safetensors("theirs.safetensors", model.state_dict(), {"format": "pt"})
with torch.no_grad():
    print(json.dumps([x.flatten().tolist(), model(x).flatten().tolist()]))
`;
  const read = (map?: Record<string, string>) =>
    fromStateDict(readFileSync(join(folder, "theirs.safetensors")), {
      config: { activation: "tanh" },
      ...(map ? { map } : {}),
    });

  test("the outputs of a manually tied module agree within 2e-6", async () => {
    write(TiedAutoencoder.createSync({ layers: [WIDTH, 4] }));
    const [x, expected] = JSON.parse(await python(["-"], script(false)));
    const model = await read();
    expect(model.config.layers).toEqual([9, 6, 4]);
    expect(relativeDistance(model.reconstruct(new Float32Array(x)), expected)).toBeLessThan(2e-6);
  });

  test("a module with a separate decoder is refused, with the largest difference", async () => {
    write(TiedAutoencoder.createSync({ layers: [WIDTH, 4] }));
    await python(["-"], script(true));
    const map = {
      "encoder.0.weight": "encoder.0.weight",
      "encoder.1.weight": "encoder.2.weight",
      "decoder.0.weight": "decoder.2.weight",
      "decoder.1.weight": "decoder.0.weight",
    };
    await expect(read(map)).rejects.toThrow(/not tied: "decoder.2.weight".*up to \d\.\d+ apart/);
  });
});
