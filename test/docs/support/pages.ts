// The project's pages and the blocks of code in them. A block may be a part of a program: an HTML comment that begins
// with "before" or "after" and stands next to the block has the rest, which readers do not see.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../../", import.meta.url));

/** A block of code. */
export interface Block {
  readonly page: string;
  /** The line of its fence, from 1. */
  readonly line: number;
  /** The language of the fence: js, ts, html, sh, console, json, python or text. */
  readonly language: string;
  readonly code: string;
  /** Code that runs before and after it. */
  readonly before: string;
  readonly after: string;
}

/** Every Markdown file that people read, by its path in the project. */
export const pages: readonly string[] = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...readdirSync(`${root}docs`, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md") && !file.startsWith("site"))
    .map((file) => `docs/${file.replaceAll("\\", "/")}`)
    .sort(),
];

export const textOf = (page: string): string => readFileSync(root + page, "utf8");

/** The blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const text = textOf(page);
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map((match) => {
    const [whole, language = "", code = ""] = match;
    const head = text.slice(0, match.index);
    const tail = text.slice(match.index + whole.length);
    return {
      page,
      line: head.split("\n").length,
      language,
      code,
      before: /<!-- before\n((?:(?!-->)[\s\S])*)-->\s*$/.exec(head)?.[1] ?? "",
      after: /^\s*<!-- after\n((?:(?!-->)[\s\S])*)-->/.exec(tail)?.[1] ?? "",
    };
  });
}

/** All blocks of a language. */
export const blocksIn = (language: string): Block[] =>
  pages.flatMap(blocksOf).filter((block) => block.language === language);

/** The name of a block in a test. */
export const place = ({ page, line }: Block): string => `${page}:${line}`;
