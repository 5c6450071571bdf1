// The model as a table for people.

import type { ActivationSpec } from "./config.ts";
import type { Engine } from "./engine.ts";

/** The model as a readable table: one line a stage, then what there is in all. Fits 80 columns. */
export function summary({ config, layout, byteLength }: Engine): string {
  const rows = [["stage", "shape", "activation", "parameters"]];
  const add = (name: string, from: number, to: number, activation: ActivationSpec, count: string) =>
    rows.push([name, `${from} → ${to}`, describe(activation), count]);
  const { layers } = config;
  const depth = layers.length - 1;
  layout.weights.forEach(({ length }, i) => {
    const count = length + (layout.encoderBiases[i]?.length ?? 0);
    const activation = config.encoderActivations[i] as ActivationSpec;
    add(`encoder.${i}`, layers[i] as number, layers[i + 1] as number, activation, grouped(count));
  });
  for (let i = depth - 1; i >= 0; i--) {
    const count = `${grouped(layout.decoderBiases[i]?.length ?? 0)} + tied`;
    const activation = config.decoderActivations[depth - 1 - i] as ActivationSpec;
    add(`decoder.${i}`, layers[i + 1] as number, layers[i] as number, activation, count);
  }
  const widths = [0, 1, 2, 3].map((c) => Math.max(...rows.map((row) => (row[c] as string).length)));
  const lines = rows.map((row) =>
    row
      .map((cell, c) =>
        c === 3 ? cell.padStart(widths[c] as number) : cell.padEnd(widths[c] as number),
      )
      .join("  "),
  );
  const loss = describe(config.loss);
  return [
    "Tied autoencoder",
    ...lines,
    `${grouped(layout.parameterCount)} parameters, loss ${loss}, optimizer ${config.optimizer.type}, ${(byteLength / 2 ** 20).toFixed(1)} MiB`,
  ].join("\n");
}

function describe(spec: string | { type: string }): string {
  if (typeof spec === "string") return spec;
  const { type, ...parameters } = spec;
  const [entry] = Object.entries(parameters);
  return entry ? `${type}(${entry[1]})` : type;
}

function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}
