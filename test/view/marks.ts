// Reads pictures for tests: the pixels of PNG images inside SVG, and a canvas that keeps the pixels of its
// rectangles and a record of all other calls.

import { inflateSync } from "node:zlib";
import type { CanvasContext } from "../../src/view.ts";

export interface Image {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue of the pixel in a column and a row. */
  at(x: number, y: number): number[];
}

/** The images in an SVG, decoded by zlib, which checks the checksums. */
export function imagesIn(svg: string): Image[] {
  const found = svg.matchAll(/href="data:image\/png;base64,([^"]+)"/g);
  return [...found].map(([, text]) => decodePng(Buffer.from(text ?? "", "base64")));
}

function decodePng(bytes: Buffer): Image {
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString("latin1", at + 4, at + 8);
    chunks.set(type, bytes.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const header = chunks.get("IHDR") ?? Buffer.alloc(0);
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const lines = inflateSync(chunks.get("IDAT") ?? Buffer.alloc(0));
  return {
    width,
    height,
    at: (x, y) => [...lines.subarray(y * (width * 3 + 1) + 1 + x * 3).subarray(0, 3)],
  };
}

/** The attributes of every element of a name. */
export function elements(svg: string, name: string): Record<string, string>[] {
  return [...svg.matchAll(new RegExp(`<${name}\\b([^>]*)>`, "g"))].map(([, attributes]) =>
    Object.fromEntries(
      [...(attributes ?? "").matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
    ),
  );
}

/** The texts of an SVG in order. */
export function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text ?? "");
}

/**
 * A canvas context that draws rectangles into pixels and counts paths. With a ratio of device pixels to CSS
 * pixels it also accepts whole images, as the canvas of a page does.
 */
export function paper(width: number, height: number, ratio?: number) {
  const pixels = new Array<string>(width * height).fill("");
  const record = { texts: [] as string[], strokes: 0, arcs: 0, polygons: 0 };
  const context: CanvasContext = {
    fillStyle: "",
    strokeStyle: "",
    lineWidth: 1,
    globalAlpha: 1,
    font: "",
    textAlign: "start",
    save() {},
    restore() {},
    translate() {},
    rotate() {},
    clearRect: (x, y, w, h) => paint(x, y, w, h, ""),
    fillRect: (x, y, w, h) => paint(x, y, w, h, String(context.fillStyle)),
    fillText: (text) => void record.texts.push(text),
    beginPath() {},
    closePath: () => void record.polygons++,
    moveTo() {},
    lineTo() {},
    arc: () => void record.arcs++,
    fill() {},
    stroke: () => void record.strokes++,
    setLineDash() {},
  };
  if (ratio !== undefined) {
    const images = {
      getTransform: () => ({ a: ratio, b: 0, c: 0, d: ratio, e: 0, f: 0 }),
      createImageData: (w: number, h: number) => ({
        width: w,
        data: new Uint8ClampedArray(w * h * 4),
      }),
      putImageData(image: { width: number; data: Uint8ClampedArray }, x: number, y: number) {
        for (let i = 0; i < image.data.length / 4; i++) {
          const color = [...image.data.subarray(4 * i, 4 * i + 3)].map((byte) =>
            byte.toString(16).padStart(2, "0"),
          );
          paint(x + (i % image.width), y + Math.floor(i / image.width), 1, 1, `#${color.join("")}`);
        }
      },
    };
    Object.assign(context, images);
  }
  function paint(x: number, y: number, w: number, h: number, color: string) {
    for (let row = Math.round(y); row < Math.round(y + h); row++) {
      for (let column = Math.round(x); column < Math.round(x + w); column++) {
        if (column < width && row < height) pixels[row * width + column] = color;
      }
    }
  }
  return { context, record, at: (x: number, y: number) => pixels[y * width + x] };
}
