// Runs pages in a browser without an automation protocol: the browser is started on the first page,
// every page reports by going to /report, and the answer there leads on to the next page. A page that
// keeps silent costs its time limit, and the browser is started anew on the page after it.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";

const LIMIT = 30_000;
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export const BROWSERS = {
  chromium: (profile, url) => [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--user-data-dir=${profile}`,
    url,
  ],
  "firefox-esr": (profile, url) => {
    const preferences = {
      "browser.shell.checkDefaultBrowser": false,
      "datareporting.policy.dataSubmissionEnabled": false,
      "app.update.enabled": false,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
      "browser.aboutwelcome.enabled": false,
    };
    const lines = Object.entries(preferences).map(([k, v]) => `user_pref("${k}", ${v});`);
    writeFileSync(join(profile, "user.js"), lines.join("\n"));
    return ["--headless", "--no-remote", "--profile", profile, url];
  },
};

/**
 * Loads `pages` one after another and returns their records by name. A page is { name, path } under
 * `root`, or { name, file } for a file:// page, with `headers` and `isolated` where wanted. File pages
 * come first, because a page of the web cannot lead to them.
 */
export async function runPages(browser, root, pages) {
  const results = new Map();
  let arrived = () => {};
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://localhost");
    if (url.pathname === "/report") {
      const name = url.searchParams.get("page");
      results.set(name, JSON.parse(url.searchParams.get("records")));
      const next = pages[pages.findIndex((page) => page.name === name) + 1];
      response.writeHead(302, { Location: next && !next.file ? address(next) : "/end" });
      response.end();
      arrived();
      return;
    }
    serve(root, pages, url, response);
  });
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  const origin = `http://localhost:${server.address().port}`;
  const address = (page) => {
    const bare = page.url ?? (page.file ? `file://${page.file}` : origin + page.path);
    return `${bare}?${new URLSearchParams({ server: origin, page: page.name, ...page.query })}`;
  };

  let left = pages;
  while (left.length > 0) {
    const before = left.length;
    const stop = start(browser, address(left[0]));
    while (left.length > 0) {
      const [page] = left;
      const reported = await within(LIMIT, (resolve) => {
        arrived = () => results.has(page.name) && resolve();
        arrived();
      });
      if (!reported) {
        results.set(page.name, [
          { name: "the page reports", ok: false, message: `silent for ${LIMIT / 1000} s` },
        ]);
      }
      left = left.slice(1);
      if (!reported || left[0]?.file) break;
    }
    await stop();
    if (left.length === before) break;
  }
  server.close();
  server.closeAllConnections();
  return results;
}

function within(limit, wait) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), limit);
    wait(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

function start(browser, url) {
  const profile = mkdtempSync(join(tmpdir(), "profile-"));
  const child = spawn(browser, BROWSERS[browser](profile, url), {
    stdio: "ignore",
    detached: true,
    env: { ...process.env, HOME: profile },
  });
  const ended = new Promise((resolve) => {
    child.on("exit", resolve);
    child.on("error", resolve);
  });
  return async () => {
    try {
      process.kill(-child.pid, "SIGKILL"); // the group: browsers are many processes
    } catch {
      // It has ended by itself.
    }
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
}

function serve(root, pages, url, response) {
  const path = join(root, normalize(url.pathname));
  const page = pages.find((each) => each.name === url.searchParams.get("page"));
  try {
    const body = readFileSync(path);
    response.writeHead(200, {
      "Content-Type": TYPES[extname(path)] ?? "application/octet-stream",
      // Scripts carry the policy too: an isolated page runs no worker without it.
      ...(page?.isolated || /\.m?js$/.test(path) ? ISOLATION : {}),
      ...page?.headers,
    });
    response.end(body);
  } catch {
    response.writeHead(404, { "Content-Type": "text/html" });
    response.end("<!doctype html><title>not here</title>");
  }
}
