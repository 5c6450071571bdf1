// Collects the pages of the site in build/site-pages: the project's Markdown files and the API reference, made from the
// types. Links between files become links between pages. llms.txt and llms-full.txt, for language models, contain the same
// pages.

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { readPublicApi } from "../../scripts/public-api.mjs";
import { apiPages } from "./api-pages.mjs";
import { menu } from "./menu.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Where the pages are collected. */
export const staged = join(root, "build/site-pages");

/** Pages outside docs/, and their addresses on the site. */
const BESIDE = {
  "CHANGELOG.md": "changelog.md",
  "CONTRIBUTING.md": "contributing.md",
  "SECURITY.md": "security.md",
};

/** Pictures of the guides. */
const PICTURES = "docs/guides/pictures/";

const isPicture = (file) => /\.(svg|png)$/.test(file);

/** The first lines of a page of the API reference: a class for its style. */
const API_PAGE = "---\npageClass: api\n---\n\n";

/** Files in docs/ with a file extension, without those of the site itself. */
const filesOfDocs = (ending) =>
  readdirSync(join(root, "docs"), { recursive: true })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(ending) && !file.startsWith("site/"));

/** Files of the project that are pages, and the page of each. */
function sources() {
  const below = filesOfDocs(".md");
  return new Map([...Object.entries(BESIDE), ...below.map((file) => [`docs/${file}`, file])]);
}

/** Removes the collected pages and collects all pages again. */
export function stage() {
  rmSync(staged, { recursive: true, force: true });
  const pages = new Map();
  const files = sources();
  for (const [file, page] of files) {
    pages.set(page, linked(readFileSync(join(root, file), "utf8"), file, page, files));
  }
  for (const file of filesOfDocs("").filter(isPicture)) {
    write(file, readFileSync(join(root, "docs", file)));
  }
  const api = apiPages(readPublicApi());
  for (const { name, text } of api) pages.set(`api/${name}.md`, text);
  for (const [page, text] of pages) write(page, page.startsWith("api/") ? API_PAGE + text : text);
  cpSync(join(root, PICTURES), join(staged, "guides/pictures"), { recursive: true });
  const entries = api.map(({ name, title }) => [title, `api/${name}.md`]);
  const decisions = [...pages.keys()].filter((page) => page.startsWith("decisions/")).sort();
  const groups = menu(
    entries,
    decisions.map((page) => [titleOf(pages.get(page)), page]),
  );
  write("menu.json", JSON.stringify(groups));
  write("public/llms.txt", llms(groups, pages));
  write(
    "public/llms-full.txt",
    [...listed(groups)].map(([, page]) => pages.get(page)).join("\n\n"),
  );
}

/** Collects one page again, after its file has changed. */
export function restage(file) {
  const files = sources();
  const page = files.get(file);
  if (page) write(page, linked(readFileSync(join(root, file), "utf8"), file, page, files));
}

/** Copies the built playground into the site. */
export function addPlayground() {
  cpSync(join(root, "build/playground"), join(staged, "public/playground"), { recursive: true });
}

function write(page, text) {
  const path = join(staged, page);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** The text of a file with its links to files as links to pages. A link to a file without a page becomes the path. */
function linked(text, file, page, files) {
  return text.replaceAll(/\[([^\]]*)\]\(([^)\s]+)\)/g, (link, label, target) => {
    if (/^([a-z]+:|#)/.test(target)) return link;
    const [path, hash = ""] = target.split("#");
    const found = posix.normalize(posix.join(posix.dirname(file), path));
    if (found.startsWith(PICTURES)) return `[${label}](./${posix.relative("docs/guides", found)})`;
    const other = files.get(found);
    if (other === undefined) return isPicture(found) ? link : `\`${found}\``;
    const way = posix.relative(posix.dirname(page), other);
    return `[${label}](${way.startsWith(".") ? way : `./${way}`}${hash && `#${hash}`})`;
  });
}

const titleOf = (text) => /^# (.+)$/m.exec(text)?.[1] ?? "";

/** The first paragraph below the title, in one line. */
function summaryOf(text) {
  const [, paragraph = ""] = /^# .+\n+((?:[^\n#`|].*\n?)+)/m.exec(text) ?? [];
  return paragraph.replaceAll(/\s+/g, " ").trim();
}

function* listed(groups) {
  for (const { pages } of groups) yield* pages;
}

/** The list of pages that language models read first (llmstxt.org). */
function llms(groups, pages) {
  const { description } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const lists = groups.map(({ text, pages: list }) =>
    [
      `## ${text}`,
      ...list.map(([title, page]) => `- [${title}](${page}): ${summaryOf(pages.get(page))}`),
    ].join("\n"),
  );
  return [`# tied-autoencoder`, `> ${description}`, ...lists].join("\n\n");
}
