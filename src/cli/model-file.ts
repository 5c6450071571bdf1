// Models in files: the library's safetensors, with a note of the command line's own in the metadata: the
// names of the columns that the model was trained on, and the options of its training for --resume.

import { readFile } from "node:fs/promises";
import { FormatError } from "../formats/errors.ts";
import { decodeSafetensors } from "../formats/safetensors.ts";
import { encodeSafetensors } from "../formats/safetensors-write.ts";
import { type RuntimeOptions, TiedAutoencoder } from "../index.ts";
import type { Arguments, Options } from "./arguments.ts";
import { CommandError, fileError } from "./errors.ts";

export interface ModelNote {
  readonly columns?: readonly string[] | undefined;
  readonly training?: Readonly<Record<string, string | boolean>> | undefined;
}

export interface ModelFile {
  readonly model: TiedAutoencoder;
  readonly note: ModelNote;
}

const NOTE = "command-line";

export const runtimeOptions: Options = {
  simd: {
    value: "BUILD",
    help: "baseline (the same bits on every machine), relaxed, or auto (default)",
  },
  threads: { value: "N", help: "how many share the work, or auto (default 1)" },
};

export function readRuntime(args: Arguments): RuntimeOptions {
  const simd = args.choice("simd", ["auto", "baseline", "relaxed"]);
  const threads = args.text("threads") === "auto" ? "auto" : args.whole("threads", 1);
  return { ...(simd === undefined ? {} : { simd }), ...(threads === undefined ? {} : { threads }) };
}

export async function readModel(path: string, runtime: RuntimeOptions): Promise<ModelFile> {
  const bytes = await readFile(path).catch((error) => {
    throw fileError(path, error);
  });
  try {
    const model = await TiedAutoencoder.load(bytes, runtime);
    return { model, note: parseNote(decodeSafetensors(bytes).metadata[NOTE]) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const { message } = error;
    throw new CommandError(`${path}: not a model that can be read: ${message.replace(/\.$/, "")}`, {
      cause: error,
    });
  }
}

/** The file of a model with its optimizer's state, so that training can go on. */
export function encodeModel(model: TiedAutoencoder, note: ModelNote): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(model.save({ optimizer: true }));
  return encodeSafetensors(
    [...tensors].map(([name, tensor]) => ({ name, ...tensor })),
    { ...metadata, [NOTE]: JSON.stringify(note) },
  );
}

/** A note by another program, or a damaged one, is as good as none. */
function parseNote(text: string | undefined): ModelNote {
  try {
    const { columns, training } = JSON.parse(text ?? "{}") as Record<string, unknown>;
    return {
      columns: isStrings(columns) ? columns : undefined,
      training: isOptions(training) ? training : undefined,
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
