// `export`: a model for other programs.

import { extname } from "node:path";
import type { TiedAutoencoder } from "../../index.ts";
import type { Arguments, Command } from "../arguments.ts";
import { UsageError } from "../errors.ts";
import { readModel } from "../model-file.ts";
import { writeWhole } from "../output.ts";

const PARTS = ["encoder", "decoder", "reconstruction"] as const;

type Exporter = (model: TiedAutoencoder, args: Arguments) => Uint8Array;

/** A file's bytes by the name of its format. */
const exporters: Readonly<Record<string, Exporter>> = {
  onnx: (model, args) => model.toOnnx({ part: args.choice("part", PARTS) ?? "reconstruction" }),
  safetensors: (model) => model.save(),
};

export const exportModel: Command = {
  name: "export",
  operands: ["MODEL"],
  summary: "Write a model for other programs: ONNX, or bare safetensors.",
  description:
    "ONNX files run in every ONNX runtime, from rows in the data's units. Safetensors files hold the weights under PyTorch's names without the optimizer's state, and are a third as large as what train saves.",
  options: {
    output: { short: "o", value: "FILE", help: '"-" is standard output' },
    format: {
      short: "f",
      value: "FORMAT",
      help: "onnx or safetensors (default: by the file's ending)",
    },
    part: { value: "PART", help: "of an ONNX file: encoder, decoder or reconstruction (default)" },
  },
  examples: [
    [
      "the encoder for an ONNX runtime",
      "tied-autoencoder export model.safetensors -o encoder.onnx --part encoder",
    ],
    [
      "without the optimizer's state",
      "tied-autoencoder export model.safetensors -o small.safetensors",
    ],
  ],
  async run(args) {
    const output = args.text("output");
    if (output === undefined) throw new UsageError("export needs --output FILE.");
    const names = Object.keys(exporters);
    const format = args.choice("format", names) ?? extname(output).slice(1).toLowerCase();
    const exporter = exporters[format];
    if (!Object.hasOwn(exporters, format) || !exporter) {
      throw new UsageError(`export writes ${names.join(" or ")}; say which with --format.`);
    }
    if (args.text("part") !== undefined && format !== "onnx") {
      throw new UsageError("--part is for ONNX files; other formats hold the whole model.");
    }
    const { model } = await readModel(args.operands[0]!, {});
    await writeWhole(output, exporter(model, args));
  },
};
