// Measures the playground in headless Chromium: the time until the first picture, the duration of its frames, and the processor
// time of its main thread and its worker for each frame, which other work on the machine affects little.
//
//   npm run build:playground && node bench/playground.mjs [seconds]

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";

const seconds = Number(process.argv[2] ?? 10);
const folder = fileURLToPath(new URL("../build/playground/", import.meta.url));
const page = `${folder}index.html`;
if (!existsSync(page)) throw new Error("Run npm run build:playground first.");

const script = readFileSync(`${folder}playground.js`, "utf8");
const gzipped = (text) => gzipSync(text, { level: 9 }).length;
const digits = gzipped(/[A-Q]{10000,}/.exec(script)?.[0] ?? "");
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;
console.log(
  `loads ${kilobytes(gzipped(script) - digits)} of program and ${kilobytes(digits)} of digits (gzip -9)`,
);

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const tab = await browser.newPage({ viewport: { width: 1280, height: 900 } });
await tab.addInitScript(() => {
  window.taken = { frames: [], tasks: [], first: 0 };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.taken.tasks.push(duration);
  }).observe({ entryTypes: ["longtask"] });
  let last = performance.now();
  const tick = (now) => {
    window.taken.frames.push(now - last);
    last = now;
    const step = Number(document.querySelector("#steps")?.dataset.step ?? 0);
    if (step > 0 && window.taken.first === 0) window.taken.first = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
});
await tab.goto(pathToFileURL(page).href);
await tab.waitForFunction(() => window.taken.first > 0, null, { polling: 50 });
await tab.waitForTimeout(2000);

/** Processor milliseconds of the renderer's threads so far, by name. */
function threads() {
  const used = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--type=renderer")) continue;
      for (const task of readdirSync(`/proc/${pid}/task`)) {
        const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8");
        const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        used.set(`${pid}/${task} ${name}`, (Number(fields[11]) + Number(fields[12])) * 10);
      }
    } catch {
      // The process has ended.
    }
  }
  return used;
}

const [before, from] = [threads(), await state()];
await tab.waitForTimeout(seconds * 1000);
const [after, to] = [threads(), await state()];
async function state() {
  return tab.evaluate(() => ({
    ...window.taken,
    count: window.taken.frames.length,
    step: Number(document.querySelector("#steps").dataset.step),
  }));
}

const frames = to.frames.slice(from.count).sort((a, b) => a - b);
const at = (share) => frames[Math.floor((frames.length - 1) * share)].toFixed(1);
const trained = (to.step - from.step) / 4; // four steps a frame
console.log(`first steps ${to.first.toFixed(0)} ms after the start of the page`);
console.log(
  `frames: median ${at(0.5)}, 99th percentile ${at(0.99)}, longest ${at(1)} ms; ${(trained / seconds).toFixed(1)} a second trained`,
);
const long = to.tasks.slice(from.tasks.length);
console.log(
  `tasks above 50 ms: ${long.length}${long.length ? `, longest ${Math.max(...long)} ms` : ""}`,
);
for (const [name, milliseconds] of after) {
  const used = milliseconds - (before.get(name) ?? 0);
  if (used / seconds > 20)
    console.log(`  ${name}: ${(used / trained).toFixed(2)} ms of processor a frame`);
}
await browser.close();
