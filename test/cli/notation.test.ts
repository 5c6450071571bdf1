// The notation of a table's numbers follows from its cells.

import { expect, test } from "vitest";
import { NotationCounter, notationOf, notationOptions } from "../../src/cli/notation.ts";

function notation(...columns: string[][]) {
  return notationOf(
    columns.map((cells) => {
      const counter = new NotationCounter();
      for (const cell of cells) counter.add(cell);
      return counter;
    }),
  );
}

test.each([
  [["1.234,5", "9,42"], { decimal: ",", thousands: ".", units: [] }],
  [["1,234.5", "9"], { decimal: ".", thousands: ",", units: [] }],
  [["1.234.567"], { decimal: ",", thousands: ".", units: [] }],
  [["1.234", "0,5"], { decimal: ",", thousands: ".", units: [] }],
  [["1,234", "0,5"], { decimal: ",", units: [] }],
  [["1 234,5", "2\u202f345\u00a0€"], { decimal: ",", thousands: " ", units: ["€"] }],
  [["-$1'234.50", "$5", "3 %"], { decimal: ".", thousands: "'", units: ["$", "%"] }],
  [["5 €", "7 €"], { units: ["€"] }],
  [["1,234", "2,345"], undefined],
  [["1.5", "2,5"], "mixed"],
  [["1.234,5", "1,234.5"], "mixed"],
  [["1 234", "1'234"], "mixed"],
])("%j", (cells, expected) => {
  expect(notation(cells)).toEqual(expected);
  expect(notation(...cells.map((cell) => [cell]))).toEqual(expected);
});

test("dates, versions and phone numbers decide nothing", () => {
  const counter = new NotationCounter();
  for (const cell of ["23.07.2023", "1.2.3", "0123 456", "12:30", "1.23,4,5", "", "k.A."]) {
    counter.add(cell);
  }
  expect(counter.numbers).toBe(0);
});

test("as options of the command line", () => {
  expect(notationOptions({ decimal: ",", thousands: ".", units: ["€", "%"] })).toEqual([
    "--decimal ,",
    "--thousands .",
    "--units '€,%'",
  ]);
  expect(notationOptions({ decimal: ".", thousands: " ", units: [] })).toEqual(["--thousands ' '"]);
});
