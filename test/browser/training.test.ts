// Training in a page and in a worker of a page: timers and messages are handled in between, an abort works, and
// calls at random moments have no effect on it.

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { haveBrowser } from "../runtime/have-browser.mjs";
import { type Served, serve } from "./support/serve.ts";
import { type Browser, type BrowserName, startBrowser, type Tab } from "./support/tabs.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));
/** Pages with these headers have shared memory. */
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
/** The goal is 50 ms. A busy machine takes longer, and work without pauses would take seconds. */
const LIMIT_MILLISECONDS = 1000;

const names: BrowserName[] = ["chromium", "firefox-esr"];

describe.each(names)("training in %s", (name) => {
  if (!haveBrowser(name)) {
    test.skip(`${name} is not installed`, () => {});
    return;
  }
  let browser: Browser;
  let site: Served;
  let tab: Tab;

  beforeAll(async () => {
    browser = await startBrowser(name);
    site = await serve(project, ISOLATED);
    tab = await browser.open();
    await tab.go(`${site.url}test/browser/support/blank.html`);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  /** Runs a function of the page's own, with what a program there imports. */
  const inPage = <Value>(body: string) =>
    tab.read<Value>(`(async () => {
      const { TiedAutoencoder } = await import("/dist/index.js");
      const worker = await import("/dist/worker.js");
      ${body}
    })()`);

  test("no task keeps the page's timers waiting", async () => {
    const found = await inPage<Record<string, { longest: number; milliseconds: number }>>(`
      const { longCalls, longestTask } = await import("/test/support/tasks.mjs");
      const results = {};
      for (const [name, run] of Object.entries(longCalls({ TiedAutoencoder }))) results[name] = await run(longestTask);
      return results;`);
    for (const [call, { longest, milliseconds }] of Object.entries(found)) {
      console.log(`${name}, ${call}: ${longest.toFixed(0)} ms of ${milliseconds.toFixed(0)} ms`);
      expect(longest, call).toBeLessThan(LIMIT_MILLISECONDS);
    }
  });

  test("without callbacks, timers, a fetch and an abort are served while fit runs", async () => {
    const { timers, fetched, reason, after } = await inPage<Record<string, unknown>>(`
      const model = await TiedAutoencoder.create({ layers: [200, 100] });
      const x = new Float32Array(500 * 200).fill(0.5);
      const controller = new AbortController();
      let timers = 0;
      let fetched = false;
      const timer = setInterval(() => timers++, 20);
      fetch("/package.json").then((response) => response.json()).then(() => { fetched = true; });
      let aborted;
      setTimeout(() => { aborted = performance.now(); controller.abort("enough"); }, 600);
      const reason = await model.fit(x, { epochs: 1e6, signal: controller.signal }).catch((error) => error);
      const after = performance.now() - aborted;
      clearInterval(timer);
      model.dispose();
      return { timers, fetched, reason, after };`);
    expect(timers).toBeGreaterThan(5);
    expect(fetched).toBe(true);
    expect(reason).toBe("enough");
    expect(after).toBeLessThan(LIMIT_MILLISECONDS);
  });

  test("a worker answers while it trains, and an abort works", async () => {
    const { saved, reason, after } = await inPage<Record<string, unknown>>(`
      const model = await worker.TiedAutoencoder.create({ layers: [200, 100] });
      const controller = new AbortController();
      const x = new Float32Array(500 * 200).fill(0.5);
      const fit = model.fit(x, { epochs: 1e6, signal: controller.signal }).catch((error) => error);
      const saved = (await model.save()).length;
      const aborted = performance.now();
      controller.abort("enough");
      const reason = await fit;
      const after = performance.now() - aborted;
      model.dispose();
      return { saved, reason, after };`);
    expect(saved).toBeGreaterThan(80_000);
    expect(reason).toBe("enough");
    expect(after).toBeLessThan(LIMIT_MILLISECONDS);
  });

  test("with calls at random moments, nothing is lost and every promise settles", async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const rounds = await inPage<Record<string, number>>(`
      const { races } = await import("/test/assault/races.mjs");
      const makeWorker = () => new Worker("/dist/worker-script.js", { type: "module" });
      return races({ TiedAutoencoder, worker }, { seconds: 8, seed: ${seed}, makeWorker });`);
    console.log(`${name}: ${JSON.stringify(rounds)}`);
    expect(rounds.inThisThread).toBeGreaterThan(5);
    expect(tab.errors.filter((error) => !error.includes("404"))).toEqual([]); // it looks for an icon
  });
});
