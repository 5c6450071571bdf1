// The option --columns: its grammar, and messages about existing and missing columns.

import { describe, expect, test } from "vitest";
import { chooseColumns, columnList, findNames, parseColumns } from "../../src/cli/columns.ts";

const names = ["height", "weight", "1", "a,b", "!x", 'q"t', "label"];
const table = { file: "t.csv", count: names.length, names };
const bare = { file: "t.csv", count: 7, names: undefined };
const choose = (list: string, columns: typeof table | typeof bare = table) =>
  chooseColumns(parseColumns(list), columns);

describe("the meaning of a list", () => {
  test.each([
    ["1-3,7", [0, 1, 2, 6]],
    ["6-", [5, 6]],
    ["7,1", [6, 0]],
    ["weight, height", [1, 0]],
    ["1", [0]], // a position, although a column has that name
    ['"1"', [2]],
    ['"a,b",1', [3, 0]],
    ['"!x"', [4]],
    ['"q""t"', [5]],
    ["!label", [0, 1, 2, 3, 4, 5]],
    ["!2,!3", [0, 3, 4, 5, 6]],
    ['!"1"', [0, 1, 3, 4, 5, 6]],
    ["1-4,!2", [0, 2, 3]],
    ["!1-5", [5, 6]],
  ])("%s", (list, places) => {
    expect(choose(list)).toEqual(places);
  });

  test("without names, positions", () => {
    expect(choose("2-3", bare)).toEqual([1, 2]);
    expect(chooseColumns(undefined, bare)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});

describe("texts outside the grammar", () => {
  test.each([
    ["!2,3", /after !2 every part begins with "!": write !3 to leave 3 out/],
    ["", /a part of the list is empty/],
    ["1,,2", /a part of the list is empty/],
    ["!", /a part of the list is empty/],
    ['"a', /not closed/],
    ['"a"b', /goes on after its quotation mark/],
    ["0", /columns count from 1/],
    ["3-2", /a range goes up/],
  ])("%s", (list, message) => {
    expect(() => parseColumns(list)).toThrow(message);
  });
});

describe("columns that are not in the table", () => {
  test.each([
    ["8", /asks for 8, and there are 7 columns/],
    ["5-9", /asks for 5-9/],
    ["wieght", /has no column "wieght"; perhaps weight is meant; it has height, weight/],
    ["!lable", /has no column "lable"; perhaps label is meant/],
    ["1,height", /takes column 1 \("height"\) twice/],
    ["!1-", /leaves no column/],
  ])("%s", (list, message) => {
    expect(() => choose(list)).toThrow(message);
  });

  test("a name for a table without names", () => {
    expect(() => choose("height", bare)).toThrow(
      /it has no header, so that columns go by position/,
    );
  });

  test("for a position that is the name of a column, the message shows how to write the name", () => {
    const years = { file: "y.csv", count: 2, names: ["1940", "1945"] };
    expect(() => choose("1945", years)).toThrow(/the column of that name is '"1945"'/);
  });
});

describe("the column names of a model", () => {
  const find = (wanted: string[]) => findNames(wanted, table, "which the model was trained on");

  test("are found in any order", () => {
    expect(find(["label", "height"])).toEqual([6, 0]);
  });

  test("are in the message if they are missing", () => {
    expect(() => find(["height", "age"])).toThrow(
      't.csv: has no column "age", which the model was trained on; it has height,',
    );
    expect(() => find(["age", "income"])).toThrow('has no column "age", nor income, which');
  });

  test("take linear time, with hundreds of thousands of names", () => {
    const many = Array.from({ length: 200_000 }, (_, i) => `c${i}`);
    const wide = { file: "w.csv", count: many.length, names: many };
    expect(findNames([...many].reverse(), wide, "")[0]).toBe(199_999);
  });
});

test("a hint is a list with the same meaning", () => {
  const without = (...left: number[]) =>
    columnList(
      [0, 1, 2, 3, 4, 5, 6].filter((place) => !left.includes(place)),
      7,
    );
  expect(without(2)).toBe("!3");
  expect(without(1, 2)).toBe("!2,!3");
  expect(columnList([4, 0, 1], 7)).toBe("5,1-2");
  for (const places of [[0, 1, 3, 4, 5, 6], [6], [4, 0, 1], [2, 3, 4]]) {
    expect(choose(columnList(places, 7))).toEqual(places);
  }
});
