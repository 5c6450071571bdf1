import { describe, expect, test } from "vitest";
import { drawErrors } from "../../src/view.ts";
import { elements, paper, texts } from "./marks.ts";

const heights = (svg: string, fill: string) =>
  elements(svg, "rect")
    .filter((rect) => rect.fill === fill)
    .map(({ height }) => Number(height));

describe("drawErrors", () => {
  test("the height of a bar is its number of rows", () => {
    const svg = drawErrors([0, 0, 0, 0, 5, 9, 9], { bins: 3 });
    const [first = 0, second = 0, third = 0] = heights(svg, "#0072b2");
    expect(first / third).toBeCloseTo(2, 1);
    expect(third / second).toBeCloseTo(2, 1);
  });

  test("errors above the threshold are counted and look different", () => {
    const errors = [1, 1, 1, 1, 2, 2, 7, 9];
    const svg = drawErrors(errors, { threshold: 5, bins: 8, log: false });
    expect(texts(svg)).toContain("2 above 5");
    expect(heights(svg, "#d55e00")).toHaveLength(2);
    expect(heights(svg, "#fff")).toHaveLength(2); // the stripe, because colour must not be the only mark
    expect(svg).toContain("2 above the threshold 5.");
  });

  test("a long tail is drawn on a logarithmic axis, unless there are zeros", () => {
    const tail = [1, 1, 1, 1000];
    expect(texts(drawErrors(tail))).toContain("error (log)");
    expect(texts(drawErrors([0, ...tail]))).toContain("error");
    expect(texts(drawErrors(tail, { log: false, unit: "score" }))).toContain("score");
  });

  test("the threshold is always on the chart", () => {
    for (const threshold of [-10, 0, 100]) {
      const svg = drawErrors([1, 2, 3], { threshold });
      const line = elements(svg, "path").find((path) => "stroke-dasharray" in path);
      const x = Number(/M([\d.]+)/.exec(line?.d ?? "")?.[1]);
      expect(x).toBeGreaterThanOrEqual(52);
      expect(x).toBeLessThanOrEqual(468);
    }
  });

  test("equal errors, none, and some that are not finite", () => {
    expect(heights(drawErrors([2, 2, 2]), "#0072b2")).toHaveLength(1);
    expect(drawErrors([])).toContain("0 rows;");
    expect(drawErrors([1, Number.NaN])).toContain("1 that are not finite are left out.");
  });

  test("typed arrays and a canvas", () => {
    const { context, record } = paper(480, 220);
    expect(drawErrors(Float32Array.of(1, 2), { context })).toBe(
      "Distribution of errors. 2 rows; error from 1 to 2, median 2.",
    );
    expect(record.texts).toContain("rows");
    expect(() => drawErrors("12" as never)).toThrow("errors must be a list of numbers");
  });
});
