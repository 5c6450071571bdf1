// Checks that files and headings exist that the pages refer to, and that every block of code
// runs somewhere, or that the table in not-run.md says why it does not.

import { existsSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { menu } from "../../docs/site/menu.mjs";
import { slug } from "../../docs/site/slug.mjs";
import { blocksOf, pages, place, root, textOf } from "./support/pages.ts";

/** Without blocks of code. */
const prose = (page: string) => textOf(page).replaceAll(/^```[\s\S]*?^```$/gm, "");

/** The anchors of a page's headings. */
const anchorsOf = (page: string) =>
  [...prose(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => slug(heading));

/** Paths in code spans that begin with a folder of the project. Braces and stars stand for several files. */
const pathsIn = (text: string) =>
  [...text.matchAll(/`((?:assembly|bench|docs|examples|playground|scripts|src|test)\/[\w./-]*)`/g)]
    .map(([, path = ""]) => path)
    .filter((path) => !path.includes("node_modules")); // exists after the installation

describe.each(pages)("%s", (page) => {
  test("links to existing files and headings", () => {
    const missing = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [path = "", hash] = target.split("#");
        const file = path === "" ? page : posix.join(posix.dirname(page), path);
        if (!existsSync(root + file)) return true;
        return hash !== undefined && !anchorsOf(file).includes(hash);
      });
    expect(missing).toEqual([]);
  });

  // Older versions in the changelog refer to files of those versions.
  test.skipIf(page === "CHANGELOG.md" || page.startsWith("docs/migration"))(
    "names existing files",
    () => {
      expect(pathsIn(prose(page)).filter((path) => !existsSync(root + path))).toEqual([]);
    },
  );

  test("has blocks of code in languages that run, or that are in the table of exceptions", () => {
    const runs = ["js", "ts", "html", "sh", "console", "json", "text"];
    const rest = blocksOf(page).filter(({ language }) => !runs.includes(language));
    const table = readFileSync(`${root}test/docs/not-run.md`, "utf8");
    const unexplained = rest.filter(
      ({ code }) => !table.includes(`| ${page} \`${code.split("\n")[0]}\` |`),
    );
    expect(unexplained.map(place)).toEqual([]);
  });

  test("has JSON that can be parsed", () => {
    for (const { code, language } of blocksOf(page)) {
      if (language === "json") for (const line of code.trim().split("\n")) JSON.parse(line);
    }
  });
});

test("every column of a table has a heading, which screen readers read with each cell", () => {
  const empty = pages.filter((page) => /^\|(.*\|)? *\|.*\n\|[-:| ]+\|$/m.test(textOf(page)));
  expect(empty).toEqual([]);
});

describe("the table of blocks that do not run", () => {
  test("only has existing blocks", () => {
    const table = readFileSync(`${root}test/docs/not-run.md`, "utf8");
    const rows = [...table.matchAll(/^\| (\S+\.md) `(.*?)` \|/gm)];
    expect(rows.length).toBeGreaterThan(0);
    for (const [, page = "", first] of rows) {
      expect(blocksOf(page).map(({ code }) => code.split("\n")[0])).toContain(first);
    }
  });
});

describe("the menu of the site", () => {
  test("has every page of docs/", () => {
    const listed = menu([], [])
      .flatMap(({ pages: list }) => list)
      .map(([, page]) => page);
    const below = pages
      .filter((page) => page.startsWith("docs/") && !page.startsWith("docs/decisions/"))
      .map((page) => page.replace("docs/", ""));
    expect(below.filter((page) => !listed.includes(page))).toEqual([]);
  });
});
