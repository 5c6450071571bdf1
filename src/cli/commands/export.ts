// `export`: a model for other programs.

import { mkdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { encodePyTorch } from "../../pytorch/index.ts";
import type { Arguments, Command } from "../arguments.ts";
import { CommandError, fileError, UsageError } from "../errors.ts";
import { readModel } from "../model-file.ts";
import { forceOption, replaceable, requireReplaceable, writeWhole } from "../output.ts";

const PARTS = ["encoder", "decoder", "reconstruction"] as const;

const FORMATS = ["onnx", "pytorch", "safetensors"] as const;

export const exportModel: Command = {
  name: "export",
  operands: ["MODEL"],
  takes: ["model"],
  summary: "Write a model for other programs: ONNX, PyTorch or bare safetensors.",
  description:
    "ONNX files run in every ONNX runtime, on rows in the data's units. For PyTorch it writes a folder: the model, a module that reads it and a script that trains it on several processes. Safetensors files hold the weights under PyTorch's names and not the optimizer's state, and are a third as large as what train saves.",
  options: {
    output: { short: "o", value: "FILE", help: 'a folder for pytorch; "-" is standard output' },
    format: {
      short: "f",
      value: "FORMAT",
      choices: FORMATS,
      help: "what to write",
      default: "by the file's ending",
    },
    part: {
      value: "PART",
      choices: PARTS,
      help: "which part an ONNX file holds",
      default: "reconstruction",
    },
    ...forceOption,
  },
  examples: [
    [
      "the encoder for an ONNX runtime",
      "tied-autoencoder export model.safetensors -o encoder.onnx --part encoder",
    ],
    ["to go on in PyTorch", "tied-autoencoder export model.safetensors -f pytorch -o folder"],
    [
      "without the optimizer's state",
      "tied-autoencoder export model.safetensors -o small.safetensors",
    ],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const [path] = args.operands as [string];
  const output = args.text("output");
  if (output === undefined) throw new UsageError("export needs --output FILE.");
  const ending = extname(output).slice(1).toLowerCase();
  const format = args.choice("format", FORMATS) ?? FORMATS.find((one) => one === ending);
  if (!format) {
    throw new UsageError(`export writes ${FORMATS.join(", ")}; say which with --format.`);
  }
  const part = args.choice("part", PARTS);
  if (part !== undefined && format !== "onnx") {
    throw new UsageError("--part is for ONNX files; other formats hold the whole model.");
  }
  if (format === "pytorch") {
    if (output === "-") {
      throw new UsageError("For pytorch export writes a folder; give --output its name.");
    }
    return writeFolder(args, output, encodePyTorch((await readModel(path, {})).model));
  }
  const kind = format === "onnx" ? "onnx" : "model";
  await requireReplaceable(output, replaceable(args, [path], [kind]));
  const { model } = await readModel(path, {});
  const bytes = format === "onnx" ? model.toOnnx({ part: part ?? "reconstruction" }) : model.save();
  await writeWhole(output, bytes);
}

/** Writes files into a folder, all or none. A file with other content is replaced only on request. */
async function writeFolder(
  args: Arguments,
  folder: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  const entries = Object.entries(files).map(([name, content]) => ({
    path: join(folder, name),
    content: Buffer.from(content),
  }));
  const others: string[] = [];
  for (const { path, content } of entries) {
    const there = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw fileError(path, error);
    });
    if (there && !there.equals(content)) others.push(path);
  }
  if (others.length > 0 && !args.flag("force")) {
    const exist = others.length > 1 ? "exist with other contents" : "exists with other contents";
    throw new CommandError(
      `${others.join(", ")}: ${exist}; --force replaces them, --output takes another folder`,
      { file: others[0] },
    );
  }
  await mkdir(folder, { recursive: true }).catch((error) => {
    throw fileError(folder, error);
  });
  for (const { path, content } of entries) await writeWhole(path, content);
}
