// Runs whole pages of the documentation in Chromium, with the built package.

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blocksIn, place, root } from "../docs/support/pages.ts";
import { haveBrowser } from "../runtime/have-browser.mjs";
import { type Served, serve } from "./support/serve.ts";
import { type Browser, startBrowser } from "./support/tabs.ts";

const folder = `${root}build/docs-pages`;

describe.skipIf(!haveBrowser("chromium"))("a page of the documentation", () => {
  let browser: Browser;
  let site: Served;

  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    symlinkSync(`${root}dist`, `${folder}/dist`);
    browser = await startBrowser("chromium");
    site = await serve(folder);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  test.each(blocksIn("html").map((block) => [place(block), block] as const))(
    "%s trains and flags the odd frame",
    async (_, { code }) => {
      writeFileSync(`${folder}/index.html`, code);
      const tab = await browser.open();
      await tab.go(site.url);
      await tab.until("document.querySelector('#said').innerText !== 'Learning…'", 60);
      expect(await tab.read("document.querySelector('#said').innerText")).toBe("The frame is odd.");
      expect(await tab.read("document.querySelectorAll('#pictures svg').length")).toBe(3);
      await tab.picture("docs-images");
      expect(tab.errors.filter((error) => !error.includes("404"))).toEqual([]);
      await tab.close();
    },
  );
});
