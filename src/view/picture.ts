// The surface of every picture: a few marks, written as SVG or drawn into a canvas, and the text alternative
// of the picture. Drawing functions do not depend on the kind of surface.

import { optionalText } from "../checks.ts";
import { InvalidValueError, show } from "../errors.ts";
import type { Shape } from "./colors.ts";
import { type Pixels, pngUri } from "./png.ts";

/** The part of CanvasRenderingContext2D that the pictures use. */
export interface CanvasContext {
  fillStyle: unknown;
  strokeStyle: unknown;
  lineWidth: number;
  globalAlpha: number;
  font: string;
  textAlign: string;
  save(): void;
  restore(): void;
  translate(x: number, y: number): void;
  rotate(angle: number): void;
  clearRect(x: number, y: number, width: number, height: number): void;
  fillRect(x: number, y: number, width: number, height: number): void;
  fillText(text: string, x: number, y: number): void;
  beginPath(): void;
  closePath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  arc(x: number, y: number, radius: number, start: number, end: number): void;
  fill(): void;
  stroke(): void;
  setLineDash(segments: number[]): void;
  /** With these three methods of the context, an image is drawn with one call. Without them it is drawn as rectangles. */
  getTransform?(): { a: number; b: number; c: number; d: number; e: number; f: number };
  createImageData?(width: number, height: number): { readonly data: Uint8ClampedArray };
  putImageData?(image: never, x: number, y: number): void;
}

/** The options of all pictures. */
export interface PictureOptions {
  /**
   * A canvas context to draw into, with its origin at the picture's upper left corner. The function then returns
   * the text alternative, for the canvas's `aria-label`. Default: none; the function returns an SVG string.
   */
  context?: CanvasContext;
  /** Title of the picture in its text alternative. Each function has a default. */
  title?: string;
  /** Colour of text and axes. Default `"currentColor"` in SVG, dark or light grey on a canvas. */
  ink?: string;
  /** Draw for a dark background. Default false. */
  dark?: boolean;
}

/** The marks of a picture. Coordinates are CSS pixels; y points down. */
export interface Surface {
  rect(x: number, y: number, width: number, height: number, fill: string, opacity?: number): void;
  /** One line for each run of points. */
  lines(runs: readonly (readonly Point[])[], look: LineLook): void;
  glyphs(shape: Shape, at: readonly Point[], radius: number, fill: string, opacity?: number): void;
  text(x: number, y: number, text: string, look?: TextLook): void;
  pixels(x: number, y: number, scale: number, image: Pixels, title?: string): void;
}

export type Point = readonly [x: number, y: number];

export interface LineLook {
  readonly stroke?: string;
  readonly width?: number;
  readonly opacity?: number;
  readonly dash?: boolean;
}

export interface TextLook {
  readonly anchor?: "start" | "middle" | "end";
  readonly vertical?: boolean;
  readonly bold?: boolean;
}

const FONT = "system-ui, sans-serif";
const FONT_SIZE = 11;

/** Draws a picture of the given size. Returns SVG, or the text alternative if there is a context. */
export function picture(
  options: PictureOptions,
  [width, height]: Point,
  title: string,
  description: string,
  draw: (surface: Surface) => void,
): string {
  const heading = optionalText("title", options.title) ?? title;
  const { context, dark = false } = options;
  const given = optionalText("ink", options.ink);
  if (context !== undefined) {
    const ink = given ?? (dark ? "#d8dadf" : "#33363d");
    context.clearRect(0, 0, width, height);
    draw(canvasSurface(context, ink));
    return `${heading}. ${description}`;
  }
  const parts: string[] = [];
  draw(svgSurface(parts, given ?? "currentColor"));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" width="${round(width)}" height="${round(height)}" ` +
    `role="img" aria-label="${escapeXml(`${heading}. ${description}`)}" font-family="${FONT}" font-size="${FONT_SIZE}">` +
    `<title>${escapeXml(heading)}</title><desc>${escapeXml(description)}</desc>${parts.join("")}</svg>`
  );
}

