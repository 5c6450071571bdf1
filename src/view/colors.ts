// Colours that people with colour-vision deficiencies can tell apart, and the ramps of pixel images.

/** The palette of Okabe and Ito. A brown replaces its yellow, which is too faint on white. */
const ON_LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8a6d3b"];
/** The same hues, lighter. */
const ON_DARK = ["#4aa3df", "#f08a4b", "#2fc79a", "#e09ac4", "#9ad6f7", "#f2c14e", "#c4a26a"];

/** Seven colours and six shapes repeat at different periods, so 42 labels look different. */
export const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "plus"] as const;
export type Shape = (typeof SHAPES)[number];

export function seriesColor(index: number, dark = false): string {
  const colors = dark ? ON_DARK : ON_LIGHT;
  return colors[index % colors.length] ?? "";
}

/** The colour of flagged or odd rows. */
export function alarmColor(dark = false): string {
  return seriesColor(1, dark);
}

export function seriesShape(index: number): Shape {
  return SHAPES[index % SHAPES.length] ?? "circle";
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
