// Writes pictures as files, and as one page without scripts.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const escaped = (text) => text.replace(/[&<>"]/g, (mark) => `&#${mark.charCodeAt(0)};`);

/**
 * Writes each picture to the folder as NAME.svg, and all of them, with a title and a sentence each, to one page.
 * @param {string} folder
 * @param {string} name the page's file name without .html
 * @param {string} title
 * @param {{ name: string, says: string, svg: string }[]} pictures
 */
export function writePictures(folder, name, title, pictures) {
  mkdirSync(folder, { recursive: true });
  for (const picture of pictures) writeFileSync(join(folder, `${picture.name}.svg`), picture.svg);
  const figures = pictures.map(
    ({ says, svg }) => `<figure>\n${svg}\n<figcaption>${escaped(says)}</figcaption>\n</figure>`,
  );
  const page = join(folder, `${name}.html`);
  writeFileSync(
    page,
    `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>body { font: 16px/1.5 system-ui; max-width: 44rem; margin: 2rem auto; padding: 0 1rem } figure { margin: 2rem 0 } svg { max-width: 100%; height: auto }</style>
<h1>${escaped(title)}</h1>
${figures.join("\n")}
</html>
`,
  );
  console.log(`wrote ${page}`);
}
