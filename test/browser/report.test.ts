// Reports as pages, in Chromium: axe finds nothing, they are no wider than a phone, and they are printed on white paper.
// Screenshots are kept in build/screenshots.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AnomalyDetector } from "../../src/detect.ts";
import { TiedAutoencoder } from "../../src/index.ts";
import { report } from "../../src/report.ts";
import { root } from "../docs/support/pages.ts";
import { haveBrowser } from "../runtime/have-browser.mjs";
import { type Browser, PHONE, startBrowser } from "./support/tabs.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = `${root}build/report-pages`;
/** A4 without its margins, in CSS pixels. */
const PAPER = { width: 718, height: 1047 };

async function imageReport(): Promise<string> {
  const data = Float32Array.from(
    { length: 300 * 64 },
    (_, i) => 0.5 + 0.5 * Math.sin((i % 8) * ((i >> 6) % 3) + ((i >> 3) & 7) * (i >> 6)),
  );
  const labels = Array.from({ length: 300 }, (_, i) => i % 3);
  using model = await TiedAutoencoder.create({ layers: [64, 16, 3], activation: "tanh", seed: 1 });
  const history = await model.fit(data, { epochs: 5 });
  return report(model, data, { history, images: { width: 8 }, labels });
}

async function sensorReport(): Promise<string> {
  const load = (i: number) => Math.sin(i / 7) + Math.sin(i / 3);
  const rows = Array.from({ length: 300 }, (_, i) => ({
    "pressure of the pump": load(i) + 0.05 * Math.sin(i * i),
    flow: 2 * load(i) + 0.05 * Math.sin(2 * i * i),
    power: i % 50 === 7 ? -9 : 3 * load(i) + 0.05 * Math.sin(3 * i * i),
  }));
  using detector = await AnomalyDetector.fit(rows.filter((_, i) => i % 50 !== 7));
  return detector.report(rows);
}

describe.skipIf(!haveBrowser("chromium"))("a report", () => {
  let browser: Browser;

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    browser = await startBrowser("chromium");
  });
  afterAll(async () => {
    await browser?.close();
  });

  test.each([
    ["images", imageReport],
    ["sensors", sensorReport],
  ] as const)("of %s", async (name, make) => {
    const path = `${folder}/${name}.html`;
    // The policy of the page refuses scripts, axe too: the test looks at the page without it.
    writeFileSync(
      path,
      (await make()).replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, ""),
    );
    for (const [size, options] of [
      ["wide", {}],
      ["wide-dark", { dark: true }],
      ["phone", { viewport: PHONE }],
      ["print", { viewport: PAPER, dark: true, print: true }],
    ] as const) {
      const tab = await browser.open(options);
      await tab.go(pathToFileURL(path).href);
      await tab.read(axe);
      const found = await tab.read<{ id: string; impact: string; nodes: string[] }[]>(
        "axe.run(document).then(({ violations }) => violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html }) => html.slice(0, 120)) })))",
      );
      expect(found, `${size}: ${JSON.stringify(found, null, 1)}`).toEqual([]);
      expect(await tab.read("document.documentElement.scrollWidth - innerWidth")).toBe(0);
      const paper = "getComputedStyle(document.body).backgroundColor";
      if (size === "print") expect(await tab.read(paper)).toBe("rgb(255, 255, 255)");
      await tab.picture(`report-${name}-${size}`);
      expect(tab.errors).toEqual([]);
      await tab.close();
    }
  });
});
