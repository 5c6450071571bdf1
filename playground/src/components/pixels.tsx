// One row of the data as a picture: pixels for images, bars for a row of a table.

import { heatRamp, inkRamp, putImage } from "../draw/canvas.ts";
import { dark, data } from "../state.ts";
import { useCanvas } from "./hooks.ts";

interface Props {
  /** Reads signals and returns the values, or null for an empty picture. */
  readonly read: () => ArrayLike<number> | null;
  readonly label: string;
  /** Heat for errors, ink for everything else. */
  readonly heat?: boolean;
  readonly class?: string;
}

export function Pixels({ read, label, heat = false, class: name = "" }: Props) {
  const canvas = useCanvas((element) => {
    const { width, height, kind, columns } = data.value;
    const values = read() ?? new Float32Array(columns);
    const ramp = heat ? heatRamp(dark.value) : inkRamp(dark.value);
    if (kind === "image") {
      putImage(element, values, width, height, heat ? (value) => ramp(value * 2) : ramp);
      return;
    }
    drawBars(element, values, columns, heat);
  });
  return <canvas ref={canvas} class={`pixels ${name}`} role="img" aria-label={label} />;
}

const BARS = 240;

/** The values of a row as bars around a middle line, in units of the standard deviation of each column. */
function drawBars(
  canvas: HTMLCanvasElement,
  values: ArrayLike<number>,
  columns: number,
  heat: boolean,
): void {
  canvas.width = BARS;
  canvas.height = BARS;
  const context = canvas.getContext("2d");
  if (!context) return;
  const { mean, spread } = spreads();
  const step = BARS / columns;
  context.fillStyle = dark.value ? "#3a404a" : "#dcd9cf";
  context.fillRect(0, heat ? BARS - 2 : BARS / 2 - 1, BARS, 2);
  context.fillStyle = heat
    ? dark.value
      ? "#ff913c"
      : "#c84600"
    : dark.value
      ? "#8ea8ff"
      : "#3b5fc0";
  for (let c = 0; c < columns; c++) {
    const value = values[c] ?? 0;
    const share = heat
      ? Math.min(1, value / 9)
      : Math.max(-1, Math.min(1, (value - (mean[c] ?? 0)) / (3 * (spread[c] || 1))));
    const height = share * (heat ? BARS - 4 : BARS / 2 - 2);
    const top = heat ? BARS - 2 - height : BARS / 2 - Math.max(0, height);
    context.fillRect(c * step + step * 0.14, top, step * 0.72, Math.max(2, Math.abs(height)));
  }
}

let spreadsOf: Float32Array | undefined;
let known = { mean: [] as number[], spread: [] as number[] };

function spreads() {
  const { values, columns } = data.value;
  if (spreadsOf === values) return known;
  spreadsOf = values;
  const rows = values.length / columns;
  const mean = new Array<number>(columns).fill(0);
  const spread = new Array<number>(columns).fill(0);
  for (let i = 0; i < values.length; i++) {
    mean[i % columns] = (mean[i % columns] ?? 0) + (values[i] ?? 0) / rows;
  }
  for (let i = 0; i < values.length; i++) {
    const off = (values[i] ?? 0) - (mean[i % columns] ?? 0);
    spread[i % columns] = (spread[i % columns] ?? 0) + (off * off) / rows;
  }
  known = { mean, spread: spread.map(Math.sqrt) };
  return known;
}
