// Models in files: the safetensors format of the library, with a note of the command line in the metadata. The note contains
// the names of the columns that the model was trained on, the options of its training, checksums of the data and the losses.

import { constants as bufferConstants } from "node:buffer";
import { open } from "node:fs/promises";
import { FormatError } from "../formats/errors.ts";
import { concatBytes } from "../formats/numbers.ts";
import { decodeSafetensors } from "../formats/safetensors.ts";
import { encodeUtf8 } from "../formats/text.ts";
import { type History, type RuntimeOptions, TiedAutoencoder } from "../index.ts";
import type { Arguments, Options } from "./arguments.ts";
import { CommandError, fileError } from "./errors.ts";
import { readLosses } from "./losses.ts";
import { nameOf, openSource } from "./sources.ts";

/** The size and the checksum of a table, which identify its numbers. */
export interface Fingerprint {
  readonly rows: number;
  readonly columns: number;
  readonly checksum: string;
  /** The bytes of a number on disk, on which the order of the rows depends. Absent if the rows were in memory. */
  readonly bytes?: number | undefined;
}

/** The note in a file. It is untrusted, so the code that uses a part of it checks that part. */
export interface ModelNote {
  /** The names of the columns, in the order of the model. */
  readonly columns?: readonly string[] | undefined;
  /** The decimal mark of the training rows, if it is not a point. */
  readonly decimal?: "," | undefined;
  /** The options of the run as they were typed, without paths. */
  readonly training?: Readonly<Record<string, string | boolean>> | undefined;
  /** The fingerprints of the training rows and of the rows of the validation file. */
  readonly data?: Fingerprint | undefined;
  readonly validation?: Fingerprint | undefined;
  /** The losses of the run by epoch, counted from 1. A long run has not all of them. */
  readonly losses?: History | undefined;
}

export interface ModelFile {
  readonly model: TiedAutoencoder;
  readonly note: ModelNote;
}

/** The key of the note in the metadata. */
export const NOTE = "command-line";

const BUILDS = ["auto", "baseline", "relaxed"] as const;

export const runtimeOptions = {
  simd: {
    value: "BUILD",
    choices: BUILDS,
    help: "the instructions to use; baseline has the same bits on every machine",
    default: "auto",
  },
  threads: {
    value: "N",
    kind: "whole",
    least: 1,
    choices: ["auto"],
    help: "how many share the work",
    default: "1",
  },
} as const satisfies Options;

/** The seed of a model, or of a detector with its models. */
export const seedOption = {
  value: "N",
  kind: "whole",
  least: 0,
  help: "of weights, shuffles and noise",
  default: "42",
} as const satisfies Options[string];

export function readRuntime(args: Arguments): RuntimeOptions {
  const simd = args.choice("simd", BUILDS);
  const threads = args.choice("threads", ["auto"]) ?? args.number("threads");
  return { ...(simd === undefined ? {} : { simd }), ...(threads === undefined ? {} : { threads }) };
}

/** Reads a model; "-" is the standard input. */
export async function readModel(path: string, runtime: RuntimeOptions): Promise<ModelFile> {
  const file = nameOf(path);
  const bytes = await readBytesOf(path);
  try {
    const model = await TiedAutoencoder.load(bytes, runtime);
    return { model, note: parseNote(decodeSafetensors(bytes).metadata[NOTE]) };
  } catch (error) {
    throw notRead(file, "a model", error);
  }
}

/** The error of loading `what` with the name of the file, which is the subject of the library's messages too. */
export function notRead(file: string, what: string, error: unknown): unknown {
  if (!(error instanceof FormatError)) return error;
  const [, got] = /^\w+\.load expects .*; got ([^,;]*?)[.,;]/.exec(error.message) ?? [];
  const reason =
    got === undefined
      ? error.message.replace(/^The file /, "").replace(/\.$/, "")
      : `is ${got}, and not ${what}`;
  return new CommandError(`${file}: ${reason}`, { file, cause: error });
}

const READ_PIECE = 1 << 26;

/** The bytes of a whole file. The readFile function of Node is limited to 2 GiB. */
export async function readBytesOf(path: string): Promise<Uint8Array> {
  const source = await openSource(path);
  if (!source.isFile || source.size === undefined) {
    const pieces: Uint8Array[] = [];
    for await (const piece of source.bytes) pieces.push(piece);
    return concatBytes(pieces);
  }
  try {
    const handle = await open(path);
    try {
      const { size } = await handle.stat();
      if (size > bufferConstants.MAX_LENGTH) {
        throw new CommandError(
          `${path}: has ${size} bytes, more than this runtime can hold at once (${bufferConstants.MAX_LENGTH})`,
          { file: path },
        );
      }
      const bytes = new Uint8Array(size);
      let at = 0;
      while (at < size) {
        const length = Math.min(READ_PIECE, size - at);
        const { bytesRead } = await handle.read(bytes, at, length, at);
        if (bytesRead === 0) break; // the file became shorter during reading
        at += bytesRead;
      }
      return bytes.subarray(0, at);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError(path, error);
  }
}

/**
 * The file of a model in pieces: the header with the note, and the tensors, which are not copied. It includes the state of
 * the optimizer, so that training can continue.
 */
export const encodeModel = (model: TiedAutoencoder, note: ModelNote): Uint8Array[] =>
  withNote(model.save({ optimizer: true }), note);

/** A safetensors file with a note of the command line in its metadata, in pieces. */
export function withNote(file: Uint8Array, note: object): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset);
  const end = 8 + Number(view.getBigUint64(0, true));
  const entries = JSON.parse(Buffer.from(file.buffer, file.byteOffset + 8, end - 8).toString()) as {
    __metadata__: Record<string, string>;
  };
  entries.__metadata__[NOTE] = JSON.stringify(note);
  const text = encodeUtf8(JSON.stringify(entries));
  const length = (text.length + 7) & ~7; // padded with blanks: tensors start 8-aligned
  const header = new Uint8Array(8 + length).fill(0x20, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, 8);
  return [header, file.subarray(end)];
}

/** The note in the metadata. A damaged note, or one of another program, counts as an empty one. */
export function parseNote(text: string | undefined): ModelNote {
  try {
    const { columns, decimal, training, data, validation, losses } = JSON.parse(
      text ?? "{}",
    ) as Record<string, unknown>;
    return {
      columns: isStrings(columns) ? columns : undefined,
      decimal: decimal === "," ? decimal : undefined,
      training: isOptions(training) ? training : undefined,
      data: isFingerprint(data) ? data : undefined,
      validation: isFingerprint(validation) ? validation : undefined,
      losses: readLosses(losses),
    };
  } catch {
    return {};
  }
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

const isOptions = (value: unknown): value is Record<string, string | boolean> =>
  typeof value === "object" &&
  value !== null &&
  Object.values(value).every((one) => typeof one === "string" || typeof one === "boolean");

function isFingerprint(value: unknown): value is Fingerprint {
  if (typeof value !== "object" || value === null) return false;
  const { rows, columns, checksum, bytes } = value as Record<string, unknown>;
  return (
    Number.isSafeInteger(rows) &&
    Number.isSafeInteger(columns) &&
    typeof checksum === "string" &&
    (bytes === undefined || Number.isSafeInteger(bytes))
  );
}
