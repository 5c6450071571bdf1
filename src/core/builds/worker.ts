// For the program of a worker, which contains no build: the program that starts the worker sends one.

import { UnsupportedHostError } from "../../errors.ts";
import type { BuildSource } from "./source.ts";

export const builds: BuildSource = {
  has: ["baseline"],
  compiled: false,
  now: () => undefined,
  later() {
    throw new UnsupportedHostError(
      "A worker needs the core as wasm; tied-autoencoder/worker sends it.",
    );
  },
};
