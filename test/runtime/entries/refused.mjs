// For a page whose policy compiles no WebAssembly: every way to a core must say what would help.

import { TiedAutoencoder } from "tied-autoencoder";
import { createKernels } from "tied-autoencoder/kernels";
import { report } from "./report.mjs";

const calls = {
  create: () => TiedAutoencoder.create({ layers: [3, 2] }),
  "create with two threads": () => TiedAutoencoder.create({ layers: [3, 2], threads: 2 }),
  createKernels: () => createKernels(),
};

report(async () => {
  const records = [];
  for (const [name, call] of Object.entries(calls)) {
    let message = "nothing was thrown";
    try {
      await call();
    } catch (error) {
      message = `${error.name}: ${error.message}`;
    }
    const ok = /^UnsupportedHostError: .*'wasm-unsafe-eval'/.test(message);
    records.push({ name: `${name} names the policy`, ok, message });
  }
  return records;
});
