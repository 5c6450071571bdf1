// Megabytes a second of the readers and writers of the built package: node bench/formats.mjs [--rounds 7] [name ...]
//
// Every round runs every task once. A figure is the median over the rounds: bytes of the text file divided by seconds of
// processor time, so that other work on the machine has little effect. `plain` splits lines and cells and calls Number and
// String, as a program without a library would.

import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import {
  decodeNpy,
  encodeNpy,
  gatherBytes,
  readCsv,
  readCsvFloat64,
  readTable,
  writeCsv,
  writeJsonLines,
} from "tied-autoencoder/formats";

const { values, positionals } = parseArgs({
  options: { rounds: { type: "string", default: "7" } },
  allowPositionals: true,
});

let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const normal = () => Array.from({ length: 12 }, random).reduce((sum, x) => sum + x, -6);
const encode = (text) => new TextEncoder().encode(text);
const table = (rows, columns, cell) =>
  encode(
    Array.from({ length: rows }, () => `${Array.from({ length: columns }, cell).join()}\n`).join(
      "",
    ),
  );

const files = {
  "seven digits, 32 columns": table(20_000, 32, () => normal().toFixed(6)),
  "bytes, 784 columns": table(4000, 784, () => (random() < 0.8 ? 0 : Math.floor(random() * 256))),
  "19 digits (numpy.savetxt)": table(10_000, 20, () => normal().toExponential(18)),
  "17 digits (repr)": table(10_000, 20, () => String(normal())),
};
const mixed = encode(
  `id,time,kind,x,y\n${Array.from({ length: 60_000 }, (_, i) => `A${i},2026-01-01T00:${String(i % 60).padStart(2, "0")}:00,${["pump", "valve", "größe"][i % 3]},${normal().toFixed(4)},${normal()}\n`).join("")}`,
);
const jsonLines = encode(
  Array.from(
    { length: 60_000 },
    (_, i) => `{"kind":"pump ${i % 9}","x":${normal()},"y":${i}}\n`,
  ).join(""),
);
const matrix = {
  columns: 784,
  data: Float32Array.from({ length: 784 * 1500 }, () => 1 / (1 + Math.exp(4 * normal()))),
};
const written = [...writeCsv(matrix)].reduce((sum, { length }) => sum + length, 0);
const array = { shape: [1500, 784], data: matrix.data };
const npy = encodeNpy(array);

async function* pieces(bytes) {
  for (let at = 0; at < bytes.length; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20));
}
async function drain(batches) {
  for await (const _ of batches);
}

/** Name, bytes of text, and the work. */
const tasks = Object.entries(files).flatMap(([name, bytes]) => [
  [`read float32: ${name}`, bytes.length, () => drain(readCsv(pieces(bytes)))],
  [`read float64: ${name}`, bytes.length, () => drain(readCsvFloat64(pieces(bytes)))],
  [`read table: ${name}`, bytes.length, () => readTable(pieces(bytes))],
]);
const first = files["seven digits, 32 columns"];
const text = new TextDecoder().decode(first);
const zipped = gzipSync(first);
const zippedNpy = gzipSync(npy, { level: 1 });
tasks.push(
  [
    "read plain: seven digits, 32 columns",
    first.length,
    () => {
      for (const line of text.split("\n")) Float32Array.from(line.split(","), Number);
    },
  ],
  ["read float32, gzipped: seven digits", first.length, () => drain(readCsv(pieces(zipped)))],
  ["read table: text and numbers", mixed.length, () => readTable(pieces(mixed))],
  ["read table: JSON lines", jsonLines.length, () => readTable(pieces(jsonLines))],
  [
    "write: 784 columns of float32",
    written,
    () => {
      for (const _ of writeCsv(matrix));
    },
  ],
  [
    "write plain: 784 columns of float32",
    written,
    () => {
      for (let at = 0; at < matrix.data.length; at += 784) {
        encode(
          `${Array.from(matrix.data.subarray(at, at + 784), (x) => Number(x.toPrecision(9))).join()}\n`,
        );
      }
    },
  ],
  [
    "write JSON lines: 4 columns of float32",
    0,
    () => {
      const data = matrix.data.subarray(0, 1 << 18);
      const columns = ["a", "b", "c", "d"].map((name, i) => ({
        name,
        values: data.subarray((i * data.length) / 4, ((i + 1) * data.length) / 4),
      }));
      let bytes = 0;
      for (const piece of writeJsonLines({ columns })) bytes += piece.length;
      return bytes;
    },
  ],
  ["read NPY, gzipped", npy.length, async () => decodeNpy(await gatherBytes(pieces(zippedNpy)))],
);

const chosen = tasks.filter(([name]) => positionals.every((word) => name.includes(word)));
const rates = new Map(chosen.map(([name]) => [name, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, size, run] of chosen) {
    const start = process.cpuUsage();
    const bytes = size || (await run());
    if (size) await run();
    const { user, system } = process.cpuUsage(start);
    rates.get(name).push(bytes / (user + system));
  }
}
for (const [name, found] of rates) {
  const sorted = found.sort((a, b) => a - b);
  const middle = sorted[sorted.length >> 1];
  console.log(`${name.padEnd(48)}${middle.toFixed(0).padStart(5)} MB/s`);
}
