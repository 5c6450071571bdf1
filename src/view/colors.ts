// Colours that people with colour-vision deficiencies can tell apart, and the ramps of pixel images.

/** Okabe and Ito's palette without its yellow, which is too faint on white. */
export const SERIES = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#e69f00",
  "#8a6d3b",
] as const;

/** The colour of what is flagged or odd. */
export const ALARM = "#d55e00";

/** Seven colours and six shapes repeat at different periods, so 42 labels look different. */
export const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "plus"] as const;
export type Shape = (typeof SHAPES)[number];

export function seriesColor(index: number): string {
  return SERIES[index % SERIES.length] ?? SERIES[0];
}

export function seriesShape(index: number): Shape {
  return SHAPES[index % SHAPES.length] ?? SHAPES[0];
}

type Color = readonly [red: number, green: number, blue: number];

const LIGHT = { low: [33, 102, 172], zero: [250, 250, 250], high: [191, 87, 0] } as const;
const DARK = { low: [92, 166, 236], zero: [34, 36, 40], high: [245, 150, 60] } as const;

/** The colour of a signed value in [-1, 1]: blue below zero, orange above. */
export function signedColor(value: number, dark: boolean): Color {
  const { low, zero, high } = dark ? DARK : LIGHT;
  const end = value < 0 ? low : high;
  const share = Math.min(1, Math.abs(value));
  const mix = (i: 0 | 1 | 2) => Math.round(zero[i] + (end[i] - zero[i]) * share);
  return [mix(0), mix(1), mix(2)];
}

export function cssColor([red, green, blue]: Color): string {
  return `rgb(${red},${green},${blue})`;
}
