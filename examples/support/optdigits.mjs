// The bundled digits, scaled to [0, 1] and split the same way on every run.

import { readFileSync } from "node:fs";

const WIDTH = 64;
const DARKEST = 16;

const readData = () => readFileSync(new URL("../data/optdigits.csv", import.meta.url), "utf8");

/** Rows in a seeded order, the first 80 % for training. Labels are omitted, because no example needs them. */
export function loadDigits(text = readData()) {
  const lines = text.trim().split("\n").slice(1); // the first names the columns
  const rows = lines.map((line) => line.split(",").slice(0, WIDTH).map(Number));
  shuffle(rows, 20260101);
  const pixels = Float32Array.from(rows.flat(), (value) => value / DARKEST);
  const cut = Math.floor(rows.length * 0.8) * WIDTH;
  return { train: pixels.subarray(0, cut), validation: pixels.subarray(cut), width: WIDTH };
}

/** Fisher-Yates with its own small generator (mulberry32), so that the split is always the same. */
function shuffle(rows, seed) {
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let i = rows.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
}
