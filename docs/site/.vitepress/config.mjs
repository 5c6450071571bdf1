// The documentation site. docs/site/build.mjs collects its pages in build/site-pages first.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { slug } from "../slug.mjs";

const pages = fileURLToPath(new URL("../../../build/site-pages/", import.meta.url));
const groups = JSON.parse(readFileSync(`${pages}menu.json`, "utf8"));
const address = (page) => `/${page.replace(/(index)?\.md$/, "")}`;

/** Marks inline code without spaces, such as an option. The style keeps it in one line. */
function keepWordsWhole(md) {
  const render = md.renderer.rules.code_inline;
  md.renderer.rules.code_inline = (tokens, index, ...rest) => {
    const { content } = tokens[index];
    if (content.length <= 32 && !content.includes(" ")) tokens[index].attrJoin("class", "word");
    return render(tokens, index, ...rest);
  };
}

export default defineConfig({
  title: "tied-autoencoder",
  description: "Tied-weight autoencoders for JavaScript: anomaly detection, embeddings, denoising.",
  lang: "en",
  /** The folder from which the site is served, with a slash at both ends. */
  base: process.env.SITE_BASE ?? "/",
  srcDir: pages,
  outDir: fileURLToPath(new URL("../../../build/site", import.meta.url)),
  cacheDir: fileURLToPath(new URL("../../../build/site-cache", import.meta.url)),
  ignoreDeadLinks: false,
  cleanUrls: false,
  lastUpdated: false,
  markdown: {
    anchor: { slugify: slug },
    // The default themes have comments and keywords with too little contrast.
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config: keepWordsWhole,
  },
  vite: { publicDir: `${pages}public` },
  head: [
    [
      "link",
      {
        rel: "icon",
        href: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path d='M1 3l4 10 3-8 3 8 4-10' fill='none' stroke='%230b6e6e' stroke-width='2'/></svg>",
      },
    ],
  ],
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Get started", link: "/" },
      { text: "Guides", link: "/guides/anomalies" },
      { text: "API", link: "/api/tied-autoencoder" },
      { text: "Playground", link: "/playground/index.html", target: "_self" },
    ],
    // Groups that can be collapsed have a button inside of a button, which screen readers cannot announce.
    sidebar: groups.map(({ text, pages: list }) => ({
      text,
      items: list.map(([title, page]) => ({ text: title, link: address(page) })),
    })),
  },
});
