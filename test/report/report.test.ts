// The report describes the model and the rows. Names and values are escaped.

import { describe, expect, test } from "vitest";
import { InvalidValueError, TiedAutoencoder } from "../../src/index.ts";
import { mapCodes } from "../../src/report/map.ts";
import { report } from "../../src/report/report.ts";
import { scoreLine } from "../../src/report/scores.ts";

/** Rows on a line in three columns, and one that is not on the line in the second column. */
const rows = Array.from({ length: 100 }, (_, i) => [i / 50, i / 25, i / 100]);
rows[42] = [1, -3, 0.5];

async function lineModel(): Promise<TiedAutoencoder> {
  const model = TiedAutoencoder.createSync({
    layers: [3, 1],
    activation: "linear",
    scaler: "standard",
  });
  await model.initializeFrom(rows, { method: "pca" });
  return model;
}

describe("report", () => {
  test("lists the odd row first, with the column that causes its error", async () => {
    using model = await lineModel();
    const html = report(model, rows, { columns: ["a", "b", "c"], oddest: 3 });
    const list = /<h2>The oddest rows<\/h2>\n(.*?)<\/section>/s.exec(html)?.[1] ?? "";
    const first = /<td>(\d+)<\/td><td>[^<]+<\/td><td>(\w)/.exec(list);
    expect(first?.slice(1)).toEqual(["43", "b"]);
    expect(list.match(/<tr>/g)).toHaveLength(4);
    const columns = /<h2>Columns by error<\/h2>\n(.*?)<\/section>/s.exec(html)?.[1] ?? "";
    expect(/<td>(\w)<\/td>/.exec(columns)?.[1]).toBe("b");
    expect(html).toContain("1 of 100 rows have an error above");
  });

  test("escapes names, titles and labels", async () => {
    using model = await lineModel();
    const evil = '"><script>alert(1)</script>';
    const html = report(model, rows, {
      title: evil,
      columns: [evil, "b", "c"],
      labels: rows.map(() => evil),
    });
    expect(html).not.toContain("<script");
    expect(html).toContain("&lt;script&gt;");
    expect(html).not.toMatch(/(?:src|href)="(?!data:)/);
  });

  test("shows losses, images and filters if there are any", async () => {
    using model = TiedAutoencoder.createSync({ layers: [4, 3] });
    const x = Float32Array.from({ length: 80 }, (_, i) => (i % 5) / 5);
    const history = await model.fit(x, { epochs: 3 });
    const html = report(model, x, { history, images: { width: 2 } });
    for (const heading of ["Training", "Images", "Weights of the first layer", "Model card"]) {
      expect(html).toContain(`>${heading}</h`);
    }
    expect(report(model, x)).not.toContain("<h2>Training</h2>");
  });

  test("shows odd images and their reconstructions instead of columns, and errors by pixel", async () => {
    using model = TiedAutoencoder.createSync({ layers: [4, 1] });
    const x = Array.from({ length: 40 }, (_, i) => [i % 2, i % 2, 0, 0]);
    x[7] = [0, 0, 1, 1];
    await model.fit(x, { epochs: 60, batchSize: 8 });
    const html = report(model, x, { images: { width: 2 }, oddest: 1 });
    const odd = /<h2>The oddest rows<\/h2>\n(.*?)<\/section>/s.exec(html)?.[1] ?? "";
    expect(odd).toMatch(/<figcaption>row 8, [\d.]+<\/figcaption>/);
    // The row, its reconstruction, and the difference.
    expect(odd.match(/<image /g)).toHaveLength(3);
    expect(odd).not.toContain("column");
    expect(html).toMatch(/<h2>Pixels by error<\/h2>.*in 40 rows: white is 0, black is/s);
    expect(html).not.toContain("Columns by error");
  });

  test("describes the columns in the model card, with missing values", async () => {
    using model = TiedAutoencoder.createSync({ layers: [2, 1], missing: "mask" });
    const x = [
      [1, 10],
      [2, Number.NaN],
      [4, 30],
    ];
    model.fitScaler(x);
    const html = report(model, x);
    expect(html).toContain("<td>column 1</td><td>1</td><td>2</td><td>4</td><td></td>");
    expect(html).toContain("<td>column 2</td><td>10</td><td>20</td><td>30</td><td>1</td>");
    expect(html).toContain("left out of the loss");
  });

  test("compares with principal components, in the loss curve and as text", async () => {
    using model = TiedAutoencoder.createSync({ layers: [3, 2], scaler: "standard" });
    // Three uncorrelated columns with the same variance after scaling: the error of two components is a third.
    const x = Array.from({ length: 64 }, (_, i) => [i & 1, 10 * ((i >> 1) & 1), (i >> 2) & 1]);
    const history = await model.fit(x, { epochs: 3 });
    const html = report(model, x, { history });
    const said = /64 of these rows, 2 principal components have a mean error of (\d\.\d+)/.exec(
      html,
    );
    expect(Number(said?.[1])).toBeCloseTo(1 / 3, 3);
    expect(/<h2>Training<\/h2>\n(.*?)<\/section>/s.exec(html)?.[1]).toContain("PCA");
    using wide = TiedAutoencoder.createSync({ layers: [3, 3] });
    expect(report(wide, x, { history })).not.toContain("PCA");
    using other = TiedAutoencoder.createSync({ layers: [3, 2], loss: "mae" });
    expect(report(other, x, { history })).not.toContain("PCA");
  });

  test("refuses inputs that do not match", async () => {
    using model = await lineModel();
    expect(() => report(model, [])).toThrow(InvalidValueError);
    expect(() => report(model, rows, { columns: ["a"] })).toThrow(/3 names; it holds 1/);
    expect(() => report(model, rows, { images: { width: 5 } })).toThrow(/a row has 3/);
    expect(() => report(model, rows, { labels: [1] })).toThrow(/100; it holds 1/);
    expect(() => report(model, rows, { colour: 1 } as never)).toThrow(/no option "colour"/);
  });
});

test("codes of many units are drawn by their leading components", () => {
  const codes = Float32Array.from({ length: 300 }, (_, i) => {
    const row = Math.floor(i / 3);
    return [3 * Math.sin(row), Math.cos(2 * row), 0.01 * Math.sin(5 * row)][i % 3] ?? 0;
  });
  const { points, says } = mapCodes(codes, 100, 3);
  expect(says).toMatch(/of the 3 units, with 100 % of/);
  const spread = (axis: number) =>
    points.filter((_, i) => i % 2 === axis).reduce((sum, value) => sum + value * value, 0) / 100;
  expect(spread(0)).toBeCloseTo(4.5, 0);
  expect(spread(1)).toBeCloseTo(0.5, 0);
});

test("the line of scores keeps each peak, and leaves out a threshold that is not finite", () => {
  const score = Float64Array.from({ length: 5000 }, (_, i) =>
    i === 1234 ? 50 : i === 7 ? Number.NaN : 1,
  );
  const svg = scoreLine(score, 10);
  expect(svg).toContain("threshold 10");
  expect(svg).toMatch(/score from 1 to 1 in 556 values/);
  const line = /<path d="(M[^"]+)"[^>]*stroke-width="2"/.exec(svg)?.[1] ?? "";
  const heights = line
    .split(/[ML]/)
    .slice(1)
    .map((point) => Number(point.split(" ")[1]));
  expect(heights).toHaveLength(556);
  expect(heights.indexOf(Math.min(...heights))).toBe(Math.floor(1234 / 9));
  expect(scoreLine(score, Infinity)).not.toContain("threshold");
});

test("for a detector, the error names the method of its report", () => {
  // @ts-expect-error: a detector is not a model
  expect(() => report({ score() {}, report() {} }, rows)).toThrow(
    "A detector has its own: detector.report(rows).",
  );
});

test("a title that is not text is refused", () => {
  using model = TiedAutoencoder.createSync({ layers: [3, 2] });
  expect(() => report(model, rows, { title: 7 as never })).toThrow(
    "title must be a string; got 7.",
  );
});
