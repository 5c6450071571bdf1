// The playground as people use it, in Chromium and in Firefox. Screenshots are kept in build/screenshots.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { haveBrowser } from "../runtime/have-browser.mjs";
import { type Served, serve } from "./support/serve.ts";
import {
  type Browser,
  type BrowserName,
  PHONE,
  startBrowser,
  type Tab,
  type TabOptions,
} from "./support/tabs.ts";

const folder = fileURLToPath(new URL("../../build/playground/", import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const STEP = "Number(document.querySelector('#steps')?.dataset.step ?? 0)";
const said = (text: string) =>
  `document.querySelector('.said').innerText.includes(${JSON.stringify(text)})`;
const button = (word: string) =>
  `[...document.querySelectorAll('button')].find((each) => each.innerText.trim() === ${JSON.stringify(word)})`;

/** A number that differs for canvases with different pixels. */
const pixelsOf = (selector: string) => `(() => {
  const canvas = document.querySelector(${JSON.stringify(selector)});
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, i) => (sum * 31 + value * (i % 7 + 1)) % 1000003, 0);
})()`;

test("the program is at most 150 KB after gzip, and so are the parts that are loaded later; the digits are a separate file", () => {
  const script = readFileSync(`${folder}playground.js`, "utf8");
  const [digits = ""] = /[A-Q]{10000,}/.exec(script) ?? [];
  expect(digits).toHaveLength(64 * 1797);
  const gzipped = (text: string) => gzipSync(text, { level: 9 }).length / 1024;
  expect(gzipped(script.replace(digits, ""))).toBeLessThan(150);
  expect(gzipped(readFileSync(`${folder}helper.js`, "utf8"))).toBeLessThan(150);
});

const names: BrowserName[] = ["chromium", "firefox-esr"];
/** The link that Chromium made, for Firefox to replay. */
let linkOfFirst: string | undefined;

describe.each(names)("the playground in %s", (name) => {
  if (!haveBrowser(name)) {
    test.skip(`${name} is not installed`, () => {});
    return;
  }
  let browser: Browser;
  let site: Served;
  let tab: Tab;

  beforeAll(async () => {
    browser = await startBrowser(name);
    site = await serve(folder);
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });
  afterEach(async () => {
    await tab?.close();
  });

  /** Opens the page and lets it train for some steps. */
  async function opened(steps: number, options: TabOptions = {}, address = ""): Promise<Tab> {
    tab = await browser.open(options);
    await tab.go(site.url + address);
    await tab.until(`${STEP} >= ${steps}`, 60);
    return tab;
  }
  const clickButton = (word: string) => tab.read(`${button(word)}.click()`);
  /** Gives a file of these parts, and after a comma its type, as the dialog for files does. */
  const giveFile = (file: string, parts: string) =>
    tab.read(`(() => {
      const make = (parts, type) => new File(parts, ${JSON.stringify(file)}, { type });
      const files = new DataTransfer();
      files.items.add(make(${parts}));
      const input = document.querySelector('#files');
      input.files = files.files;
      input.dispatchEvent(new Event('change', { bubbles: true }));
    })()`);

  test("it starts to train when it is loaded, and the loss decreases", async () => {
    await opened(1);
    const loss = "Number(document.querySelector('.key .held b').innerText)";
    await tab.until(`${STEP} > 150`, 60);
    expect(await tab.read<number>(loss)).toBeLessThan(0.0737); // the error of the average digit
    await tab.picture("playground-wide");
    expect(tab.errors).toEqual([]);
  });

  test("it works from a file, without a server", async () => {
    tab = await browser.open();
    await tab.go(pathToFileURL(`${folder}index.html`).href);
    await tab.until(`${STEP} > 5`, 60);
    expect(tab.errors).toEqual([]);
  });

  test("dragging over the map decodes the points under the pointer", async () => {
    await opened(60);
    await clickButton("Pause");
    await tab.drag(".map-points", [
      [0.2, 0.2],
      [0.3, 0.3],
    ]);
    await tab.until("document.querySelector('.decoded')");
    const before = await tab.read<number>(pixelsOf(".decoded"));
    await tab.drag(".map-points", [
      [0.3, 0.3],
      [0.8, 0.8],
    ]);
    await tab.until(`${pixelsOf(".decoded")} !== ${before}`);
    expect(tab.errors).toEqual([]);
  });

  test("a drawing has a reconstruction, an error and a p-value", async () => {
    await opened(100);
    await tab.drag(".pad", [
      [0.1, 0.1],
      [0.9, 0.1],
      [0.1, 0.3],
      [0.9, 0.5],
      [0.1, 0.7],
      [0.9, 0.9],
      [0.1, 0.9],
    ]);
    await tab.until("/^p = /.test(document.querySelector('#oddness')?.innerText ?? '')");
    const p = await tab.read<number>(
      "Number(/p = ([\\d.]+)/.exec(document.querySelector('#oddness').innerText)[1])",
    );
    expect(p).toBeLessThan(0.05); // nobody writes such a digit
    // The detector, which knows more than the model that is shown, learns once and then agrees.
    const says = "document.querySelector('#oddness')?.innerText ?? ''";
    await tab.until(`/for the detector/.test(${says})`, 150);
    const detected = `Number(/p = ([\\d.]+)/.exec(${says})[1])`;
    expect(await tab.read<number>(detected)).toBeLessThan(0.05);
    await clickButton("Clear");
    await tab.until("!document.querySelector('#oddness')");
    expect(tab.errors).toEqual([]);
  });

  test("a tile shows both of its uses and the halves of its gradient", async () => {
    await opened(30);
    await clickButton("Pause");
    await tab.hover(".tiles.encoder canvas", [0.15, 0.05]);
    await tab.until("document.querySelectorAll('.tile-frame').length === 2");
    await tab.until("document.querySelector('.thread path')");
    await tab.until(
      "/\\d+ % of the gradient comes from the encoder/.test(document.querySelector('.unit')?.innerText ?? '')",
    );
    const frames =
      "[...document.querySelectorAll('.tile-frame')].map(({ style }) => style.left + style.top)";
    expect(new Set(await tab.read<string[]>(frames)).size).toBe(1); // the same tile on both sides
    expect(tab.errors).toEqual([]);
  });

  test("untying doubles the parameters, and the two halves become different", async () => {
    await opened(30);
    const numbers = "document.querySelector('.switch p').innerText.replace(/,/g, '')";
    const tiedCount = Number(/\d+/.exec(await tab.read<string>(numbers))?.[0]);
    await tab.click(".switch button");
    await tab.until(`/(\\d+) parameters instead/.test(${numbers})`);
    expect(Number(/\d+/.exec(await tab.read<string>(numbers))?.[0])).toBeGreaterThan(
      tiedCount * 1.9,
    );
    await tab.until(`Number(/([\\d.]+) % apart/.exec(${numbers})?.[1]) > 1`, 60);
    await tab.picture("playground-untied");
    await tab.click(".switch button");
    await tab.until("document.querySelector('.network.is-tied')");
    expect(tab.errors).toEqual([]);
  });

  test("going back in time shows an earlier model, and play continues from the current one", async () => {
    await opened(80);
    await clickButton("Pause");
    const now = await tab.read<number>(STEP);
    await tab.read(`(() => {
      const slider = document.querySelector('.scrub input');
      slider.value = '0';
      slider.dispatchEvent(new Event('input', { bubbles: true }));
    })()`);
    await tab.until(`${STEP} === 0`);
    await clickButton("Play");
    await tab.until(`${STEP} > ${now}`);
    expect(tab.errors).toEqual([]);
  });

  test("a shared link replays to the same weights, bit for bit", async () => {
    await opened(120);
    // A change on the way belongs to the link.
    await tab.read(`(() => {
      const slider = document.querySelector('input[type=range][aria-valuetext="0.003"]');
      slider.value = '3';
      slider.dispatchEvent(new Event('input', { bubbles: true }));
    })()`);
    const step = await tab.read<number>(STEP);
    await tab.until(`${STEP} > ${step + 40}`, 60);
    await clickButton("Share");
    await tab.until("document.querySelector('dialog textarea')?.value.includes('sum=')");
    const link = await tab.read<string>("document.querySelector('dialog textarea').value");
    expect(link).toContain("changes=");
    await tab.close();
    const hash = link.slice(link.indexOf("#"));
    for (const each of [hash, linkOfFirst ?? hash]) {
      tab = await browser.open();
      await tab.go(site.url + each);
      await tab.until(said("the same weights, bit for bit"), 90);
      expect(tab.errors).toEqual([]);
      if (each !== linkOfFirst && linkOfFirst) await tab.close();
    }
    linkOfFirst ??= hash;
  });

  test("downloads are a model, an ONNX file and a report", async () => {
    // Keeps what would go to the visitor's folder.
    const before = `window.downloads = [];
      HTMLAnchorElement.prototype.click = function () {
        const entry = { name: this.download };
        window.downloads.push(entry);
        fetch(this.href).then((response) => response.text()).then((text) => { entry.text = text; });
      };`;
    await opened(40, { before });
    await clickButton("Pause");
    for (const word of ["Model, safetensors", "Model, ONNX", "Report, HTML"]) {
      await tab.read(
        `${button(word)} ?? [...document.querySelectorAll('.downloads button')].find((each) => each.textContent.trim() === ${JSON.stringify(word)}).click()`,
      );
    }
    await tab.until(
      "window.downloads.length === 3 && window.downloads.every(({ text }) => text)",
      90,
    );
    const files = await tab.read<{ name: string; text: string }[]>("window.downloads");
    const text = (ending: string) =>
      files.find(({ name: file }) => file.endsWith(ending))?.text ?? "";
    expect(text(".safetensors")).toContain("encoder.0.weight");
    expect(text(".onnx")).toContain("reconstruction");
    expect(text(".html")).toContain("Tied autoencoder on Handwritten digits");
    expect(tab.errors).toEqual([]);
  });

  test("the valid parts of a link edited by hand are used, and the others are reported", async () => {
    tab = await browser.open();
    await tab.go(
      `${site.url}#code=99&act=%3Cscript%3E&lr=-1&step=1e9&sum=zz&data=own&changes=5q1&x=y&&=`,
    );
    await tab.until(`${STEP} === 0 && document.querySelectorAll('.notice.problem').length > 0`);
    const problems = [
      "code=99",
      "act=<script>",
      "lr=-1",
      "step=1e9",
      "sum=zz",
      "changes=5q1",
      "\u201cx\u201d",
    ];
    for (const problem of problems) await tab.until(said(problem));
    await tab.close();
    tab = await browser.open();
    await tab.go(`${site.url}#step=20&sum=00000000`);
    await tab.until(said("but the link says 00000000"), 60);
    expect(tab.errors).toEqual([]);
  });

  test("every control can be reached and used by keyboard", async () => {
    await opened(20);
    const focused =
      "document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.innerText ?? ''";
    const reach = async (what: RegExp) => {
      for (let i = 0; i < 80; i++) {
        if (what.test(await tab.read<string>(focused))) return;
        await tab.press("Tab");
      }
      throw new Error(`Tab never reaches ${what}.`);
    };
    await reach(/^Pause$/);
    await tab.press(" ");
    await tab.until(button("Play"));
    await reach(/^Paper to draw on/);
    await tab.press("ArrowDown");
    await tab.press(" ");
    await tab.until("document.querySelector('#oddness')");
    await reach(/^Tiles of W:/);
    await tab.press("ArrowRight");
    await tab.until("document.querySelectorAll('.tile-frame').length === 2");
    await reach(/^Map of/);
    await tab.press("ArrowLeft");
    await tab.until("document.querySelector('.decoded')");
    // The other tools too: the rows around the point, and a walk from one row to another.
    await clickButton("Select");
    await tab.read("document.querySelector('.map-points').focus()");
    await tab.press("Enter");
    await tab.until(
      "/rows?: (the mean of their|its) pixels/.test(document.querySelector('.strip')?.innerText)",
    );
    await clickButton("Walk");
    await tab.read("document.querySelector('.map-points').focus()");
    await tab.press("Enter");
    for (let i = 0; i < 12; i++) await tab.press("ArrowLeft");
    await tab.press("Enter");
    await tab.until("/From row \\d+ to row/.test(document.querySelector('.strip')?.innerText)");
    expect(tab.errors).toEqual([]);
  });

  test("on a phone, arrows choose a tab and the links for sharing come last", async () => {
    await opened(5, { viewport: PHONE });
    await tab.read("document.querySelector('[role=tab][aria-selected=true]').focus()");
    await tab.press("ArrowRight");
    await tab.until("document.activeElement.innerText === 'Map'");
    await tab.until("document.querySelector('#part-map').offsetHeight > 0");
    expect(await tab.read("document.querySelector('#part-map').getAttribute('role')")).toBe(
      "tabpanel",
    );
    const below =
      "document.querySelector('.exits').getBoundingClientRect().top > document.querySelector('.map').getBoundingClientRect().bottom";
    expect(await tab.read(below)).toBe(true);
    // A lesson is chosen far below its text, and shows the part that it is about.
    await tab.read("document.querySelector('#tab-network').click()");
    await tab.read("document.querySelector('a[href=\"#lesson=anomalies\"]').scrollIntoView()");
    await tab.read("document.querySelector('a[href=\"#lesson=anomalies\"]').click()");
    await tab.until("document.querySelector('#part-data').offsetHeight > 0");
    await tab.until("document.querySelector('.lesson-text')?.getBoundingClientRect().top >= 0");
    expect(tab.errors).toEqual([]);
  });

  test("errors of a table are shown as a table too, which counts every row of the map", async () => {
    await opened(5, {}, "#lesson=anomalies");
    await clickButton("Pause");
    const counted =
      "[...document.querySelectorAll('.threshold details tbody tr')].reduce((sum, row) => sum + Number(row.cells[2].textContent), 0)";
    const rows =
      "Number(/of (\\d+) rows/.exec(document.querySelector('.threshold canvas').ariaLabel ?? document.querySelector('.threshold canvas').getAttribute('aria-label'))[1])";
    expect(await tab.read(counted)).toBe(await tab.read(rows));
    expect(await tab.read<number>(rows)).toBeGreaterThan(900);
    // A lower threshold flags more rows.
    const above = "Number(document.querySelector('.threshold p b').innerText)";
    const before = await tab.read<number>(above);
    await tab.read(`(() => {
      const slider = document.querySelector('.threshold input[type=range]');
      slider.value = '100';
      slider.dispatchEvent(new Event('input', { bubbles: true }));
    })()`);
    await tab.until(`${above} > ${before + 100}`);
  });

  test("the files of MNIST train as images, and points in space can be turned", async () => {
    await opened(5);
    // 30 images of 28 by 28 pixels.
    const header = "[0, 0, 8, 3, 0, 0, 0, 30, 0, 0, 0, 28, 0, 0, 0, 28]";
    const pixels = "Array.from({ length: 30 * 784 }, (_, i) => (i * i) % 256)";
    await giveFile("train-images-idx3-ubyte", `[new Uint8Array([...${header}, ...${pixels}])]`);
    await tab.until(
      "document.querySelector('.data .hint').innerText.startsWith('MNIST: 30 rows of 784')",
    );
    await tab.until(`${STEP} > 3`);
    await clickButton("Swiss roll");
    await tab.until(`document.querySelector('.space-canvas') && ${STEP} > 3`);
    await clickButton("Pause");
    const before = await tab.read<number>(pixelsOf(".space-canvas"));
    await tab.drag(".space-canvas", [
      [0.3, 0.5],
      [0.7, 0.6],
    ]);
    await tab.until(`${pixelsOf(".space-canvas")} !== ${before}`);
    expect(tab.errors).toEqual([]);
  });

  test("buttons, lists and sliders are at least 44 pixels high", async () => {
    await opened(5, { viewport: PHONE });
    for (const part of ["Data", "Network", "Map"]) {
      await clickButton(part);
      const small = await tab.read<string[]>(
        `[...document.querySelectorAll('button, select, summary, input[type=range]')]
          .filter((each) => each.offsetHeight > 0 && each.getBoundingClientRect().height < 44)
          .map((each) => each.outerHTML.slice(0, 80))`,
      );
      expect(small).toEqual([]);
    }
  });

  test("with reduced motion, training waits until play is pressed", async () => {
    tab = await browser.open({ still: true });
    await tab.go(site.url);
    await tab.until(said("nothing moves until you press Play"));
    expect(await tab.read<number>(STEP)).toBe(0);
    await clickButton("Play");
    await tab.until(`${STEP} > 3`);
  });

  test("a model trains on the user's own files, and an unusable file is refused with a reason", async () => {
    await opened(5);
    const give = (file: string, content: string) => giveFile(file, `[${content}]`);
    await give("notes.bin", "new Uint8Array([0, 1, 2, 255, 0])");
    await tab.until(said("\u201cnotes.bin\u201d could not be used"));
    await give("one.csv", "'a\\n' + Array.from({ length: 50 }, (_, i) => i).join('\\n')");
    await tab.until(said("only one column of numbers"));
    await give("few.csv", "'a,b\\n1,2\\n3,4'");
    await tab.until(said("20 are the least"));
    await give(
      "constant.csv",
      "'a,b,c\\n' + Array.from({ length: 50 }, (_, i) => [i, 2, 3].join()).join('\\n')",
    );
    await tab.until(said("only one column whose values differ from row to row, \u201ca\u201d"));
    await give(
      "huge.csv",
      "'a,b\\n' + Array.from({ length: 50 }, (_, i) => [i, i * 1e37].join()).join('\\n')",
    );
    await tab.until(said("\u201cb\u201d has values as large as"));
    // The digits were not lost, and training continues.
    const step = await tab.read<number>(STEP);
    await tab.until(`${STEP} > ${step}`);
    expect(await tab.read("document.querySelector('.data .hint').innerText")).toMatch(
      /^Handwritten/,
    );
    await give("empty.csv", "''");
    await tab.until(said("it is empty"));
    const wide =
      "'time;city;a;b;c\\n' + Array.from({ length: 30000 }, (_, i) => ['2026-01-01', 'Bern', Math.sin(i), i % 9 ? Math.cos(i) : '', Math.sin(i) + 1].join(';')).join('\\n')";
    await give("wide.csv", wide);
    await tab.until(said("the first 20,000 are used"));
    await tab.until(said("missing values are replaced"));
    await tab.until(
      "document.querySelector('.data .hint').innerText.includes('wide.csv: 20,000 rows of 3 (a, b, c)')",
    );
    await tab.until(`${STEP} > 3`);
    expect(tab.errors).toEqual([]);
  });

  test("a million rows and an image of ten megapixels are read in part, and the page does not stop", async () => {
    // Firefox does not report long tasks.
    const before = `window.tasks = [];
      try {
        new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) window.tasks.push(duration);
        }).observe({ type: "longtask" });
      } catch {}`;
    await opened(5, { before });
    // The file is made of the same thousand rows, so that making it takes no time.
    await giveFile(
      "million.csv",
      "['a,b,c\\n', ...new Array(1000).fill(Array.from({ length: 1000 }, (_, i) => [Math.sin(i), Math.cos(i), i % 7].map((value) => value.toFixed(9)).join()).join('\\n') + '\\n')]",
    );
    await tab.until(said("more than 20,000 rows; the first 20,000 are used"), 60);
    await tab.until(`${STEP} > 3`);
    await tab.read(`(async () => {
      const canvas = new OffscreenCanvas(4000, 2500);
      const context = canvas.getContext('2d');
      for (let i = 0; i < 300; i++) {
        context.fillStyle = 'hsl(' + i * 7 + ' 80% 50%)';
        context.fillRect((i * 379) % 4000, (i * 211) % 2500, 300, 200);
      }
      window.photo = await canvas.convertToBlob();
      window.tasks = [];
    })()`);
    await giveFile("photo.png", "[window.photo], 'image/png'");
    await tab.until(said("4000 by 2500 pixels is used at 600 by 375"), 60);
    await tab.until(`${STEP} > 3`, 60);
    const longest = await tab.read<number>("Math.max(0, ...window.tasks)");
    console.log(`${name}: the longest task of the page took ${longest.toFixed(0)} ms`);
    expect(longest).toBeLessThan(1000); // the goal is 50 ms; a busy machine takes longer
    expect(tab.errors).toEqual([]);
  });

  test("a reload in the middle of training loses no step", async () => {
    await opened(260);
    const before = await tab.read<number>(STEP);
    await tab.go(`${site.url}?again`);
    await tab.until(said("when you left"), 60);
    const left = "/step ([\\d,]+) when/.exec(document.querySelector('.said').innerText)[1]";
    const step = Number((await tab.read<string>(left)).replace(",", ""));
    expect(step).toBeGreaterThanOrEqual(before);
    await clickButton("Continue from there");
    await tab.until(`${STEP} > ${step}`, 60);
    await clickButton("Pause");
    await clickButton("Share");
    await tab.until("document.querySelector('dialog textarea')?.value.includes('sum=')");
    const link = await tab.read<string>("document.querySelector('dialog textarea').value");
    await tab.close();
    tab = await browser.open(); // the weights are those of training without a reload
    await tab.go(site.url + link.slice(link.indexOf("#")));
    await tab.until(said("the same weights, bit for bit"), 90);
    expect(tab.errors).toEqual([]);
  });

  test("after a reload, a visitor's own file has to be chosen again, and training continues", async () => {
    await opened(5);
    const rows =
      "['a,b,c\\n', Array.from({ length: 200 }, (_, i) => [Math.sin(i), Math.cos(i), Math.sin(i) + 1].join()).join('\\n')]";
    await giveFile("mine.csv", rows);
    await tab.until(
      `document.querySelector('.data .hint').innerText.includes('mine.csv') && ${STEP} > 210`,
      60,
    );
    const before = await tab.read<number>(STEP);
    await tab.go(`${site.url}?again`);
    await tab.until(
      said("on \u201cmine.csv\u201d when you left. This page does not store your data"),
      60,
    );
    await giveFile("mine.csv", rows);
    await tab.until(
      `document.querySelector('.data .hint').innerText.includes('mine.csv') && ${STEP} >= ${before}`,
      60,
    );
    expect(tab.errors).toEqual([]);
  });

  test("a hidden tab pauses, and a message reports it when the tab is visible again", async () => {
    // As a browser hides a tab: the state changes, and no frames are drawn.
    const before = `let isHidden = false;
      Object.defineProperty(document, "hidden", { get: () => isHidden });
      const { requestAnimationFrame } = window;
      const waiting = [];
      window.requestAnimationFrame = (draw) => (isHidden ? waiting.push(draw) : requestAnimationFrame(draw));
      window.hide = (next) => {
        isHidden = next;
        document.dispatchEvent(new Event("visibilitychange"));
        if (!next) for (const draw of waiting.splice(0)) requestAnimationFrame(draw);
      };`;
    await opened(20, { before });
    await tab.read("window.hide(true)");
    const halfASecond = () => new Promise((resolve) => setTimeout(resolve, 500));
    let step: number;
    let tries = 0;
    do {
      step = await tab.read<number>(STEP);
      await halfASecond();
      // The frame under way ends first, on a busy machine after some time.
    } while ((await tab.read<number>(STEP)) !== step && ++tries < 10);
    await halfASecond();
    expect(await tab.read<number>(STEP)).toBe(step);
    await tab.read("window.hide(false)");
    await tab.until(said("Training paused while this tab was hidden"));
    await tab.until(`${STEP} > ${step}`);
    expect(tab.errors).toEqual([]);
  });

  test("denied storage is reported once, and training continues", async () => {
    const before = `IDBFactory.prototype.open = () => { throw new DOMException('denied', 'SecurityError'); };
      Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });`;
    await opened(20, { before });
    await clickButton("Pause");
    await tab.until(said("does not let this page store anything"));
    await clickButton("Play");
    const step = await tab.read<number>(STEP);
    await tab.until(`${STEP} > ${step}`);
    expect(tab.errors).toEqual([]);
  });

  test("full storage is reported, and training continues", async () => {
    const before =
      "IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); };";
    await opened(20, { before });
    await clickButton("Pause");
    await tab.until(said("The browser's storage is full"));
    await clickButton("Play");
    const step = await tab.read<number>(STEP);
    await tab.until(`${STEP} > ${step}`);
    expect(tab.errors).toEqual([]);
  });

  test("a page without WebAssembly shows a message", async () => {
    const policy =
      "default-src 'none'; script-src 'self' blob:; worker-src blob:; style-src 'self' 'unsafe-inline'; img-src data:";
    const strict = await serve(folder, { "Content-Security-Policy": policy });
    try {
      tab = await browser.open();
      await tab.go(strict.url);
      await tab.until(
        "document.querySelector('.fatal [role=alert]')?.innerText.includes('cannot train here')",
      );
    } finally {
      strict.close();
    }
  });

  test.each([
    ["wide", { dark: true }],
    ["phone", { viewport: PHONE }],
    ["phone-dark", { viewport: PHONE, dark: true }],
  ] as const)("axe finds nothing serious on the %s page", async (size, options) => {
    await opened(40, options);
    await clickButton("Pause");
    await tab.read(axe);
    const parts = size === "wide" ? [""] : ["Data", "Network", "Map"];
    for (const part of parts) {
      if (part) await clickButton(part);
      const found = await tab.read<{ id: string; impact: string; nodes: { html: string }[] }[]>(
        "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html, failureSummary }) => ({ html: html.slice(0, 120), failureSummary })) })))",
      );
      const serious = found.filter(({ impact }) => impact === "serious" || impact === "critical");
      expect(serious, JSON.stringify(serious, null, 1)).toEqual([]);
      await tab.picture(`playground-${size}${part ? `-${part.toLowerCase()}` : "-dark"}`);
      const wider = await tab.read<number>("document.documentElement.scrollWidth - innerWidth");
      expect(wider).toBeLessThanOrEqual(0);
    }
    expect(tab.errors).toEqual([]);
  });
});
