// Pages of the built documentation site, in Chromium: axe finds nothing, and no page is wider than a phone. `npm run build:site`
// makes the site. Screenshots are kept in build/screenshots.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../docs/support/pages.ts";
import { haveBrowser } from "../runtime/have-browser.mjs";
import { type Served, serve } from "./support/serve.ts";
import { type Browser, PHONE, startBrowser } from "./support/tabs.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = `${root}build/site/`;
const pages = ["index", "guides/images", "api/view", "benchmarks"];

describe.skipIf(!haveBrowser("chromium") || !existsSync(folder))("the documentation site", () => {
  let browser: Browser;
  let site: Served;

  beforeAll(async () => {
    browser = await startBrowser("chromium");
    site = await serve(folder);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  test.each(pages)("%s", async (page) => {
    for (const [size, options] of [
      ["wide", {}],
      ["phone-dark", { viewport: PHONE, dark: true }],
    ] as const) {
      const tab = await browser.open(options);
      await tab.go(`${site.url}${page}.html`);
      await tab.until("document.querySelector('.vp-doc h1')");
      await tab.read(axe);
      const found = await tab.read<{ id: string; nodes: string[] }[]>(
        "axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.slice(0, 3).map(({ html }) => html.slice(0, 120)) })))",
      );
      expect(found, `${size}: ${JSON.stringify(found, null, 1)}`).toEqual([]);
      expect(
        await tab.read<number>("document.documentElement.scrollWidth - innerWidth"),
      ).toBeLessThanOrEqual(0);
      await tab.picture(`site-${page.replace("/", "-")}-${size}`);
      expect(tab.errors).toEqual([]);
      await tab.close();
    }
  });
});
