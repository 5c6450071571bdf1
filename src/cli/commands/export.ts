// `export`: a model for other programs.

import { mkdir } from "node:fs/promises";
import { extname, join } from "node:path";
import type { TiedAutoencoder } from "../../index.ts";
import { encodePyTorch } from "../../pytorch/index.ts";
import type { Arguments, Command } from "../arguments.ts";
import { fileError, UsageError } from "../errors.ts";
import { readModel } from "../model-file.ts";
import { writeWhole } from "../output.ts";

const PARTS = ["encoder", "decoder", "reconstruction"] as const;

/** The bytes of a file, or the files of a folder by name. */
type Exported = Uint8Array | Readonly<Record<string, string | Uint8Array>>;

const exporters: Readonly<Record<string, (model: TiedAutoencoder, args: Arguments) => Exported>> = {
  onnx: (model, args) => model.toOnnx({ part: args.choice("part", PARTS) ?? "reconstruction" }),
  pytorch: (model) => encodePyTorch(model),
  safetensors: (model) => model.save(),
};

export const exportModel: Command = {
  name: "export",
  operands: ["MODEL"],
  summary: "Write a model for other programs: ONNX, PyTorch or bare safetensors.",
  description:
    "ONNX files run in every ONNX runtime, on rows in the data's units. For PyTorch it writes a folder: the model, a module that reads it and a script that trains it on several processes. Safetensors files hold the weights under PyTorch's names and not the optimizer's state, and are a third as large as what train saves.",
  options: {
    output: { short: "o", value: "FILE", help: 'a folder for pytorch; "-" is standard output' },
    format: {
      short: "f",
      value: "FORMAT",
      help: "onnx, pytorch or safetensors (default: by the file's ending)",
    },
    part: { value: "PART", help: "of an ONNX file: encoder, decoder or reconstruction (default)" },
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
  const output = args.text("output");
  if (output === undefined) throw new UsageError("export needs --output FILE.");
  const names = Object.keys(exporters);
  const format = args.choice("format", names) ?? extname(output).slice(1).toLowerCase();
  const exporter = Object.hasOwn(exporters, format) ? exporters[format] : undefined;
  if (!exporter) {
    throw new UsageError(`export writes ${names.join(", ")}; say which with --format.`);
  }
  if (args.text("part") !== undefined && format !== "onnx") {
    throw new UsageError("--part is for ONNX files; other formats hold the whole model.");
  }
  if (format === "pytorch" && output === "-") {
    throw new UsageError("For pytorch export writes a folder; give --output its name.");
  }
  const { model } = await readModel(args.operands[0]!, {});
  const exported = exporter(model, args);
  if (exported instanceof Uint8Array) return writeWhole(output, exported);
  await mkdir(output, { recursive: true }).catch((error) => {
    throw fileError(output, error);
  });
  for (const [name, content] of Object.entries(exported)) {
    await writeWhole(join(output, name), content);
  }
}
