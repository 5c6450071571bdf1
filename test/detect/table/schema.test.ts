import { describe, expect, it } from "vitest";
import {
  type ColumnsOption,
  describeSchema,
  guessSchema,
} from "../../../src/detect/table/schema.ts";
import { type DetectorInput, readSource } from "../../../src/detect/table/source.ts";
import { CellReader } from "../../../src/formats/cell-values.ts";

const rows = 40;
const column = <T>(value: (i: number) => T) => Array.from({ length: rows }, (_, i) => value(i));

function guess(columns: Record<string, unknown[]>, said?: ColumnsOption) {
  const source = readSource("rows", { columns } as DetectorInput);
  if (source.kind !== "table") throw new Error("not a table");
  return guessSchema(source, said, new CellReader());
}

const kindOf = (values: unknown[], name = "it") => guess({ [name]: values })[0]?.kind;

describe("the kind of a column", () => {
  it.each<[string, unknown[]]>([
    ["number", column((i) => i / 3)],
    ["number", column((i) => String(i / 3))],
    ["number", column((i) => (i % 5 === 0 ? "NA" : i * i))],
    ["number", column((i) => (i * 7) % 40)], // whole and distinct, but not a counter and without the name of an id
    ["boolean", column((i) => i % 3 === 0)],
    ["boolean", column((i) => (i % 2 ? "yes" : "no"))],
    ["category", column((i) => ["red", "green", "blue"][i % 3])],
    ["time", column((i) => new Date(i * 1000))],
    ["time", column((i) => `2020-03-09 10:${String(10 + i)}:00`)],
    ["id", column((i) => i + 1000)],
    ["id", column((i) => `customer ${i}`)],
    ["constant", column(() => 3)],
    ["constant", column((i) => (i % 2 ? "x" : null))],
    ["ignore", column(() => null)],
    ["ignore", column((i) => `text ${i % 30}`)],
  ])("%s", (kind, values) => {
    expect(kindOf(values)).toBe(kind);
  });

  it("depends on the name for distinct whole numbers and for ascending numbers", () => {
    expect(
      kindOf(
        column((i) => (i * 7) % 40),
        "customer_id",
      ),
    ).toBe("id");
    expect(
      kindOf(
        column((i) => 1.7e9 + i * i),
        "timestamp",
      ),
    ).toBe("time");
  });

  it("numbers in another format are an error with a hint, never a category", () => {
    expect(() => guess({ price: column((i) => `${i},5`) })).toThrow(
      'Column "price" looks like numbers of another style, such as "0,5": decimals want a point; the option decimal "," reads commas',
    );
    expect(() => guess({ share: column((i) => `${i} %`) })).toThrow('the option units "%"');
    // One text that is not a number in any format makes it a category.
    expect(kindOf(column((i) => (i === 3 ? "none of these" : `${i % 4},5`)))).toBe("category");
  });

  it("is the one that the caller states", () => {
    const size = column((i) => i % 4);
    expect(guess({ size }, { size: "category" })[0]).toMatchObject({
      kind: "category",
      levels: ["0", "1", "2", "3"],
      reason: "",
    });
    const names = guess({ a: size, b: size }, ["b"]).map(({ kind }) => kind);
    expect(names).toEqual(["ignore", "number"]);
    expect(() => guess({ size }, { weight: "number" })).toThrow(
      'There is no column "weight". Its only column is "size".',
    );
    expect(() => guess({ size: column((i) => `s${i}`) }, { size: "number" })).toThrow(
      'Row 0, column "size" must be a number; got "s0".',
    );
    expect(() => guess({ gone: column(() => null) }, { gone: "number" })).toThrow(
      'Column "gone" is to be a number but has no value.',
    );
  });

  it("rare levels are pooled", () => {
    const values = Array.from({ length: 2000 }, (_, i) => `level ${i % 3 ? i % 5 : i % 150}`);
    const levels = guess({ it: values })[0]?.levels ?? [];
    expect(levels).toHaveLength(32);
    expect(levels.at(-1)).toBe("(other)");
  });

  it("text of which most is rare is left out", () => {
    // 1,000 rows of 200 names, each in 5 rows: the 31 most frequent are in 155 rows.
    const names = Array.from({ length: 1000 }, (_, i) => `name ${i % 200}`);
    expect(guess({ names })[0]).toMatchObject({
      kind: "ignore",
      reason: "text with 200 different values",
    });
    expect(guess({ names }, { names: "category" })[0]?.levels).toHaveLength(32);
    // Half of the rows have one of three values.
    const mixed = names.map((name, i) => (i % 2 ? `level ${i % 3}` : name));
    expect(kindOf(mixed)).toBe("category");
  });

  it("text that never repeats is an id, also in few rows", () => {
    expect(kindOf(["a", "b", "c", "d", "e", "f"])).toBe("id");
    expect(kindOf(["a", "b", "c", "d", "e", "a"])).toBe("category");
  });

  it("is described as text", () => {
    const schema = guess({ colour: column((i) => ["red", "blue"][i % 2]), n: column((i) => i) });
    expect(describeSchema(schema)).toEqual([
      "colour: category (blue, red); text with 2 values",
      "n: id; counts the rows",
    ]);
  });
});
