// The kind of content of a file, from its first bytes. A run may replace files that this program wrote, but no other
// files.

import { open, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { DETECTOR_FORMAT } from "../detect/file.ts";
import { contentsOf, isSafetensors, SNIFF_BYTES } from "../formats/contents.ts";
import { sniffTable } from "../formats/sniff.ts";
import { GENERATOR } from "../report/html.ts";
import { type Command, usage } from "./arguments.ts";
import { CommandError, fileError, UsageError } from "./errors.ts";
import { shellQuote } from "./text.ts";

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

/** Whether a file has a model or a detector. Undefined for other files and for pipes, which can be read only once. */
export async function holdsModel(path: string): Promise<"model" | "detector" | undefined> {
  const kind = (await isFile(path)) ? await kindOf(path) : "other";
  if (kind === "detector") return kind;
  return kind === "model" || kind === "training" ? "model" : undefined;
}

/** False for the standard input, for pipes and for what does not exist. */
export const isFile = async (path: string): Promise<boolean> =>
  path !== "-" && ((await stat(path).catch(() => undefined))?.isFile() ?? false);

/**
 * Throws if an operand is a file of another kind than the command takes. The first operand may be what `takes` says. All
 * others are tables.
 */
export async function requireKinds(command: Command, operands: readonly string[]): Promise<void> {
  const { name, takes } = command;
  const [first, second] = operands;
  if (takes === undefined || first === undefined) return;
  const found = await holdsModel(first);
  const other = second === undefined ? undefined : await holdsModel(second);
  if (other && !found && takes.includes(other)) {
    throw new UsageError(
      `${second} is a ${other}, which comes first: ${usage({ ...command, operands: [second ?? "", first] })}.`,
    );
  }
  const wrong = (file: string, why: string) => new CommandError(`${file}: ${why}`, { file });
  if (found === "model" && !takes.includes("model")) {
    if (!takes.includes("detector")) throw wrong(first, `is a model, and ${name} takes a table`);
    throw wrong(
      first,
      "is a model, not a detector; score tells its errors, train --detector makes a detector",
    );
  }
  if (found === "detector" && !takes.includes("detector")) {
    if (!takes.includes("model")) throw wrong(first, `is a detector, and ${name} takes a table`);
    throw wrong(first, "is a detector, not a model; score, detect, watch and report take it");
  }
  if (!found && !takes.includes("table") && (await isFile(first))) {
    const why = await neitherText(command, first);
    if (why !== undefined) throw wrong(first, why);
  }
  if (second !== undefined && other) {
    throw wrong(second, `is a ${other}, and the rows for ${name} come from a table`);
  }
}

/** The message for a file that is neither a model nor a detector, with what makes one. */
async function neitherText(
  { name, takes = [] }: Command,
  path: string,
): Promise<string | undefined> {
  const handle = await open(path);
  const { buffer, bytesRead } = await handle
    .read(new Uint8Array(SNIFF_BYTES), 0, SNIFF_BYTES, 0)
    .finally(() => handle.close());
  const head = buffer.subarray(0, bytesRead);
  if (isSafetensors(head)) return; // its reader says what is wrong
  const wanted = takes.map((kind) => `a ${kind}`).join(" or ");
  const making = takes.includes("model") ? [] : ["--detector"];
  const train = ["train", ...making].join(" ");
  if (!isTable(head)) {
    return `is ${contentsOf(head)}, and ${name} takes ${wanted}, which "${train}" makes`;
  }
  const made = `${basename(path, extname(path))}.safetensors`;
  const words = ["tied-autoencoder", "train", path, ...making, "-o", made].map(shellQuote);
  return `is a table, and ${name} takes ${wanted}. To make one of the table:\n  ${words.join(" ")}`;
}

function isTable(head: Uint8Array): boolean {
  try {
    return sniffTable(head) !== "csv" || contentsOf(head) === "text that looks like CSV";
  } catch {
    return false;
  }
}

/** The length of a safetensors header, which is a small number before a brace; undefined for other files. */
export function safetensorsHeader(start: Uint8Array): number | undefined {
  if (!isSafetensors(start)) return undefined;
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
