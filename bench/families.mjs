// Compares a training step of top-k models with the dense step of the same size, in one run with interleaved steps, so that
// other work on the machine slows both.
//
//   npm run bench:families [-- --threads N] [--rounds N] [--simd baseline]     after npm run build
//
// Where python3 has torch, it also times PyTorch's dense step of the same model.

import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { TiedAutoencoder } from "tied-autoencoder";
import { describeHost } from "./support/host.mjs";
import { quantile } from "./support/rounds.mjs";

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: "1" },
    rounds: { type: "string", default: "12" },
    simd: { type: "string", default: "auto" },
  },
});
const [WIDTH, UNITS, K, BATCH] = [768, 6144, 32, 256];
const threads = Number(values.threads);
const rounds = Number(values.rounds);

/** Normal-like rows, seeded; embeddings of sentences look like this to the kernels. */
function rows(count) {
  let state = 7;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length: count * WIDTH }, () => random() + random() + random() - 1.5);
}

const batches = Array.from({ length: 4 }, (_, i) =>
  rows(4 * BATCH).subarray(i * BATCH * WIDTH, (i + 1) * BATCH * WIDTH),
);
const layers = [WIDTH, UNITS];
const { simd } = values;
const models = {
  dense: {},
  topK: { code: { type: "topK", k: K } },
  batchTopK: { code: { type: "batchTopK", k: K } },
  "topK, centered, auxiliary": {
    code: { type: "topK", k: K, centered: true, auxiliary: { k: 256, deadAfter: 100_000 } },
    constraint: "unitNorm",
  },
};

const made = [];
for (const [name, config] of Object.entries(models)) {
  const model = await TiedAutoencoder.create({ layers, threads, simd, ...config });
  made.push({ name, model, times: [], encodes: [] });
}
for (let round = 0; round < rounds + 2; round++) {
  for (const { model, times, encodes } of made) {
    const batch = batches[round % batches.length];
    const start = performance.now();
    model.trainOnBatch(batch);
    const middle = performance.now();
    model.encode(batch);
    if (round < 2) continue; // compilers and workspaces
    times.push(middle - start);
    encodes.push(performance.now() - middle);
  }
}

console.log(describeHost());
console.log(
  `${WIDTH}-${UNITS}, k ${K}, batch ${BATCH}, adam, ${threads} thread(s), ${made[0].model.build} build`,
);
const [dense] = made;
for (const { name, times, encodes } of made) {
  // Ratios within rounds, because the two steps of a round ran under the same conditions.
  const ratios = times.map((time, i) => dense.times[i] / time);
  const cells = [quantile(times, 0.5), quantile(times, 0), quantile(encodes, 0.5)];
  const text = cells.map((ms) => ms.toFixed(1).padStart(8)).join("");
  console.log(
    `${name.padEnd(28)}${text} ms (step, least, encode)  ${quantile(ratios, 0.5).toFixed(2)} x dense`,
  );
}
for (const { model } of made) model.dispose();

const torch = `
import time, torch
torch.set_num_threads(${threads})
W = torch.nn.Parameter(torch.randn(${UNITS}, ${WIDTH}) / 28)
b, c = torch.nn.Parameter(torch.zeros(${UNITS})), torch.nn.Parameter(torch.zeros(${WIDTH}))
optimizer = torch.optim.Adam([W, b, c])
times = []
for i in range(${rounds + 2}):
    x = torch.randn(${BATCH}, ${WIDTH})
    start = time.perf_counter()
    h = torch.relu(x @ W.t() + b)
    top = torch.topk(h, ${K})
    code = torch.zeros_like(h).scatter(1, top.indices, top.values)
    loss = ((code @ W + c - x) ** 2).mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    times.append(1000 * (time.perf_counter() - start))
times = sorted(times[2:])
print(f"PyTorch {torch.__version__}, dense products    {times[len(times) // 2]:8.1f}{times[0]:8.1f} ms (step, least)")
`;
const python = process.env.PYTHON ?? "python3";
const run = spawnSync(python, ["-c", torch]);
if (run.status === 0) process.stdout.write(run.stdout);
else console.log(`PyTorch is left out: ${python} has no torch.`);
