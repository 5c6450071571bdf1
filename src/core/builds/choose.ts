// Which of two builds to run.

import { choice } from "../../checks.ts";
import { UnsupportedHostError } from "../../errors.ts";
import { spillsWideTiles } from "../../platform/engine.ts";
import type { HostWebAssembly } from "../../platform/webassembly.ts";
import { decodeHex } from "../hex.ts";
import type { Build } from "./carried.ts";

// The smallest module that holds a relaxed SIMD instruction, to ask the host with.
const RELAXED_PROBE =
  "0061736d01000000010401600000030201000a140112004100fd0f4100fd0f4100fd0ffd85021a0b";

export function chooseBuild(host: HostWebAssembly, simd: unknown = "auto"): Build {
  const wish = choice("simd", simd, ["auto", "baseline", "relaxed"]);
  if (wish === "baseline") return wish;
  const hasRelaxed = host.validate(decodeHex(RELAXED_PROBE));
  if (wish === "relaxed" && !hasRelaxed) {
    throw new UnsupportedHostError(
      'This runtime has no relaxed SIMD. Ask for simd "auto" or "baseline", which give the same models.',
    );
  }
  return hasRelaxed && !spillsWideTiles() ? "relaxed" : "baseline";
}
