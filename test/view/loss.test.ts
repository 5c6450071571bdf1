import { describe, expect, test } from "vitest";
import { drawLoss } from "../../src/view.ts";
import { elements, paper, texts } from "./marks.ts";

const history = { epoch: [0, 1, 2], history: { loss: [1, 0.1, 0.01], valLoss: [1, 0.2, 0.05] } };

/** The points of a line path. */
const points = (path: string | undefined) =>
  (path ?? "")
    .slice(1)
    .split("L")
    .map((pair) => pair.split(" ").map(Number));

describe("drawLoss", () => {
  test("on the logarithmic axis equal factors are equal distances", () => {
    const lines = elements(drawLoss(history), "path").filter(({ "stroke-width": w }) => w === "2");
    const [first, second, third] = points(
      lines.find(({ d }) => d?.includes("L") && d.split("L").length === 3)?.d,
    );
    const [a = 0, b = 0, c = 0] = [first?.[1], second?.[1], third?.[1]];
    expect(b - a).toBeCloseTo(c - b, 1);
    expect(b - a).toBeGreaterThan(40);
    expect(first?.[0]).toBe(52);
    expect(third?.[0]).toBe(468);
  });

  test("validation is dashed, and does not differ only in colour", () => {
    const dashed = elements(drawLoss(history), "path").filter((path) => "stroke-dasharray" in path);
    expect(dashed.some(({ stroke }) => stroke === "#d55e00")).toBe(true);
    expect(dashed.some(({ stroke }) => stroke === "#0072b2")).toBe(false);
    expect(texts(drawLoss(history))).toContain("validation");
  });

  test("further series have separate names and colours; without a legend they are only described", () => {
    const more = { epoch: [0, 1, 2], history: { ...history.history, twin: [1, Number.NaN, 0.3] } };
    const svg = drawLoss(more);
    expect(texts(svg)).toContain("twin");
    expect(elements(svg, "path").some(({ stroke }) => stroke === "#009e73")).toBe(true);
    expect(svg).toContain("twin from 1 to 0.3 in 3 values, 1 not finite.");
    expect(texts(drawLoss(more, { legend: false }))).not.toContain("twin");
  });

  test("references are levels with a name and a number", () => {
    const svg = drawLoss(history, { references: { PCA: 0.031, broken: Number.NaN } });
    expect(texts(svg)).toContain("PCA 0.031");
    expect(svg).toContain("PCA at 0.031.");
    expect(svg).not.toContain("broken");
  });

  test("a loss that is not finite interrupts the line, and is counted", () => {
    const svg = drawLoss([1, 0.5, Number.NaN, 0.5, 0.25]);
    const line = elements(svg, "path").find(({ stroke }) => stroke === "#0072b2");
    expect(line?.d?.match(/M/g)?.length).toBe(2);
    expect(svg).toContain("loss from 1 to 0.25 in 5 values, 1 not finite.");
  });

  test("one loss is a point, none is an empty chart", () => {
    const marks = elements(drawLoss([0.5]), "path");
    expect(marks.some((mark) => mark["stroke-linecap"] === "round")).toBe(true);
    expect(drawLoss([])).toContain("loss: no value yet.");
  });

  test("the axis has round numbers and its unit", () => {
    expect(texts(drawLoss(history, { unit: "time" }))).toEqual(
      expect.arrayContaining(["0.01", "0.1", "1", "time", "loss (log)"]),
    );
    expect(texts(drawLoss([5, 3, 1], { log: false }))).toEqual(
      expect.arrayContaining(["1", "2", "3", "4", "5", "step", "loss"]),
    );
  });

  test("on a canvas it strokes the lines and returns the text alternative", () => {
    const { context, record } = paper(480, 240);
    expect(drawLoss(history, { context })).toMatch(/^Loss\. training from 1 to 0\.01 in 3 values/);
    expect(record.strokes).toBeGreaterThan(2);
    expect(record.texts).toContain("epoch");
  });

  test("a value that is not a history is refused", () => {
    expect(() => drawLoss(null as never)).toThrow("drawLoss takes what fit resolves with");
    expect(() => drawLoss([1], { size: [10, 10] })).toThrow("size must be [width, height]");
  });

  test("series of several models have names, positions and a quantity", () => {
    const series = { random: [0.7, 0.5, 0.4], pretrained: [0.4, 0.3] };
    const svg = drawLoss({ series, at: [0, 10, 20] }, { unit: "step", quantity: "error" });
    for (const text of ["random", "pretrained", "error (log)", "step", "20"]) {
      expect(texts(svg)).toContain(text);
    }
    expect(svg).toContain("random from 0.7 to 0.4 in 3 values; pretrained from 0.4 to 0.3 in 2");
    const [whole, half] = elements(svg, "path").filter(({ "stroke-width": w }) => w === "2");
    expect(points(whole?.d).at(-1)?.[0]).toBeGreaterThan(points(half?.d).at(-1)?.[0] ?? 0);
  });
});

describe("drawLoss refuses", () => {
  test.each([
    [
      "a history without losses",
      { history: {} },
      {},
      "history.loss must be a list of numbers; got undefined",
    ],
    ["a series that is no list", { series: { a: 3 } }, {}, "a must be a list of numbers; got 3"],
    ["series that are none", { series: null }, {}, "series must be an object; got null"],
    [
      "epochs that are no list",
      { epoch: 2, history: { loss: [1] } },
      {},
      "epoch must be a list of numbers",
    ],
    ["a unit that is no text", [1, 2], { unit: 3 }, "unit must be a string; got 3"],
    ["ink that is no text", [1, 2], { ink: 3 }, "ink must be a string; got 3"],
    ["options that are none", [1, 2], null, "drawLoss's options must be an object; got null"],
  ])("%s", (_, history, options, message) => {
    expect(() => drawLoss(history as never, options as never)).toThrow(
      expect.objectContaining({
        name: "InvalidTypeError",
        message: expect.stringContaining(message),
      }),
    );
  });
});
