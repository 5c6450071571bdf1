// For programs in one file that import nothing: the <script> of a page, which may be a file:// page, and
// the program of a worker. They carry both builds.

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
