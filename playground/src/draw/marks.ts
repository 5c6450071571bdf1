// The points of the map: each label has a sign and a colour. A label of one character is its own sign.

const ON_LIGHT = [
  "#3b5fc0",
  "#a86f00",
  "#c0392b",
  "#1f7f6e",
  "#4d7c1f",
  "#a8458f",
  "#6a4fb8",
  "#8a4b23",
  "#55606e",
  "#0d7fa5",
];
const ON_DARK = [
  "#8ea8ff",
  "#f0b84b",
  "#ff8a7a",
  "#5fd3bd",
  "#a5d46a",
  "#f09ad8",
  "#b7a3ff",
  "#e0a67a",
  "#b4bdc9",
  "#66c7ea",
];
const SIGNS = ["\u25cf", "\u25b2", "\u25a0", "\u25c6", "\u271a", "\u2716", "\u25bc", "\u2605"];

export interface Mark {
  readonly sign: string;
  readonly color: string;
}

/** A mark for every label of a data set. */
export function marksFor(labels: readonly string[], dark: boolean): Map<string, Mark> {
  const names = [...new Set(labels)].sort();
  const colors = dark ? ON_DARK : ON_LIGHT;
  const isShort = names.every((name) => name.length === 1);
  return new Map(
    names.slice(0, 80).map((name, i) => [
      name,
      {
        sign: isShort ? name : (SIGNS[i % SIGNS.length] ?? "\u25cf"),
        color: colors[i % colors.length] ?? "#888",
      },
    ]),
  );
}

/** A mark as a small picture, because a frame draws it a thousand times. */
export function sprite(mark: Mark, size: number, ratio: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(size * 1.4 * ratio);
  canvas.height = canvas.width;
  const context = canvas.getContext("2d");
  if (context) {
    context.font = `600 ${size * ratio}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = mark.color;
    context.fillText(mark.sign, canvas.width / 2, canvas.height / 2 + ratio * 0.5);
  }
  return canvas;
}
