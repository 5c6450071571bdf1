// Detectors in files: the safetensors format of the library, with a note of the command line in the metadata. The note has
// the decision that flagged the rows, so that later rows are flagged by the same decision.

import { decisionNames } from "../../detect/calibration.ts";
import { AnomalyDetector, type Decision } from "../../detect.ts";
import { decodeSafetensors } from "../../formats/safetensors.ts";
import type { RuntimeOptions } from "../../make.ts";
import { NOTE, notRead, readBytesOf, withNote } from "../model-file.ts";
import { nameOf } from "../sources.ts";

export interface DetectorFile {
  readonly detector: AnomalyDetector;
  /** The decision that applies if the user requests no other one. */
  readonly decision: Decision | undefined;
}

/** Reads a detector; "-" is the standard input. */
export async function readDetector(path: string, runtime: RuntimeOptions): Promise<DetectorFile> {
  const file = nameOf(path);
  const bytes = await readBytesOf(path);
  try {
    const detector = await AnomalyDetector.load(bytes, runtime);
    return { detector, decision: parseDecision(decodeSafetensors(bytes).metadata[NOTE]) };
  } catch (error) {
    throw notRead(file, "a detector", error);
  }
}

/** The file of a detector in pieces. */
export const encodeDetectorFile = (detector: AnomalyDetector, decision: Decision): Uint8Array[] =>
  withNote(detector.save(), { decision });

/** The decision in a note; undefined for a damaged note or one of another program. */
function parseDecision(text: string | undefined): Decision | undefined {
  try {
    const { decision } = JSON.parse(text ?? "{}");
    for (const name of decisionNames) {
      const value: unknown = decision?.[name];
      if (typeof value === "number" && value > 0 && value < 1) return named(name, value);
    }
  } catch {
    // The note is damaged.
  }
  return undefined;
}

/** `{ [name]: value }` as a decision. */
export function named(name: (typeof decisionNames)[number], value: number): Decision {
  switch (name) {
    case "alpha":
      return { alpha: value };
    case "fdr":
      return { fdr: value };
    case "quantile":
      return { quantile: value };
    case "contamination":
      return { contamination: value };
    case "pot":
      return { pot: value };
  }
}
