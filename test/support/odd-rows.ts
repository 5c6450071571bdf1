// Data sets with anomalous rows, for the checks that need them. They are not part of the project. ADBench files (.npz) are expected
// in the folder TIED_AUTOENCODER_ADBENCH, and SKAB's experiments (.csv) in TIED_AUTOENCODER_SKAB, or in
// ../shared/data next to the project.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeNpz, readTable } from "../../src/formats.ts";

const shared = (name: string) =>
  fileURLToPath(new URL(`../../../shared/data/${name}`, import.meta.url));
const adbench = process.env.TIED_AUTOENCODER_ADBENCH ?? shared("anomaly");
const skab = process.env.TIED_AUTOENCODER_SKAB ?? shared("skab/valve1");

export const adbenchIsThere = existsSync(adbench);
export const adbenchSkipped = `skipped: no ADBench files in ${adbench} (set TIED_AUTOENCODER_ADBENCH)`;
export const skabIsThere = existsSync(skab);
export const skabSkipped = `skipped: no SKAB files in ${skab} (set TIED_AUTOENCODER_SKAB)`;

/** The rows of a set such as "6_cardio", and 1 for anomalous rows. */
export function readSet(name: string): { rows: number[][]; labels: Uint8Array } {
  const arrays = decodeNpz(readFileSync(join(adbench, `${name}.npz`)));
  const { shape = [], data = [] } = arrays.get("X") ?? {};
  const [count = 0, width = 0] = shape;
  const values = Array.from(data, Number);
  return {
    rows: Array.from({ length: count }, (_, i) => values.slice(i * width, (i + 1) * width)),
    labels: Uint8Array.from(arrays.get("y")?.data ?? [], Number),
  };
}

/** The experiments of SKAB: sensors as columns, and 1 for anomalous rows. */
export async function readExperiments() {
  const files = readdirSync(skab).filter((file) => file.endsWith(".csv"));
  return Promise.all(
    files.map(async (file) => {
      const { columns } = await readTable(readFileSync(join(skab, file)));
      const isLabel = (name: string) => name === "anomaly" || name === "changepoint";
      return {
        sensors: columns.filter(({ name }) => !isLabel(name)),
        labels: Array.from(columns.find(({ name }) => name === "anomaly")?.values ?? [], Number),
      };
    }),
  );
}
