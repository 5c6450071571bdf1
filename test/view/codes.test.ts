import { describe, expect, test } from "vitest";
import { drawCodes } from "../../src/view.ts";
import { elements, paper, texts } from "./marks.ts";

/** The positions of round points, by colour. */
function circles(svg: string): Record<string, number[][]> {
  const round = elements(svg, "path").filter((path) => path["stroke-linecap"] === "round");
  return Object.fromEntries(
    round.map(({ stroke, d }) => [
      stroke,
      (d ?? "")
        .split("M")
        .filter(Boolean)
        .map((at) => at.replace("h0", "").split(" ").map(Number)),
    ]),
  );
}

describe("drawCodes", () => {
  test("values determine positions: larger is further right and further up", () => {
    const at =
      circles(
        drawCodes([
          [0, 0],
          [1, 0],
          [0, 1],
        ]),
      )["#0072b2"] ?? [];
    const [origin, right, up] = at;
    expect(right?.[0]).toBeGreaterThan(origin?.[0] ?? 0);
    expect(right?.[1]).toBe(origin?.[1]);
    expect(up?.[1]).toBeLessThan(origin?.[1] ?? 0);
  });

  test("each label has a colour and a shape, and the legend is in ascending order", () => {
    const svg = drawCodes(
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
      { labels: [10, 9, 10] },
    );
    expect(texts(svg).filter((text) => text === "9" || text === "10")).toEqual(["9", "10"]);
    expect(circles(svg)["#0072b2"]).toHaveLength(1); // only label 9 is round in this path
    const squares = elements(svg, "path").filter(({ fill }) => fill === "#d55e00");
    expect(squares[0]?.d?.match(/z/g)).toHaveLength(2);
  });

  test("more than twelve labels have no legend, and markup in a label is text", () => {
    const many = Array.from({ length: 13 }, (_, i) => `n${i}`);
    expect(
      texts(
        drawCodes(
          many.map(() => [0, 0]),
          { labels: many },
        ),
      ),
    ).not.toContain("n0");
    const svg = drawCodes(
      [
        [0, 0],
        [1, 1],
      ],
      { labels: ["<b>", "&"] },
    );
    expect(svg).toContain("&lt;b&gt;");
    expect(svg).not.toContain("<b>");
  });

  test("axes select two values of a longer code", () => {
    const svg = drawCodes(
      [
        [5, 0, 1],
        [5, 1, 9],
      ],
      { dimensions: 3, axes: [1, 2] },
    );
    expect(texts(svg)).toContain("code 2");
    expect(svg).toContain("code 1 from \u22120.04 to 1.04, code 2 from 0.68 to 9.32.");
    expect(() => drawCodes([[1, 2]], { axes: [0, 2] })).toThrow("axes must be below dimensions 2");
  });

  test("a code of one value is a line of points", () => {
    const at = circles(drawCodes([[1], [2]], { dimensions: 1 }))["#0072b2"] ?? [];
    expect(at[0]?.[1]).toBe(at[1]?.[1]);
    expect(at[0]?.[0]).toBeLessThan(at[1]?.[0] ?? 0);
  });

  test("points that are not finite are left out and counted", () => {
    const svg = drawCodes([
      [0, 0],
      [Number.NaN, 1],
      [1, Infinity],
    ]);
    expect(svg).toContain("1 points;");
    expect(svg).toContain("2 points that are not finite are left out.");
    expect(drawCodes([])).toContain("0 points;");
  });

  test("highlighted points are drawn over the others", () => {
    const svg = drawCodes(
      [
        [0, 0],
        [1, 1],
      ],
      { highlighted: [1] },
    );
    expect(elements(svg, "path").filter(({ fill }) => fill === "#d55e00")).toHaveLength(1);
  });

  test("on a canvas every point is drawn", () => {
    const { context, record } = paper(420, 420);
    const labels = [0, 1, 1];
    const said = drawCodes(
      [
        [0, 0],
        [1, 1],
        [2, 1],
      ],
      { labels, context },
    );
    expect(said).toMatch(/^Map of codes\. 3 points/);
    expect(record.arcs).toBe(1 + 1); // a point and its legend
    expect(record.polygons).toBe(2 + 1);
  });

  test("a label is missing", () => {
    expect(() => drawCodes([[0, 0]], { labels: [] })).toThrow(
      "labels must hold one label a point: 1",
    );
  });
});

test("drawCodes takes any labels but no value in place of their list", () => {
  const points = [
    [0, 1],
    [1, 0],
  ];
  const odd = [Object.create(null), { toString: 1 }];
  expect(drawCodes(points, { labels: odd as never })).toContain("<svg");
  for (const labels of [null, 3, {}]) {
    expect(() => drawCodes(points, { labels: labels as never })).toThrow("labels must be a list");
  }
  expect(() => drawCodes(points, { highlighted: 1 as never })).toThrow(
    "highlighted must be a list; got 1",
  );
});

test("axes have the names that are given", () => {
  const points = [
    [0, 1],
    [1, 0],
  ];
  const svg = drawCodes(points, { axisNames: ["length", "width"] });
  expect(svg).toContain(">length</text>");
  expect(svg).toContain("points; length from ");
  expect(drawCodes(points)).toContain("code 0 from");
  for (const axisNames of ["ab", ["a"], ["a", 2]]) {
    expect(() => drawCodes(points, { axisNames: axisNames as never })).toThrow("axisNames must be");
  }
});
