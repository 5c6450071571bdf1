// Chooses the build to run.

import { choice } from "../../checks.ts";
import { UnsupportedHostError } from "../../errors.ts";
import { spillsWideTiles } from "../../platform/engine.ts";
import type { HostWebAssembly } from "../../platform/webassembly.ts";
import { decodeHex } from "../hex.ts";
import type { Build } from "./source.ts";

// The smallest module with a relaxed SIMD instruction. The host validates it if it supports relaxed SIMD.
const RELAXED_PROBE =
  "0061736d01000000010401600000030201000a140112004100fd0f4100fd0f4100fd0ffd85021a0b";

/**
 * The build for the option `simd`, one of the available builds `has`. The option is checked here.
 * @throws UnsupportedHostError when the option is the relaxed build, which is not available or cannot run.
 */
export function chooseBuild(
  host: HostWebAssembly,
  has: readonly Build[],
  simd: unknown = "auto",
): Build {
  const chosen = choice("simd", simd, ["auto", "baseline", "relaxed"]);
  if (chosen === "baseline") return chosen;
  const hasRelaxed = has.includes("relaxed");
  const isSlower = chosen === "auto" && spillsWideTiles();
  if (hasRelaxed && !isSlower && host.validate(decodeHex(RELAXED_PROBE))) return "relaxed";
  if (chosen === "auto") return "baseline";
  throw new UnsupportedHostError(
    hasRelaxed
      ? 'This runtime has no relaxed SIMD. Ask for simd "auto" or "baseline", which give the same models.'
      : 'For this runtime the package carries the baseline build only. Ask for simd "auto" or "baseline", or give the relaxed build as wasm.',
  );
}
