import { describe, expect, it } from "vitest";
import { AnomalyDetector } from "../../src/detect/detector.ts";
import { faultyRows, plant, quick } from "./support/plant.ts";

const rows = [...plant(30, 2), ...faultyRows(6, 3).rows];

describe("a detector's report", () => {
  it("shows the flagged rows, the reasons and the configuration", async () => {
    const columns = ["<b>flow</b>", "b", "c", "d", "e", "f"];
    const detector = await AnomalyDetector.fit(plant(200, 1), { ...quick, columns });
    const page = detector.report(rows, {
      title: "Night shift",
      decision: { alpha: 0.05 },
      oddest: 6,
    });
    const { flagged } = detector.detect(rows, { alpha: 0.05 });
    const count = flagged.reduce((sum, flag) => sum + flag, 0);
    expect(page).toContain("<title>Night shift</title>");
    expect(page).toContain(
      `${count} of 36 rows are flagged (p-values of at most 0.05: 5 % of normal rows).`,
    );
    expect(page).toContain("<svg");
    // Of each of the six oddest rows: the first reason, and the next two if they are a tenth of the score.
    const { score } = detector.detect(rows);
    const order = [...score.keys()].sort((a, b) => (score[b] ?? 0) - (score[a] ?? 0));
    const told = detector.explain(rows, { rows: order.slice(0, 6) }).map((reasons) => {
      const others = reasons.slice(1).filter(({ contribution }) => contribution >= 0.1);
      return 1 + Math.min(2, others.length);
    });
    expect(told).toContain(2);
    expect(page.match(/, expected/g)?.length).toBe(told.reduce((sum, each) => sum + each, 0));
    expect(page).toContain("&lt;b&gt;flow&lt;/b&gt;: number");
    expect(page).not.toContain("<b>");
    expect(page).not.toContain("<script");
    expect(page).toMatch(/No drift|moved away/);
    for (const [i, fault] of detector.explain(rows.slice(30)).entries()) {
      const [first] = fault;
      if (flagged[30 + i])
        expect(page).toContain(`${String(first?.column).replace(/[<>]/g, "")[0]}`);
    }
    expect(() => detector.report(rows, { odest: 1 } as never)).toThrow('no option "odest"');
    detector.dispose();
  });

  it("accepts few calibration rows, windows and rows without a value", async () => {
    const few = await AnomalyDetector.fit(plant(20, 1), quick);
    expect(few.report([new Array(6).fill(Number.NaN), ...rows])).toContain("no known value");
    expect(few.report(new Float32Array(0))).toContain("0 of 0 rows");
    const series = await AnomalyDetector.fit(plant(150, 1), { window: 5 });
    expect(series.report(rows)).toMatch(/at row \d+, expected/);
    few.dispose();
    series.dispose();
  });
});
