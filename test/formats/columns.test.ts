import { describe, expect, test } from "vitest";
import { type ColumnChoice, selectColumns } from "../../src/formats/columns.ts";
import { FormatError } from "../../src/formats/errors.ts";

const names = ["id", "1940", "a,b", "label", "2-3", "!odd"];

describe("a choice in text", () => {
  test.each<[string, number[]]>([
    ["1", [1]],
    ["1940", []], // a position, and there are only six
    ['"1940"', [2]],
    ['"a,b"', [3]],
    ["label,id", [4, 1]],
    ["2-3", [2, 3]],
    ['"2-3"', [5]],
    ["5-", [5, 6]],
    [" 1 , 3 ", [1, 3]],
    ["!label", [1, 2, 3, 5, 6]],
    ['!1,!"1940",!5-', [3, 4]],
    ["1-5,!label", [1, 2, 3, 5]],
    ["!2-", [1]],
    ['"!odd"', [6]],
    ['!"!odd"', [1, 2, 3, 4, 5]],
  ])("%s", (choice, columns) => {
    if (columns.length === 0) {
      expect(() => selectColumns(choice, 6, names)).toThrow(FormatError);
      expect(() => selectColumns(choice, 6, names)).toThrow(
        /columns count from 1 to 6, the choice was "1940"; in quotes it would be the name/,
      );
    } else {
      expect(selectColumns(choice, 6, names)).toEqual(columns.map((column) => column - 1));
    }
  });

  test.each<[string, RegExp]>([
    ["1,,2", /^the columns "1,,2": a part of the list is empty$/],
    ['"a', /a quotation mark is not closed/],
    ['"a"b', /goes on after its quotation mark/],
    ["0", /"0" is no range; columns count from 1/],
    ["3-2", /a range goes up/],
    ["nobody", /expected a column's name or number, got "nobody"; the header has "id, 1940/],
    ["1,id", /column 1 is chosen twice/],
    ["!1-", /no column is left of "!1-"/],
  ])("%s is refused", (choice, message) => {
    expect(() => selectColumns(choice, 6, names)).toThrow(FormatError);
    expect(() => selectColumns(choice, 6, names)).toThrow(message);
  });

  test("with ! first has ! everywhere", () => {
    for (const choice of ["!2,3", "!2,label", "!label,2-3"]) {
      expect(() => selectColumns(choice, 6, names)).toThrow(
        /after !(?:2|label) every part begins with "!"/,
      );
    }
  });
});

test.each<[ColumnChoice, number[]]>([
  [
    ["1940", "id"],
    [2, 1],
  ],
  [
    ["2-3", 2],
    [5, 2],
  ],
  [["!odd"], [6]],
  [["3-4"], [3, 4]],
  [
    ["!label", "!1"],
    [2, 3, 5, 6],
  ],
])("in an array, a name is a name: %j", (choice, columns) => {
  expect(selectColumns(choice, 6, names)).toEqual(columns.map((column) => column - 1));
});

test("numbers in an array are positions from 1", () => {
  for (const wrong of [0, -1, 1.5, 7]) {
    expect(() => selectColumns([wrong], 6, names)).toThrow(
      `columns count from 1 to 6, the choice was ${wrong}`,
    );
  }
});

test("a hundred thousand names are found in linear time", () => {
  const many = Array.from({ length: 100_000 }, (_, i) => `column ${i}`);
  const wanted = [...many].reverse();
  // A linear search for each name would take a minute, and the test would time out.
  expect(selectColumns(wanted, many.length, many)[0]).toBe(99_999);
});
