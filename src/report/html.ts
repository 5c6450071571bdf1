// The frame of a report: one page with its styles, for screens of any width, dark mode and print.

/** The element near the start of the page by which the command line recognizes a report that it may replace. */
export const GENERATOR = '<meta name="generator" content="tied-autoencoder report">';

/** Attributes of a part that may be wider than the page: the keyboard reaches it and scrolls it. */
export const SCROLLS = 'tabindex="0" role="group"';

/** Escapes text for HTML, in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/**
 * A table of text. Columns without any text in `rows` are left out. If all headings are empty, there is no row of headings. If
 * `last` is "long", each row is a paragraph on a narrow screen, with the last column on a line of its own.
 */
export function table(
  allHeadings: readonly string[],
  allRows: readonly (readonly string[])[],
  last: "short" | "long" = "short",
): string {
  const hasText = (_: string, column: number) => allRows.some((row) => row[column] !== "");
  const headings = allHeadings.filter(hasText);
  const rows = allRows.map((row) => row.filter(hasText));
  const isLong = last === "long";
  const label = (column: number) =>
    isLong ? ` data-label="${escapeHtml(headings[column] ?? "")}"` : "";
  const cells = (texts: readonly string[]) =>
    texts.map((text, column) => `<td${label(column)}>${escapeHtml(text)}</td>`).join("");
  const head = headings.some((text) => text !== "")
    ? `<thead><tr>${headings.map((text) => `<th>${escapeHtml(text)}</th>`).join("")}</tr></thead>`
    : "";
  const body = rows.map((row) => `<tr>${cells(row)}</tr>`).join("\n");
  return `<div class="wide" ${SCROLLS} aria-label="Table"><table${isLong ? ' class="below"' : ""}>${head}<tbody>${body}</tbody></table></div>`;
}

/** A paragraph of text. */
export const paragraph = (text: string): string => `<p>${escapeHtml(text)}</p>`;

/**
 * A chart. It is drawn for a light background. In dark mode its colours are inverted. A long chart is as wide as the page,
 * and scrolls on a phone.
 */
export const chart = (svg: string, isLong = false): string =>
  isLong
    ? `<div class="chart long" ${SCROLLS} aria-label="Chart">${svg}</div>`
    : `<div class="chart">${svg}</div>`;

/** Width and height of a chart. It is narrow, so that its text is legible on a phone. */
export const CHART = [380, 240] as const;

/** A section of a page, or an empty text if it has no content. A wide section has the whole width of a screen. */
export function section(heading: string, content: string, isWide = false): string {
  if (content === "") return "";
  return `<section${isWide ? ' class="whole"' : ""}><h2>${escapeHtml(heading)}</h2>\n${content}\n</section>`;
}

/** The part of a model card that people write. */
export const TO_FILL_IN = `<h3>To fill in</h3>
<dl><dt>Intended use</dt><dd>…</dd><dt>Not intended for</dt><dd>…</dd><dt>Source of the data</dt><dd>…</dd><dt>Known limits</dt><dd>…</dd></dl>`;

/** The page. `lead` is text, `sections` are HTML. */
export function page(title: string, lead: string, sections: readonly string[]): string {
  const name = escapeHtml(title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${GENERATOR}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${name}</title>
<style>${STYLES}</style>
</head>
<body>
<main>
<header><h1>${name}</h1>
<p>${escapeHtml(lead)}</p></header>
${sections.filter((section) => section !== "").join("\n")}
</main>
</body>
</html>
`;
}

const STYLES = `
:root { color-scheme: light dark; --text: #1b1d21; --soft: #565b64; --page: #f4f5f7; --card: #fff; --line: #d9dce1; --bar: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --text: #e8eaee; --soft: #a8adb6; --page: #15171b; --card: #1f2227; --line: #383c44; --bar: #4aa3df; } }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1rem; display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); }
header p { margin: 0; max-width: 44rem; }
h1 { font-size: 1.6rem; margin: 1rem 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1rem 0 .5rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; break-inside: avoid; }
section > :last-child { margin-bottom: 0; }
pre, .wide { overflow-x: auto; }
pre { font-size: .8rem; margin: 0 0 1rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
td { min-width: 3rem; max-width: 44rem; }
td:last-child { padding-right: 0; }
tr { break-inside: avoid; }
svg { display: block; max-width: 100%; height: auto; color: #1b1d21; }
.chart svg { width: 34rem; margin: 0 0 .5rem; }
.whole td:last-child { min-width: 15rem; }
.long { overflow-x: auto; }
.long svg { width: 100%; min-width: 44rem; max-width: none; }
.bar { border-top: .6rem solid var(--bar); margin-top: .45rem; }
.bars { width: 100%; }
.bars td:last-child { width: 45%; }
.sheet svg { background: #fff; border-radius: .25rem; }
:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
.rows { display: flex; flex-wrap: wrap; gap: .75rem; margin: 0 0 1rem; }
figure { margin: 0; }
figcaption { font-size: .75rem; color: var(--soft); }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; }
@media (max-width: 40rem) { td, th { padding-right: .4rem; min-width: 0; } table { font-size: .75rem; } .whole td:last-child { min-width: 7rem; }
.below, .below tbody, .below tr { display: block; } .below thead { display: none; } .below tr { border-bottom: 1px solid var(--line); padding: .3rem 0; }
.below td { display: inline-block; border: 0; padding: 0 .7rem 0 0; } .below td::before { content: attr(data-label) " "; color: var(--soft); } .below td:last-child { display: block; font-size: .85rem; } .below td:last-child::before { content: none; } }
@media (min-width: 56rem) { main { grid-template-columns: repeat(2, minmax(0, 1fr)); } header, .whole { grid-column: 1 / -1; } }
@media screen and (prefers-color-scheme: dark) { .chart svg { filter: invert(1) hue-rotate(180deg); } }
@media print { :root { --text: #000; --soft: #333; --page: #fff; --card: #fff; --line: #bbb; --bar: #0072b2; } html { font-size: 12px; } body { font-size: 1rem; } main { padding: 0; gap: .6rem; grid-template-columns: repeat(2, minmax(0, 1fr)); } header, .whole { grid-column: 1 / -1; } section { padding: .7rem; break-inside: avoid; } section.whole { break-inside: auto; } figure, h2, h3 { break-inside: avoid; } h2, h3 { break-after: avoid; } pre { white-space: pre-wrap; } .chart svg { width: 100%; } }
`;
