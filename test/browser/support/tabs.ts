// Tabs of real browsers, with what both automation libraries do alike: Chromium through Playwright, Firefox
// through Puppeteer and WebDriver BiDi.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";

export type BrowserName = "chromium" | "firefox-esr";

export const PHONE = { width: 390, height: 844 };
export const WIDE = { width: 1280, height: 900 };

export interface TabOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly dark?: boolean;
  readonly still?: boolean;
  /** The page as it is printed; in Chromium only. */
  readonly print?: boolean;
  /** A script that runs in the page before its own. */
  readonly before?: string;
}

/** What a test does to a page. */
export interface Tab {
  /** Errors of the console and of the page itself, since it was opened. */
  readonly errors: string[];
  go(url: string): Promise<void>;
  /** Runs an expression in the page. */
  read<Value>(expression: string): Promise<Value>;
  /** Waits until an expression is true; the error says what it was. */
  until(expression: string, seconds?: number): Promise<void>;
  /** Moves to a place of an element, in shares of its size, and presses the button there. */
  click(selector: string, at?: Place): Promise<void>;
  hover(selector: string, at?: Place): Promise<void>;
  /** Presses at the first place, moves over the others and lets go. */
  drag(selector: string, places: readonly Place[]): Promise<void>;
  press(key: string): Promise<void>;
  picture(name: string): Promise<void>;
  close(): Promise<void>;
}

export type Place = readonly [x: number, y: number];

export interface Browser {
  readonly name: BrowserName;
  open(options?: TabOptions): Promise<Tab>;
  close(): Promise<void>;
}

const pictures = fileURLToPath(new URL("../../../build/screenshots/", import.meta.url));

export async function startBrowser(name: BrowserName): Promise<Browser> {
  return name === "chromium" ? startChromium() : startFirefox();
}

/** What the pages of both libraries share. */
interface Page {
  goto(url: string): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
  readonly mouse: {
    move(x: number, y: number): Promise<void>;
    down(): Promise<void>;
    up(): Promise<void>;
  };
  readonly keyboard: { press(key: never): Promise<void> };
  screenshot(options: { path: `${string}.png`; fullPage: boolean }): Promise<unknown>;
  close(): Promise<void>;
}

async function startChromium(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  return {
    name: "chromium",
    async open({ viewport = WIDE, dark = false, still = false, print = false, before } = {}) {
      const page = await browser.newPage({
        viewport,
        colorScheme: dark ? "dark" : "light",
        reducedMotion: still ? "reduce" : "no-preference",
      });
      if (print) await page.emulateMedia({ media: "print" });
      if (before) await page.addInitScript(before);
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") errors.push(message.text());
      });
      return tabOf("chromium", page, errors);
    },
    close: () => browser.close(),
  };
}

async function startFirefox(): Promise<Browser> {
  const launch = (preferences: Record<string, unknown>) =>
    puppeteer.launch({
      browser: "firefox",
      executablePath: "/usr/bin/firefox-esr",
      extraPrefsFirefox: preferences,
    });
  // Colours and motion are preferences of the whole browser there.
  const browsers = new Map<string, Awaited<ReturnType<typeof launch>>>();
  return {
    name: "firefox-esr",
    async open({ viewport = WIDE, dark = false, still = false, before } = {}) {
      const key = `${dark} ${still}`;
      const preferences = {
        "ui.systemUsesDarkTheme": dark ? 1 : 0,
        "layout.css.prefers-color-scheme.content-override": dark ? 0 : 1,
        "ui.prefersReducedMotion": still ? 1 : 0,
      };
      const browser = browsers.get(key) ?? (await launch(preferences));
      browsers.set(key, browser);
      const context = await browser.createBrowserContext(); // without what other tabs stored
      const page = await context.newPage();
      await page.setViewport(viewport);
      if (before) await page.evaluateOnNewDocument(before);
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("console", (message) => {
        if (message.type() === "error") errors.push(message.text());
      });
      return tabOf("firefox-esr", page, errors);
    },
    async close() {
      for (const browser of browsers.values()) await browser.close();
    },
  };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function tabOf(browser: BrowserName, page: Page, errors: string[]): Tab {
  const at = async (selector: string, [x, y]: Place): Promise<Place> => {
    const box = (await page.evaluate(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      if (!element) return null;
      const shown = element.getBoundingClientRect();
      if (shown.top < 0 || shown.bottom > innerHeight) element.scrollIntoView({ block: "center" });
      const { left, top, width, height } = element.getBoundingClientRect();
      return [left, top, width, height];
    })()`)) as [number, number, number, number] | null;
    if (!box) throw new Error(`The page has no ${selector}.`);
    return [box[0] + x * box[2], box[1] + y * box[3]];
  };
  const move = async (selector: string, place: Place) =>
    page.mouse.move(...(await at(selector, place)));
  return {
    errors,
    go: async (url) => void (await page.goto(url)),
    read: async <Value>(expression: string) => (await page.evaluate(expression)) as Value,
    async until(expression, seconds = 30) {
      const end = Date.now() + seconds * 1000;
      while (!(await page.evaluate(`Promise.resolve(${expression}).then(Boolean)`))) {
        if (Date.now() > end) {
          const said = await page.evaluate("document.querySelector('.said')?.innerText ?? ''");
          throw new Error(`Not true after ${seconds} s: ${expression}. The page says: ${said}`);
        }
        await pause(50);
      }
    },
    hover: (selector, place = [0.5, 0.5]) => move(selector, place),
    async click(selector, place = [0.5, 0.5]) {
      await move(selector, place);
      await page.mouse.down();
      await page.mouse.up();
    },
    async drag(selector, places) {
      const [first = [0.5, 0.5], ...rest] = places;
      await move(selector, first);
      await page.mouse.down();
      for (const place of rest) await move(selector, place);
      await page.mouse.up();
    },
    press: (key) => page.keyboard.press(key as never),
    async picture(name) {
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: `${pictures}${name}-${browser}.png`, fullPage: true });
    },
    close: () => page.close(),
  };
}
