import { describe, expect, test } from "vitest";
import { drawFilters } from "../../src/view.ts";
import { elements, imagesIn, paper, texts } from "./marks.ts";

const weight = { shape: [2, 4], data: Float32Array.of(1, -1, 0, 0.5, 0.25, 0, 0, 0) };

describe("drawFilters", () => {
  test("each unit is an image: orange above zero, blue below, light at zero", () => {
    const [first, second] = imagesIn(drawFilters(weight, { width: 2 }));
    expect(first?.at(0, 0)).toEqual([191, 87, 0]);
    expect(first?.at(1, 0)).toEqual([33, 102, 172]);
    expect(first?.at(0, 1)).toEqual([250, 250, 250]);
    const [red = 0, , blue = 0] = second?.at(0, 0) ?? [];
    expect(red).toBeGreaterThan(blue);
    expect(blue).toBeGreaterThan(150); // a quarter of the largest weight is pale
  });

  test("the option each scales a unit by its largest weight", () => {
    const [, second] = imagesIn(drawFilters(weight, { width: 2, each: true }));
    expect(second?.at(0, 0)).toEqual([191, 87, 0]);
  });

  test("a bar marks negative weights, so that hue is not necessary", () => {
    const options = { width: 2, scale: 10, legend: false } as const;
    const [bar, ...more] = elements(drawFilters(weight, options), "path");
    expect(bar?.d).toBe("M12.5 5L17.5 5"); // the pixel at (1, 0)
    expect(more).toEqual([]);
    expect(elements(drawFilters(weight, { ...options, signs: false }), "path")).toEqual([]);
  });

  test("the legend names both ends; small pixels have no bars", () => {
    const svg = drawFilters(weight, { width: 2, scale: 3 });
    expect(texts(svg)).toEqual(["\u22121", "+1"]);
    expect(elements(svg, "path")).toEqual([]);
    expect(svg).toContain("2 units as images of 2 by 2 weights, largest 1;");
  });

  test("a weight of zeros, of NaN or without units is drawn", () => {
    const [image] = imagesIn(drawFilters([[0, Number.NaN, 0, 0]], { width: 2 }));
    expect(image?.at(1, 0)).toEqual([250, 250, 250]);
    expect(imagesIn(drawFilters(new Float32Array(0), { width: 2 }))).toEqual([]);
  });

  test("on a dark canvas zero is dark", () => {
    const { context, at } = paper(8, 8);
    drawFilters([[0, 1, -1, 0]], { width: 2, scale: 4, legend: false, dark: true, context });
    expect(at(0, 0)).toBe("#222428");
    expect(at(4, 0)).toBe("#f5963c");
    expect(at(0, 4)).toBe("#5ca6ec");
  });
});
