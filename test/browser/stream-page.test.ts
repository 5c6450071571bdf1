// The example page that watches a stream, in a browser beside the built package: the sensor that its button stops is blamed.

import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { haveBrowser } from "../runtime/have-browser.mjs";
import { type Served, serve } from "./support/serve.ts";
import { type Browser, startBrowser } from "./support/tabs.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = `${root}build/stream-page`;

describe.skipIf(!haveBrowser("chromium"))("the page that watches a stream", () => {
  let browser: Browser;
  let site: Served;

  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(`${folder}/node_modules/tied-autoencoder`, { recursive: true });
    symlinkSync(`${root}dist`, `${folder}/node_modules/tied-autoencoder/dist`);
    symlinkSync(`${root}examples/stream-page/index.html`, `${folder}/index.html`);
    browser = await startBrowser("chromium");
    site = await serve(folder);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  test("has no alarm for a normal pump, and names a sensor whose value stands still", async () => {
    const tab = await browser.open();
    await tab.go(site.url);
    await tab.until("document.querySelector('#status').value === 'All as usual'", 60);
    await tab.until("document.querySelector('#scores svg') !== null");
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(await tab.read("document.querySelectorAll('#alarms li').length")).toBe(0);
    await tab.click("#break");
    await tab.until("document.querySelectorAll('#alarms li').length > 0", 30);
    expect(await tab.read("document.querySelector('#alarms li').textContent")).toMatch(
      /^Reading \d+: flow is [\d.]+; from the other sensors [\d.]+ is expected\.$/,
    );
    await tab.picture("stream-page");
    expect(tab.errors.filter((error) => !error.includes("404"))).toEqual([]);
    await tab.close();
  });
});
