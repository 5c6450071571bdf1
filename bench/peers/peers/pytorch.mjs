// PyTorch in a separate Python process, which answers like a timed session: eager Adam, and fused Adam where the build has it. A build with the reference BLAS is thirty times slower than a tuned one. It is labelled untuned, because its times
// are not representative of PyTorch.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { adam } from "../workloads.mjs";

const SCRIPT = fileURLToPath(new URL("pytorch.py", import.meta.url));
const ONE_THREAD = { OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" };

/** The named Pythons with different versions of torch, one for each version. */
export async function open({ pythons, images }) {
  const folder = mkdtempSync(join(tmpdir(), "peers-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const imageFile = join(folder, "images");
  writeFileSync(imageFile, images);

  const peers = new Map();
  const failures = [];
  for (const python of pythons) {
    try {
      const ask = await converse(python);
      const { version, blas, fused } = await ask({ ask: "hello" });
      for (const kind of fused ? ["eager", "fused"] : ["eager"]) {
        const label = blas === "reference BLAS" ? "untuned" : kind;
        const name = `PyTorch ${version.match(/^\d+\.\d+/)[0]} ${label}`;
        const start = (...args) => session(ask, folder, imageFile, kind === "fused", ...args);
        const does = kind === "fused" ? ["train"] : ["train", "encode"];
        if (!peers.has(name))
          peers.set(name, { name, version: `${version}, ${blas}`, does, start, takesTopK: true });
      }
    } catch (error) {
      failures.push(`${python}: ${error.message}`);
    }
  }
  if (peers.size === 0) throw new Error(failures.join("; "));
  return [...peers.values()];
}

/** Starts a Python. The returned function sends one request and returns its answer. */
async function converse(python) {
  const child = spawn(python, ["-u", SCRIPT], {
    env: { ...process.env, ...ONE_THREAD },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (text) => {
    complaints += text;
  });
  child.stdin.on("error", () => {});
  const gone = new Promise((_, reject) => {
    child.once("error", reject);
    child.once("close", () => reject(new Error(complaints.trim().split("\n").at(-1))));
  });
  gone.catch(() => {});
  process.once("exit", () => child.kill());
  const lines = createInterface({ input: child.stdout });

  return async (request) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const [line] = await Promise.race([once(lines, "line"), gone]);
    const reply = JSON.parse(line);
    if (reply.error) throw new Error(reply.error);
    return reply;
  };
}

let sessions = 0;

async function session(ask, folder, images, fused, { layers, topK }, weights, ring) {
  const id = ++sessions;
  const file = join(folder, `session-${id}`);
  const shapes = Object.entries(weights).map(([name, { shape }]) => [name, shape]);
  const request = (name, more) => ask({ ask: name, session: id, ...more });
  const floats = () => new Float32Array(new Uint8Array(readFileSync(file)).buffer);

  writeFileSync(file, Buffer.concat(Object.values(weights).map(({ data }) => bytesOf(data))));
  const rows = ring[0].length / layers[0];
  const data = { images, rows, ring: ring.length, weights: file, shapes };
  await request("start", { layers, top_k: topK ?? 0, adam, fused, ...data });

  return {
    train: (steps) => request("train", { steps }),
    encode: (calls) => request("encode", { calls }),
    async code() {
      await request("code", { file });
      return floats();
    },
    async weights() {
      await request("weights", { file });
      const flat = floats();
      let at = 0;
      return Object.fromEntries(
        Object.entries(weights).map(([name, { shape, data }]) => {
          at += data.length;
          return [name, { shape, data: flat.subarray(at - data.length, at) }];
        }),
      );
    },
    dispose: () => request("dispose"),
  };
}

function bytesOf(data) {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
