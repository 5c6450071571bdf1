// For the program of a worker, which carries no build: the side that starts it sends one along.

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
