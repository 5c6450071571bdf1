// Measures the start of a page in headless Chromium, from the bytes of its script to its first model and first result.
//
//   npm run bench:page [-- FOLDER …] [--runs 30]      after npm run build; needs Chromium at /usr/bin/chromium
//
// Each FOLDER is a checkout whose package is built. The default is this one. The page is one script, bundled and minified with
// the build of the core that Chromium takes, from a server on this machine. Its bytes have arrived at `responseEnd` of the browser's
// resource timing. Every load is a new tab, and the checkouts alternate. Prints milliseconds, the least and the median.

import { createServer } from "node:http";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { describeHost } from "./support/host.mjs";

const PROGRAM = `import { TiedAutoencoder } from "tied-autoencoder";
const started = performance.now();
const model = await TiedAutoencoder.create({ layers: [784, 128] });
const made = performance.now();
model.encode(new Float32Array(784));
const [{ responseEnd }] = performance.getEntriesByType("resource");
window.times = { started: started - responseEnd, made: made - responseEnd, encoded: performance.now() - responseEnd };`;
const EMPTY = `const [{ responseEnd }] = performance.getEntriesByType("resource");
window.times = { started: performance.now() - responseEnd };`;
const PARTS = { started: "the script runs", made: "create has ended", encoded: "the first result" };

/** Leaves out the baseline build. A bundler would put it into a file that the page does not load. */
const withoutBaseline = {
  name: "without the baseline build",
  setup({ onLoad }) {
    onLoad({ filter: /wasm\/baseline\.js$/ }, () => ({ contents: "export default undefined" }));
  },
};

async function script(checkout) {
  const { outputFiles } = await build({
    stdin: { contents: PROGRAM, resolveDir: checkout },
    alias: { "tied-autoencoder": join(checkout, "dist/index.js") },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "error",
    plugins: [withoutBaseline],
  });
  return outputFiles[0].contents;
}

const { values, positionals } = parseArgs({
  options: { runs: { type: "string", default: "30" } },
  allowPositionals: true,
});
const checkouts = (positionals.length > 0 ? positionals : [join(import.meta.dirname, "..")]).map(
  (path) => resolve(path),
);
/** What each page runs. An empty script shows what the browser itself takes. */
const pages = [
  ["an empty script", EMPTY],
  ...(await Promise.all(checkouts.map(async (path) => [basename(path), await script(path)]))),
];
const server = createServer(({ url }, response) => {
  const [, number, file] = /^\/(\d+)\/(.*)$/.exec(url) ?? [];
  const isScript = file === "page.js";
  response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
  response.end(
    isScript ? pages[number][1] : '<!doctype html><script type="module" src="page.js"></script>',
  );
});
await new Promise((resolved) => server.listen(0, "127.0.0.1", resolved));
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
const found = pages.map(() => []);
for (let run = 0; run < Number(values.runs); run++) {
  for (const [i, times] of found.entries()) {
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(`http://127.0.0.1:${server.address().port}/${i}/`);
    await tab.waitForFunction(() => window.times);
    times.push(await tab.evaluate(() => window.times));
    await context.close();
  }
}
console.log(`${describeHost()}, Chromium ${browser.version()}, ${values.runs} loads each`);
for (const [i, times] of found.entries()) {
  console.log(`${pages[i][0]}, milliseconds after the bytes: least, median`);
  for (const [part, name] of Object.entries(PARTS)) {
    if (times[0][part] === undefined) continue;
    const sorted = times.map((each) => each[part]).sort((a, b) => a - b);
    const shown = [sorted[0], sorted[sorted.length >> 1]].map((time) =>
      time.toFixed(1).padStart(7),
    );
    console.log(`  ${name.padEnd(20)}${shown.join("")}`);
  }
}
await browser.close();
server.close();
