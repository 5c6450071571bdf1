// For the <script> of a page, which may be a file:// page: one file that imports nothing and carries both builds.

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
