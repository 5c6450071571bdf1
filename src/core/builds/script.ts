// For a <script>, also on a file:// page: one file that imports nothing and contains both builds.

import { hex as baseline } from "../generated/baseline.ts";
import { hex as relaxed } from "../generated/relaxed.ts";
import { decodeHex } from "../hex.ts";
import type { Build, BuildSource } from "./source.ts";

const now = (build: Build) => decodeHex(build === "relaxed" ? relaxed : baseline);

export const builds: BuildSource = {
  has: ["baseline", "relaxed"],
  compiled: false,
  now,
  later: now,
};