function svgSurface(parts: string[], ink: string): Surface {
  const alpha = (name: string, opacity = 1) =>
    opacity === 1 ? "" : ` ${name}="${round(opacity)}"`;
  return {
    rect(x, y, width, height, fill, opacity) {
      parts.push(
        `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${escapeXml(fill)}"${alpha("fill-opacity", opacity)}/>`,
      );
    },
    lines(runs, { stroke = ink, width = 1, opacity, dash }) {
      if (runs.length === 0) return;
      const path = runs
        .map((points) => `M${points.map(([x, y]) => `${round(x)} ${round(y)}`).join("L")}`)
        .join("");
      const dashes = dash ? ' stroke-dasharray="4 3"' : "";
      parts.push(
        `<path d="${path}" fill="none" stroke="${escapeXml(stroke)}" stroke-width="${round(width)}" stroke-linejoin="round"${alpha("stroke-opacity", opacity)}${dashes}/>`,
      );
    },
    glyphs(shape, at, radius, fill, opacity) {
      if (at.length === 0) return;
      // One path for all points is a tenth as long as one element for each.
      const color = escapeXml(fill);
      if (shape === "circle") {
        const path = at.map(([x, y]) => `M${round(x)} ${round(y)}h0`).join("");
        parts.push(
          `<path d="${path}" stroke="${color}" stroke-width="${round(2 * radius)}" stroke-linecap="round"${alpha("stroke-opacity", opacity)}/>`,
        );
        return;
      }
      const corners = outline(shape, radius);
      const steps = corners.slice(1).map(([x, y], i) => {
        const [fromX, fromY] = corners[i] ?? [0, 0];
        return `l${round(x - fromX)} ${round(y - fromY)}`;
      });
      const [dx, dy] = corners[0] ?? [0, 0];
      const path = at.map(([x, y]) => `M${round(x + dx)} ${round(y + dy)}${steps.join("")}z`);
      parts.push(`<path d="${path.join("")}" fill="${color}"${alpha("fill-opacity", opacity)}/>`);
    },
    text(x, y, content, { anchor = "start", vertical, bold } = {}) {
      const turned = vertical ? ` transform="rotate(-90 ${round(x)} ${round(y)})"` : "";
      parts.push(
        `<text x="${round(x)}" y="${round(y)}" fill="${escapeXml(ink)}" text-anchor="${anchor}"${bold ? ' font-weight="600"' : ""}${turned}>${escapeXml(content)}</text>`,
      );
    },
    pixels(x, y, scale, image, title) {
      const { width, height } = image;
      const frame = `x="${round(x)}" y="${round(y)}" width="${round(width * scale)}" height="${round(height * scale)}"`;
      const named = title === undefined ? "" : `<title>${escapeXml(title)}</title>`;
      parts.push(
        `<image ${frame} preserveAspectRatio="none" style="image-rendering:pixelated" href="${pngUri(image)}">${named}</image>`,
      );
    },
  };
}

function canvasSurface(context: CanvasContext, ink: string): Surface {
  const withAlpha = (opacity: number | undefined, draw: () => void) => {
    context.globalAlpha = opacity ?? 1;
    draw();
    context.globalAlpha = 1;
  };
  return {
    rect(x, y, width, height, fill, opacity) {
      context.fillStyle = fill;
      withAlpha(opacity, () => context.fillRect(x, y, width, height));
    },
    lines(runs, { stroke = ink, width = 1, opacity, dash }) {
      context.strokeStyle = stroke;
      context.lineWidth = width;
      context.setLineDash(dash ? [4, 3] : []);
      context.beginPath();
      for (const points of runs) trace(context, points);
      withAlpha(opacity, () => context.stroke());
    },
    glyphs(shape, at, radius, fill, opacity) {
      context.fillStyle = fill;
      context.beginPath();
      const corners = shape === "circle" ? [] : outline(shape, radius);
      for (const [x, y] of at) {
        if (shape === "circle") {
          context.moveTo(x + radius, y);
          context.arc(x, y, radius, 0, 2 * Math.PI);
        } else {
          trace(
            context,
            corners.map(([dx, dy]) => [x + dx, y + dy]),
          );
          context.closePath();
        }
      }
      withAlpha(opacity, () => context.fill());
    },
    text(x, y, content, { anchor = "start", vertical, bold } = {}) {
      context.fillStyle = ink;
      context.font = `${bold ? "600 " : ""}${FONT_SIZE}px ${FONT}`;
      context.textAlign = anchor === "middle" ? "center" : anchor;
      if (!vertical) {
        context.fillText(content, x, y);
        return;
      }
      context.save();
      context.translate(x, y);
      context.rotate(-Math.PI / 2);
      context.fillText(content, 0, 0);
      context.restore();
    },
    pixels(x, y, scale, image) {
      if (putPixels(context, x, y, scale, image)) return;
      const { width, height, rgba } = image;
      // Neighbouring pixels of one colour become one rectangle. This takes few calls, and works under any transform.
      for (let row = 0; row < height; row++) {
        for (let start = 0; start < width; ) {
          const color = colorAt(rgba, row * width + start);
          let end = start + 1;
          while (end < width && colorAt(rgba, row * width + end) === color) end++;
          context.fillStyle = `#${color.toString(16).padStart(6, "0")}`;
          context.fillRect(x + start * scale, y + row * scale, (end - start) * scale, scale);
          start = end;
        }
      }
    },
  };
}

