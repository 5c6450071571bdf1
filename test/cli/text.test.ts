// Text from files is printed without characters that control a terminal.

import { describe, expect, test } from "vitest";
import { listed, quoted, shellQuote, toJson, visible, visibleLines } from "../../src/cli/text.ts";

const evil: readonly (readonly [what: string, text: string])[] = [
  ["an escape", "\x1b[2J"],
  ["a title", "\x1b]0;title\x07"],
  ["a C1 control", "\x9b31m"],
  ["a line break", "a\nb\r"],
  ["a backspace", "secret\b\b"],
  ["text from right to left", "abc\u202ecba"],
  ["a separator", "a\u2028b"],
  ["nothing that can be seen", "a\u200bb\ufeff"],
  ["half a character", "a\ud83d"],
];

/** Characters that control a terminal, or that change the order of others. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these characters must not remain
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

describe("visible", () => {
  test.each(evil)("%s", (_, text) => {
    for (const shown of [visible(text), quoted(text), listed([text]), toJson(text)]) {
      expect(shown).not.toMatch(UNSAFE);
      expect(Buffer.from(shown).toString()).toBe(shown); // no lone surrogates
    }
    expect(JSON.parse(toJson(text))).toBe(text);
  });

  test("does not change letters of any script, or emoji", () => {
    for (const text of ["Größe", "身長", "ارتفاع", "🙂", "a – b …"])
      expect(visible(text)).toBe(text);
  });

  test("shows escapes of unsafe characters", () => {
    expect(visible("\x1b]0;x\x07\u202e")).toBe("\\x1b]0;x\\x07\\u202e");
    expect(visibleLines("a\x1b\nb")).toBe("a\\x1b\nb");
  });

  test("limits the length of any text", () => {
    expect(visible("x".repeat(1e6))).toHaveLength(100);
    expect(listed(Array(1e5).fill("name"))).toMatch(/^name, .*… \(100000 in all\)$/);
    expect(listed(Array(1e5).fill("name")).length).toBeLessThan(100);
  });
});

test("shellQuote: a shell reads the same word", () => {
  expect(shellQuote("data.csv")).toBe("data.csv");
  expect(shellQuote("a b.csv")).toBe("'a b.csv'");
  expect(shellQuote("it's")).toBe("'it'\\''s'");
  expect(shellQuote("$(rm -r x)")).toBe("'$(rm -r x)'");
  expect(shellQuote("")).toBe("''");
  expect(shellQuote("a\nb")).toBe("$'a\\x0ab'");
});
