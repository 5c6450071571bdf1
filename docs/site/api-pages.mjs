// The pages of the API reference, one for each entry, from the result of scripts/public-api.mjs, which reads the types.

/** @typedef {import("../../scripts/public-api.mjs").Entry} Entry */
/** @typedef {import("../../scripts/public-api.mjs").Exported} Exported */
/** @typedef {import("../../scripts/public-api.mjs").Member} Member */

/** Entries that hosts load by address. Programs import no names from them. */
const WITHOUT_NAMES = [
  "tied-autoencoder/worker-script",
  "tied-autoencoder/detector-script",
  "tied-autoencoder/thread-worker",
];

/** The sections of a page in their order, with a test for the names in each. */
const SECTIONS = [
  ["Classes", (one) => one.kind === "class"],
  ["Functions", (one) => one.kind === "function"],
  ["Values", (one) => one.kind === "value"],
  ["Types", (one) => one.kind === "interface" || one.kind === "type"],
  ["Errors", (one) => one.kind === "error"],
];

/**
 * The page of each entry: its name without folders, its title and its Markdown.
 * @param {readonly Entry[]} api
 * @returns {{ name: string, title: string, text: string }[]}
 */
export function apiPages(api) {
  return api
    .filter(({ entry }) => !WITHOUT_NAMES.includes(entry))
    .map((entry) => ({
      name: entry.entry.split("/").at(-1),
      title: entry.entry,
      text: page(entry),
    }));
}

/** @param {Entry} entry */
function page({ entry, comment, exports, used }) {
  const anchors = new Map([...exports, ...used].map(({ name }) => [name, anchor(name)]));
  const writer = new Writer(anchors);
  const sections = SECTIONS.map(([title, has]) => [title, exports.filter(has)]);
  sections.push(["Types that these mention", used]);
  return [
    `# ${entry}`,
    intro(comment),
    ...sections
      .filter(([, names]) => names.length > 0)
      .flatMap(([title, names]) => [`## ${title}`, ...names.map((one) => writer.exported(one))]),
  ].join("\n\n");
}

/** The text of the first comment of the entry, without the name, which is in the title. */
function intro(comment) {
  const text = comment.replace(/^`[^`]+`: /, "").replace(/^What `import.*?` gives\. /, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

class Writer {
  constructor(anchors) {
    this.anchors = anchors;
  }

  /** @param {Exported} one */
  exported(one) {
    const { name, kind, statics, members, variants } = one;
    const parts = [`### ${name}`];
    if (kind === "class" || kind === "function") parts.push(signatures(one.signatures));
    if (kind === "value") parts.push(this.code(one.type));
    parts.push(docs(one));
    if (kind === "type") parts.push(this.alias(one));
    if (kind === "class") parts.push(this.classMembers(statics, members));
    if (kind === "interface" || kind === "error") {
      parts.push(
        this.table(members.filter((member) => kind !== "error" || member.name !== "name")),
      );
    }
    for (const variant of variants) parts.push(this.variant(variant));
    return parts.filter((part) => part !== "").join("\n\n");
  }

  /** The types of an alias in one line. Objects with members are not in it: they follow as tables. */
  alias({ type, variants }) {
    const parts = type
      .split(" | ")
      .map((part) => part.replace(/ & object$/, ""))
      .filter((part) => !(variants.length > 0 && part.startsWith("{")));
    return parts.length > 0 ? `Is one of: ${parts.map((part) => this.code(part)).join(", ")}` : "";
  }

  /** A table for one object of an alias, with its `type` as title. Empty if the object has no other member. */
  variant(members) {
    const type = members.find((member) => member.name === "type");
    const others = members.filter((member) => member !== type);
    if (others.length === 0) return "";
    const title = type ? `With \`type: ${type.type}\`:` : "As an object:";
    return `${title}\n\n${this.table(others)}`;
  }

  classMembers(statics, members) {
    const isMethod = (member) => member.signatures.length > 0;
    const methods = [
      ...statics.filter(isMethod).map((member) => ({ ...member, prefix: "static " })),
      ...members.filter(isMethod).map((member) => ({ ...member, prefix: "" })),
    ];
    return [
      this.table(members.filter((member) => !isMethod(member))),
      ...methods.map((member) =>
        [
          `#### ${member.name}`,
          signatures(member.signatures.map((text) => member.prefix + text)),
          docs(member),
        ].join("\n\n"),
      ),
    ]
      .filter((part) => part !== "")
      .join("\n\n");
  }

  /** @param {readonly Member[]} members */
  table(members) {
    if (members.length === 0) return "";
    const rows = members.map((member) => {
      const type = member.signatures.length > 0 ? member.signatures.join("; ") : member.type;
      const name = `\`${member.name}${member.optional ? "?" : ""}\``;
      return `| ${name} | ${this.code(type)} | ${oneLine(docs(member))} |`;
    });
    return ["| name | type | meaning |", "| --- | --- | --- |", ...rows].join("\n");
  }

  /** A type as code, with links to the types of this page. */
  code(type) {
    const html = oneLine(type)
      .replaceAll(" & object", "")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll("|", "&#124;")
      .replaceAll("*", "&#42;")
      .replaceAll("_", "&#95;")
      .replaceAll("[", "&#91;")
      .replaceAll("{", "&#123;")
      .replaceAll(/\b[A-Z]\w+\b/g, (name) => {
        const target = this.anchors.get(name);
        return target ? `<a href="#${target}">${name}</a>` : name;
      });
    return `<code>${html}</code>`;
  }
}

const anchor = (name) => name.toLowerCase();

/** Signatures as a block of code. */
function signatures(texts) {
  const lines = texts.map((text) => text.replaceAll(/\s+/g, " ").replaceAll(" | undefined)", ")"));
  return lines.length === 0 ? "" : `\`\`\`ts\n${lines.join("\n")}\n\`\`\``;
}

const TAGS = { throws: "Throws", returns: "Returns", param: "Parameter", see: "See" };

/** The docstring with its tags. */
function docs({ doc, tags }) {
  const lines = tags
    .filter(({ name }) => name in TAGS)
    .map(({ name, text }) => `${TAGS[name]} ${name === "param" ? parameter(text) : text}`);
  return escaped([doc, ...lines].filter((part) => part !== "").join("\n\n"));
}

/** The text of a `@param` tag: its name as code, and what it means. */
const parameter = (text) => text.replace(/^(\w+)\s+(?:- )?/, "`$1`: ");

/** Text with escaped angle and double curly brackets outside of code. */
function escaped(text) {
  return text
    .split(/(`[^`]*`)/)
    .map((part, i) =>
      i % 2 === 1 ? part : part.replaceAll("<", "&lt;").replaceAll("{{", "&#123;&#123;"),
    )
    .join("");
}

/** Text in one line, for a cell of a table. */
function oneLine(text) {
  return text
    .replaceAll(/\n\n?- /g, "<br>• ")
    .replaceAll(/\s*\n\s*\n\s*/g, "<br>")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/(?<!\\)\|/g, "\\|");
}
