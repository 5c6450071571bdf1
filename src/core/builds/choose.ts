// Which of the builds to run.

import { choice } from "../../checks.ts";
import { UnsupportedHostError } from "../../errors.ts";
import { spillsWideTiles } from "../../platform/engine.ts";
import type { HostWebAssembly } from "../../platform/webassembly.ts";
import { decodeHex } from "../hex.ts";
import type { Build } from "./source.ts";

// The smallest module that holds a relaxed SIMD instruction, to ask the host with.
const RELAXED_PROBE =
  "0061736d01000000010401600000030201000a140112004100fd0f4100fd0f4100fd0ffd85021a0b";

/**
 * The build for a wish of `simd`, which is checked here, among those that there are.
 * @throws UnsupportedHostError when the wish is the relaxed build, and there is none or it cannot run.
 */
export function chooseBuild(
  host: HostWebAssembly,
  has: readonly Build[],
  simd: unknown = "auto",
): Build {
  const wish = choice("simd", simd, ["auto", "baseline", "relaxed"]);
  if (wish === "baseline") return wish;
  const hasRelaxed = has.includes("relaxed");
  const isSlower = wish === "auto" && spillsWideTiles();
  if (hasRelaxed && !isSlower && host.validate(decodeHex(RELAXED_PROBE))) return "relaxed";
  if (wish === "auto") return "baseline";
  throw new UnsupportedHostError(
    hasRelaxed
      ? 'This runtime has no relaxed SIMD. Ask for simd "auto" or "baseline", which give the same models.'
      : 'For this runtime the package carries the baseline build only. Ask for simd "auto" or "baseline", or give the relaxed build as wasm.',
  );
}
