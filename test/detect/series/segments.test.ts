import { describe, expect, it } from "vitest";
import { HOLE, orderRows, type Rhythm } from "../../../src/detect/series/segments.ts";

const name = "rows";
const order = (times: number[], groups?: unknown[], known?: Rhythm) =>
  orderRows({ count: times.length, times: Float64Array.from(times), groups, name }, known);

describe("the order of rows", () => {
  it("without times or groups is that of the rows", () => {
    const ordering = orderRows({ count: 4, times: undefined, groups: undefined, name });
    expect([...ordering.rows]).toEqual([0, 1, 2, 3]);
    expect(ordering.segments).toEqual([{ first: 0, count: 4 }]);
    expect(ordering.notes).toEqual([]);
  });

  it("is split at gaps, with a note", () => {
    const { segments, notes } = order([0, 1, 2, 3, 20, 21, 23]);
    expect(segments).toEqual([
      { first: 0, count: 4 },
      { first: 4, count: 3 },
    ]);
    expect(notes).toEqual(["1 gap of more than 5 steps: no window goes across."]);
    expect(order([0, 20, 40], undefined, { step: 1, fills: true }).segments).toHaveLength(3);
  });

  it("has places for missing readings if longer steps are rare", () => {
    const times = Array.from({ length: 200 }, (_, i) => i).filter(
      (i) => ![50, 90, 91, 92, 93].includes(i),
    );
    const { rows, segments, rhythm, notes } = order(times);
    expect(rhythm).toEqual({ step: 1, fills: true });
    expect(segments).toEqual([{ first: 0, count: 200 }]);
    const places = [...rows.keys()].filter((place) => rows[place] === HOLE);
    expect(places).toEqual([50, 90, 91, 92, 93]);
    expect(rows[51]).toBe(50);
    expect(notes).toEqual([
      "5 readings are missing between rows, by the usual step of time: windows have a place for each, which does not count.",
    ]);
  });

  it("has none if longer steps are common in the series or were common in training", () => {
    const weekdays = Array.from({ length: 70 }, (_, i) => i).filter((i) => i % 7 < 5);
    const { rows, rhythm, notes } = order(weekdays);
    expect(rhythm).toEqual({ step: 1, fills: false });
    expect(rows).toHaveLength(50);
    expect(notes).toEqual([]);
    expect(order([0, 1, 3], undefined, { step: 1, fills: false }).rows).toHaveLength(3);
    expect(order([0, 1, 3], undefined, { step: 1, fills: true }).rows).toHaveLength(4);
  });

  it("is group by group, even if groups are mixed", () => {
    const { rows, segments } = order([1, 5, 2, 6, 3], ["a", "b", "a", "b", "a"]);
    expect([...rows]).toEqual([0, 2, 4, 1, 3]);
    expect(segments).toEqual([
      { first: 0, count: 3 },
      { first: 3, count: 2 },
    ]);
  });

  it("rows with the time of the previous row cause a note", () => {
    expect(order([0, 1, 1, 2, 2, 3]).notes).toEqual([
      "2 rows have the time of the row before, and keep their order.",
    ]);
  });

  it("time that runs backwards is an error that names the rows", () => {
    expect(() => order([0, 1, 2, 1.5, 3])).toThrow(
      "Time runs backwards: row 3 of rows is earlier than row 2. Sort the rows by time",
    );
    expect(() => order([0, 5, 1, 4], ["a", "b", "a", "b"])).toThrow('row 3 of group "b"');
    expect(() => order([0, Number.NaN, 2])).toThrow("Row 1 of rows has no time.");
  });

  it("a clock that is set back by an hour only causes a note", () => {
    const minutes = [0, 5, 10, 15, -40, -35, -30, -25, -20].map((minute) => minute * 60_000);
    const { segments, notes } = order(minutes);
    expect(segments).toHaveLength(1);
    expect(notes[0]).toContain("set back by an hour at row 4");
  });

  it("two rates in one series cause a note", () => {
    const times = Array.from({ length: 40 }, (_, i) => (i < 20 ? i : 20 + (i - 20) * 60));
    expect(order(times).notes.join(" ")).toContain(
      "1 in the first half of the rows and 60 in the second",
    );
  });
});
