// The kind of content of a file, from its first bytes. A run may replace files that this program wrote, but no other
// files.

import { open, stat } from "node:fs/promises";
import { DETECTOR_FORMAT } from "../detect/file.ts";
import { GENERATOR } from "../report/html.ts";
import { type Command, usage } from "./arguments.ts";
import { fileError, UsageError } from "./errors.ts";

/**
 * `training`: a model with the data for --resume. `model`: a model without them. `detector`: a detector. `onnx`: an ONNX
 * file of this program. `report`: a page of `report`. `other`: anything else.
 */
export type Kind = "empty" | "training" | "model" | "detector" | "onnx" | "report" | "other";

const NAMES: Readonly<Record<Kind, string>> = {
  empty: "an empty file",
  training: "a model of this program",
  model: "a model without its training",
  detector: "a detector of this program",
  onnx: "an ONNX file of this program",
  report: "a report of this program",
  other: "anything that this program wrote",
};

/** The names of these kinds in messages. */
export const kindNames = (kinds: readonly Kind[]): string =>
  [...new Set(kinds.map((kind) => NAMES[kind]))].join(" or ");

const MAX_HEADER = 1 << 26;

export async function kindOf(path: string): Promise<Kind> {
  try {
    const handle = await open(path);
    try {
      const read = async (start: number, length: number) => {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await handle.read(bytes, 0, length, start);
        return bytes.subarray(0, bytesRead);
      };
      const start = await read(0, 256);
      if (start.length === 0) return "empty";
      const length = safetensorsHeader(start);
      if (length === undefined) {
        // ONNX: its version, then the producer's name.
        const isOnnx =
          start[0] === 0x08 && latin1(start.subarray(0, 64)).includes("tied-autoencoder");
        if (isOnnx) return "onnx";
        return latin1(start).includes(GENERATOR) ? "report" : "other";
      }
      if (length > MAX_HEADER) return "other";
      const metadata = metadataOf(latin1(await read(8, length)));
      if (metadata.format === DETECTOR_FORMAT) return "detector";
      if (metadata.format !== "tied-autoencoder") return "other";
      return "command-line" in metadata || "training" in metadata ? "training" : "model";
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(path, error);
  }
}

/** Whether a path is a file with a detector. False for a pipe, which can be read only once. */
export const isDetector = async (path: string): Promise<boolean> =>
  (await holdsModel(path)) === "detector";

/**
 * Throws if the operands are in the wrong order: the second is a model or a detector, and the first, which should be one,
 * is not.
 */
export async function requireOrder(command: Command, operands: readonly string[]): Promise<void> {
  const [first, second] = operands;
  if (first === undefined || second === undefined) return;
  const [one, other] = await Promise.all([holdsModel(first), holdsModel(second)]);
  if (!other || one) return;
  throw new UsageError(
    `${second} is a ${other}, which comes first: ${usage({ ...command, operands: [second, first] })}.`,
  );
}

async function holdsModel(path: string): Promise<"model" | "detector" | undefined> {
  const there = path === "-" ? undefined : await stat(path).catch(() => undefined);
  const kind = there?.isFile() ? await kindOf(path) : "other";
  if (kind === "detector") return kind;
  return kind === "model" || kind === "training" ? "model" : undefined;
}

/** The length of a safetensors header, which is a small number before a brace; undefined for other files. */
export function safetensorsHeader(start: Uint8Array): number | undefined {
  if (start.length < 9 || start[8] !== 0x7b || start[6] !== 0 || start[7] !== 0) return undefined;
  return Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
}

function metadataOf(header: string): Record<string, unknown> {
  try {
    const { __metadata__: metadata } = JSON.parse(header) as { __metadata__?: unknown };
    return typeof metadata === "object" && metadata !== null
      ? (metadata as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
