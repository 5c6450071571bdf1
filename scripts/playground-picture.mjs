// Makes the picture of the playground on the first page of the site: the network and the map of codes after some training.
//
//   npm run build:playground && node scripts/playground-picture.mjs      needs Chromium at /usr/bin/chromium

import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const STEPS = 4000;
/** Pixels: the network, and the parts of the gradient of one weight. */
const HEIGHT = 556;
const root = new URL("..", import.meta.url);
const page = fileURLToPath(new URL("build/playground/index.html", root));
const picture = fileURLToPath(new URL("docs/pictures/playground.png", root));

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const tab = await browser.newPage({ viewport: { width: 1280, height: 900 } });
await tab.goto(pathToFileURL(page).href);
await tab.waitForFunction(
  (steps) => Number(document.querySelector("#steps")?.dataset.step ?? 0) >= steps,
  STEPS,
  { timeout: 300_000 },
);
await tab.getByRole("button", { name: "Pause" }).click();
const [network, map] = await Promise.all(
  ["#steps", ".map-points"].map((selector) =>
    tab
      .locator("section", { has: tab.locator(selector) })
      .last()
      .boundingBox(),
  ),
);
await tab.screenshot({
  path: picture,
  fullPage: true,
  clip: { x: network.x, y: network.y, width: map.x + map.width - network.x, height: HEIGHT },
});
await browser.close();
