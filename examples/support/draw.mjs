// Square grey images as text, two characters a pixel, so that they appear square.

const SHADES = [" ", "░", "▒", "▓", "█"];

/** Each row of `pixels` (values 0 to 1) as an array of text lines. */
export function draw(pixels, width) {
  const side = Math.sqrt(width);
  const shade = (value) => SHADES[Math.max(0, Math.min(4, Math.round(value * 4)))].repeat(2);
  return Array.from({ length: pixels.length / width }, (_, image) =>
    Array.from({ length: side }, (_, y) => {
      const start = image * width + y * side;
      return Array.from(pixels.subarray(start, start + side), shade).join("");
    }),
  );
}

/** Images of equal height in a row. */
export function sideBySide(images) {
  return images[0].map((_, y) => images.map((lines) => lines[y]).join("  ")).join("\n");
}
