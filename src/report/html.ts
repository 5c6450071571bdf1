// The frame of a report: one page with its styles, for screens of any width, dark mode and print.

/** Text as it may stand in HTML, in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** A table of text. Headings that are all empty are left out. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, texts: readonly string[]) =>
    `<tr>${texts.map((text) => `<${tag}>${escapeHtml(text)}</${tag}>`).join("")}</tr>`;
  const head = headings.some((text) => text !== "")
    ? `<thead>${cells("th", headings)}</thead>`
    : "";
  return `<div class="wide"><table>${head}<tbody>${rows.map((row) => cells("td", row)).join("\n")}</tbody></table></div>`;
}

/** The page. `sections` are HTML. */
export function page(title: string, sections: readonly string[]): string {
  const name = escapeHtml(title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${name}</title>
<style>${STYLES}</style>
</head>
<body>
<main>
<h1>${name}</h1>
${sections.filter((section) => section !== "").join("\n")}
</main>
</body>
</html>
`;
}

const STYLES = `
:root { color-scheme: light dark; --text: #1b1d21; --page: #f4f5f7; --card: #fff; --line: #d9dce1; }
@media (prefers-color-scheme: dark) { :root { --text: #e8eaee; --page: #15171b; --card: #1f2227; --line: #383c44; } }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: 1rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1rem 0 .5rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 0 0 1rem; break-inside: avoid; }
pre, .wide { overflow-x: auto; }
pre { font-size: .8rem; margin: 0 0 1rem; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
td { min-width: 3rem; max-width: 38rem; }
td:last-child { padding-right: 0; }
svg { display: block; max-width: 100%; height: auto; background: #fff; color: #1b1d21; border-radius: .25rem; margin: 0 0 .5rem; }
meter { width: 8rem; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; }
@media print { body, section { background: #fff; color: #000; border-color: #bbb; } }
`;
