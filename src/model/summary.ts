// The model as a readable table.

import type { Engine } from "./engine.ts";

/**
 * The model as a readable table: one line per layer, then the totals, the penalties and the constraint. Fits 80 columns.
 */
export function summary({ config, network, arena }: Engine): string {
  const rows = [["layer", "shape", "does", "parameters"]];
  const seen = new Set<string>();
  for (const { name, inputs, outputs, label, parameters } of network.layers) {
    if (parameters.length === 0) {
      rows.push([name, `${outputs}`, label, ""]);
      continue;
    }
    // A tied weight is counted at its first use.
    const own = parameters.filter((spec) => !seen.has(spec.name));
    for (const spec of own) seen.add(spec.name);
    const count = own.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const tied = own.length < parameters.length ? " + tied" : "";
    rows.push([name, `${inputs} → ${outputs}`, label, `${grouped(count)}${tied}`]);
  }
  const widths = [0, 1, 2, 3].map((c) => Math.max(...rows.map((row) => row[c]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, c) => (c === 3 ? cell.padStart(widths[c] ?? 0) : cell.padEnd(widths[c] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  const { parameterCount } = network.layout;
  const size = `${(arena.byteLength / 2 ** 20).toFixed(1)} MiB`;
  return [
    "Tied autoencoder",
    ...lines,
    `${grouped(parameterCount)} parameters, loss ${describe(config.loss)}, optimizer ${config.optimizer.type}, ${size}`,
    ...config.penalties.map(
      (penalty, i) => `${i === 0 ? "penalties" : "         "} ${describe(penalty)}`,
    ),
    ...(config.constraint === undefined ? [] : [`constraint ${describe(config.constraint)}`]),
  ].join("\n");
}

/** A loss, a penalty or a constraint with its options. */
function describe(spec: string | { readonly type: string }): string {
  if (typeof spec === "string") return spec;
  const { type, ...options } = spec;
  return `${type}(${Object.values(options).join(", ")})`;
}

function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}