/**
 * Draws an image at the resolution of the device. Each device pixel has the colour of the nearest pixel of the image. This
 * takes a tenth of the time of rectangles. Returns false if the context lacks the methods or is rotated.
 */
function putPixels(
  context: CanvasContext,
  x: number,
  y: number,
  scale: number,
  { width, height, rgba }: Pixels,
): boolean {
  const transform = context.getTransform?.();
  if (transform?.b !== 0 || transform.c !== 0) return false;
  const { a, d, e, f } = transform;
  const [left, top] = [Math.round(x * a + e), Math.round(y * d + f)];
  const across = Math.round((x + width * scale) * a + e) - left;
  const down = Math.round((y + height * scale) * d + f) - top;
  if (!(across > 0 && down > 0)) return false;
  const image = context.createImageData?.(across, down);
  if (!image || !context.putImageData) return false;
  const to = new Uint32Array(image.data.buffer, image.data.byteOffset, across * down);
  const from = new Uint32Array(rgba.buffer, rgba.byteOffset, width * height);
  for (let row = 0; row < down; row++) {
    const start = Math.floor(((row + 0.5) / down) * height) * width;
    for (let column = 0; column < across; column++) {
      const pixel = Math.floor(((column + 0.5) / across) * width);
      to[row * across + column] = from[start + pixel] ?? 0;
    }
  }
  context.putImageData(image as never, left, top);
  return true;
}

function trace(context: CanvasContext, points: readonly Point[]): void {
  points.forEach(([x, y], i) => {
    if (i === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  });
}

function colorAt(rgba: Uint8ClampedArray, pixel: number): number {
  const at = pixel * 4;
  return ((rgba[at] ?? 0) << 16) | ((rgba[at + 1] ?? 0) << 8) | (rgba[at + 2] ?? 0);
}

/** The corners of a glyph relative to its centre. Its area is about that of a circle with the radius. */
function outline(shape: Exclude<Shape, "circle">, radius: number): Point[] {
  const r = radius;
  const a = r / 3;
  const b = r * 1.15;
  const plus: Point[] = [
    [-a, -b],
    [a, -b],
    [a, -a],
    [b, -a],
    [b, a],
    [a, a],
    [a, b],
    [-a, b],
    [-a, a],
    [-b, a],
    [-b, -a],
    [-a, -a],
  ];
  switch (shape) {
    case "square":
      return [
        [-r * 0.9, -r * 0.9],
        [r * 0.9, -r * 0.9],
        [r * 0.9, r * 0.9],
        [-r * 0.9, r * 0.9],
      ];
    case "triangle":
      return [
        [0, -r * 1.25],
        [r * 1.1, r * 0.8],
        [-r * 1.1, r * 0.8],
      ];
    case "diamond":
      return [
        [0, -r * 1.3],
        [r * 1.3, 0],
        [0, r * 1.3],
        [-r * 1.3, 0],
      ];
    case "plus":
      return plus;
    case "cross":
      return plus.map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]);
  }
}

/** Text for SVG. Characters with a meaning in XML are escaped, and characters that XML forbids are left out. */
export function escapeXml(value: string): string {
  return (
    value
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML forbids these characters
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
      .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "")
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/"/g, "&quot;")
      .replace(/'/g, "&#39;")
  );
}

/** Coordinates to a hundredth of a pixel. */
function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** The size of a chart: `[width, height]`, each at least 120 pixels. */
export function chartSize(size: unknown, fallback: Point): Point {
  if (size === undefined) return fallback;
  const [width, height] = Array.isArray(size) ? (size as unknown[]) : [];
  if (typeof width !== "number" || typeof height !== "number" || !(width >= 120 && height >= 120)) {
    throw new InvalidValueError(
      `size must be [width, height], each at least 120 pixels; got ${show(size)}.`,
    );
  }
  return [width, height];
}
