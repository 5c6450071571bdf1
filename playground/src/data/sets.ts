// The data sets that need no file. Values are rounded to 1/4096, because engines differ in the last bits of sine and cosine, and
// a link must give the same weights everywhere.

import { digits } from "tied-autoencoder/digits";
import type { DataSet } from "../protocol.ts";
import { randomFrom } from "../random.ts";
import type { DataName } from "../settings.ts";

export const TITLES: Readonly<Record<DataName, string>> = {
  digits: "Handwritten digits",
  circles: "Two linked rings",
  swissRoll: "Swiss roll",
  sensors: "Sensors with faults",
  mnist: "MNIST, your files",
  own: "Your CSV or images",
};

/** The data sets that need no file. */
export function makeData(name: DataName): DataSet {
  if (name === "circles") return circles();
  if (name === "swissRoll") return swissRoll();
  if (name === "sensors") return sensors();
  return digitSet();
}

function digitSet(): DataSet {
  const { data, labels, width, height } = digits();
  return {
    title: TITLES.digits,
    values: data,
    columns: width * height,
    width,
    height,
    labels: Array.from(labels, String),
    names: [],
    kind: "image",
    faults: [],
  };
}

function circles(): DataSet {
  const random = randomFrom(7);
  const rows = 600;
  const labels: string[] = [];
  const values = table(rows, 3, (i) => {
    const angle = random() * 2 * Math.PI;
    const isSecond = i % 4 > 1; // one row in ten is held out: both rings must be among these rows
    labels.push(isSecond ? "B" : "A");
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    // Two linked rings: no plane shows both without crossing them.
    return isSecond ? [0.5 + 0.5 * c, 0, 0.5 * s] : [0.5 * c, 0.5 * s, 0];
  });
  return space(TITLES.circles, values, labels);
}

function swissRoll(): DataSet {
  const random = randomFrom(11);
  const labels: string[] = [];
  const values = table(900, 3, () => {
    const t = 1.5 * Math.PI * (1 + 2 * random());
    labels.push("ABCDE"[Math.min(4, Math.floor(((t / Math.PI - 1.5) / 3) * 5))] ?? "E");
    return [(t * Math.cos(t)) / 15, random() * 1.2 - 0.6, (t * Math.sin(t)) / 15];
  });
  return space(TITLES.swissRoll, values, labels);
}

function space(title: string, values: Float32Array, labels: string[]): DataSet {
  return {
    title,
    values,
    columns: 3,
    width: 3,
    height: 1,
    labels,
    names: ["x", "y", "z"],
    kind: "space",
    faults: [],
  };
}

const SENSORS = ["inlet", "outlet", "pump", "valve", "flow", "level", "heat", "power"];
const UNITS = [4, 4, 30, 12, 2, 8, 60, 250];

/** Eight sensors of a plant that depend on two hidden variables. In forty rows one sensor has a fault. */
function sensors(): DataSet {
  const random = randomFrom(23);
  const rows = 1000;
  const faults: number[] = [];
  const normal = () => random() + random() + random() + random() - 2;
  const values = table(rows, SENSORS.length, (i) => {
    const load = Math.sin(i / 19) + 0.3 * normal();
    const season = Math.cos(i / 131) + 0.2 * normal();
    const row = SENSORS.map((_, k) => {
      const mix = load * Math.cos(k * 1.1) + season * Math.sin(k * 0.7);
      return (mix + 0.25 * mix * load + 0.12 * normal()) * (UNITS[k] ?? 1) + 3 * (UNITS[k] ?? 1);
    });
    if (i % 25 === 12) {
      const k = Math.floor(random() * SENSORS.length);
      row[k] = (row[k] ?? 0) + (random() < 0.5 ? -1 : 1) * (1.2 + random()) * (UNITS[k] ?? 1);
      faults.push(i);
    }
    return row;
  });
  const odd = new Set(faults);
  return {
    title: TITLES.sensors,
    values,
    columns: SENSORS.length,
    width: SENSORS.length,
    height: 1,
    labels: Array.from({ length: rows }, (_, i) => (odd.has(i) ? "fault" : "normal")),
    names: SENSORS,
    kind: "table",
    faults,
  };
}

function table(rows: number, columns: number, row: (i: number) => readonly number[]): Float32Array {
  const values = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    row(i).forEach((value, c) => {
      values[i * columns + c] = Math.round(value * 4096) / 4096;
    });
  }
  return values;
}
