// The examples that need a host of their own, run as a user would run them, on the packed tarball.

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleForWorkerd, serving } from "./workerd.mjs";

/** What must hold of an example, as a record of the runner. */
export function record(name, ok, message) {
  return ok ? { name, ok: true } : { name, ok: false, message };
}

/** The records that a program printed. */
export function recordsIn(output) {
  const line = output.split("\n").find((each) => each.startsWith("RECORDS "));
  if (!line) throw new Error(`no records in: ${output.slice(0, 500)}`);
  return JSON.parse(line.slice("RECORDS ".length));
}

/** Copies the examples beside the app, where they find the installed package. */
export function copyExamples(examples, app) {
  for (const name of ["deno", "edge-worker", "image-page", "script-page", "vite-page"]) {
    cpSync(join(examples, name), join(app, "examples", name), { recursive: true });
  }
}

/** Learns from rows in which every value follows from the first, restarts, and scores. */
export async function edgeWorker(command, app, folder) {
  const bundle = await bundleForWorkerd(
    join(app, "examples/edge-worker"),
    "worker.mjs",
    join(folder, "edge-worker"),
    "Detector",
  );
  const rows = (seed) =>
    Array.from({ length: 32 }, (_, i) => {
      const t = Math.sin(seed * 32 + i);
      return Array.from({ length: 8 }, (_, k) => t * Math.cos(k));
    });
  const post = async (fetch, path, body) =>
    (await fetch(path, { method: "POST", body: JSON.stringify(body) })).json();
  let first;
  let last;
  await serving(command, bundle, async (fetch) => {
    first = await post(fetch, "/learn", { rows: rows(0) });
    for (let step = 2; step <= 200; step++)
      last = await post(fetch, "/learn", { rows: rows(step) });
  });
  return serving(command, bundle, async (fetch) => {
    const odd = rows(0)[1].map((value, k) => (k % 2 ? value : -value));
    const { scores } = await post(fetch, "/score", { rows: [rows(0)[1], odd] });
    const refused = await post(fetch, "/score", { rows: [[1, 2]] });
    const next = await post(fetch, "/learn", { rows: rows(0) });
    return [
      record("learns online", last.loss < first.loss / 5, `from ${first.loss} to ${last.loss}`),
      record("continues from its storage", next.steps === 201, `step ${next.steps}`),
      record("scores the odd row higher", scores[1] > 10 * scores[0], `scores ${scores}`),
      record("names bad rows", /Row 0 of x must hold 8/.test(refused.error), refused.error),
    ];
  });
}

/** Pages that press their own button and report what they show in the end. */
export function pressingPages(app) {
  const press = (folder, script, output, done) => {
    const page = join(app, "examples", folder, "index.html");
    const path = join(app, "examples", folder, script);
    writeFileSync(
      path,
      `const { server, page } = Object.fromEntries(new URLSearchParams(location.search));
const output = document.getElementById("${output}");
document.getElementById("train").click();
const timer = setInterval(() => {
  if (document.getElementById("train").disabled) return;
  clearInterval(timer);
  const records = [{ name: "trains", ok: ${done}.test(output.textContent), message: output.textContent }];
  location.replace(\`\${server}/report?\${new URLSearchParams({ page, records: JSON.stringify(records) })}\`);
}, 100);
`,
    );
    const html = readFileSync(page, "utf8");
    writeFileSync(
      page,
      html.replace("</body>", `<script type="module" src="./${script}"></script></body>`),
    );
  };
  press("script-page", "press.mjs", "status", "/7500 steps, error 0\\.0/");
  press("image-page", "press.mjs", "status", "/5700 steps, error 0\\.0/");
  press("vite-page", "press.mjs", "progress", "/done: loss 0\\.0/");
  const script = join(app, "node_modules/tied-autoencoder/dist/script/tied-autoencoder.js");
  cpSync(script, join(app, "examples/script-page/tied-autoencoder.js"));
}
