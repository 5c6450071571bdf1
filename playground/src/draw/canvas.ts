// Sharp canvases, and fast drawing of images in every frame.

/** Sets the resolution of a canvas for a size in CSS pixels. Returns its context, scaled and empty. */
export function prepare(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const ratio = Math.min(3, devicePixelRatio || 1);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

type Ramp = (value: number) => readonly [number, number, number];

const PAPER = [255, 255, 255] as const;
const NIGHT = [30, 33, 39] as const;

/** White to black, or dark to light on a dark page. */
export function inkRamp(dark: boolean): Ramp {
  return between(dark ? NIGHT : PAPER, dark ? [240, 238, 232] : [24, 27, 34]);
}

/** White to orange, for errors. */
export function heatRamp(dark: boolean): Ramp {
  return between(dark ? NIGHT : PAPER, dark ? [255, 145, 60] : [200, 70, 0]);
}

function between(
  low: readonly [number, number, number],
  high: readonly [number, number, number],
): Ramp {
  return (value) => {
    const share = Math.max(0, Math.min(1, value));
    const mix = (i: 0 | 1 | 2) => low[i] + (high[i] - low[i]) * share;
    return [mix(0), mix(1), mix(2)];
  };
}

/** Draws an image with one canvas pixel for each of its pixels. CSS scales the canvas. */
export function putImage(
  canvas: HTMLCanvasElement,
  values: ArrayLike<number>,
  width: number,
  height: number,
  ramp: Ramp,
): void {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  if (!context || width < 1 || height < 1) return;
  const pixels = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const [red, green, blue] = ramp(values[i] ?? 0);
    pixels.data[4 * i] = red;
    pixels.data[4 * i + 1] = green;
    pixels.data[4 * i + 2] = blue;
    pixels.data[4 * i + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

/** Many images as one large one: `across` in a line. */
export function mosaic(
  images: Float32Array,
  width: number,
  height: number,
  across: number,
): { values: Float32Array; width: number; height: number } {
  const size = width * height;
  const count = Math.floor(images.length / size);
  const down = Math.ceil(count / across);
  // Space between the images, so that they do not run together.
  const [cell, line] = [width + Math.ceil(width / 4), height + Math.ceil(height / 4)];
  const values = new Float32Array(across * cell * down * line);
  for (let i = 0; i < count; i++) {
    const left = (i % across) * cell + ((cell - width) >> 1);
    const top = Math.floor(i / across) * line + ((line - height) >> 1);
    for (let y = 0; y < height; y++) {
      const from = i * size + y * width;
      values.set(images.subarray(from, from + width), (top + y) * across * cell + left);
    }
  }
  return { values, width: across * cell, height: down * line };
}
