// Text that comes from files and command lines, made safe to print. Column names, array names, file names and
// metadata may hold anything: terminal escapes, line breaks, text that runs from right to left. Everything that
// the program prints passes through `visible` or `toJson`.

/**
 * Characters that change a terminal or the order of what it shows: controls (C0, DEL, C1), marks and overrides of
 * direction, line and paragraph separators, zero-width characters, the byte order mark, and lone surrogates.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const escaped = (character: string): string => {
  const code = character.charCodeAt(0);
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
};

/** `text` with every unsafe character written as `\x1b` or `\u202e`, cut to about `limit` characters. */
export function visible(text: string, limit = 100): string {
  // Cut first, so that a long text costs no more than a short one.
  const head = text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
  return head.replace(UNSAFE, escaped);
}

/** The same for a message of several lines, which keeps its line breaks. */
export const visibleLines = (text: string, limit = 4000): string =>
  text
    .slice(0, limit)
    .split("\n")
    .map((line) => visible(line, limit))
    .join("\n");

/** `text` between quotation marks. */
export const quoted = (text: string, limit = 100): string =>
  `"${visible(text, limit).replaceAll('"', '\\"')}"`;

/** Names joined by commas, as many as fit into `limit` characters. */
export function listed(names: readonly string[], limit = 60): string {
  let text = "";
  for (const [i, name] of names.entries()) {
    const next = `${text}${i > 0 ? ", " : ""}${name === "" ? '""' : visible(name, limit)}`;
    if (next.length > limit) return `${text}${i > 0 ? ", " : ""}… (${names.length} in all)`;
    text = next;
  }
  return text;
}

/** JSON whose strings hold no unsafe character, on one line. Reads back as the same value. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** `word` as a POSIX shell reads it back: bare where nothing in it is special, otherwise quoted. */
export function shellQuote(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const hasControls = word.search(UNSAFE) >= 0;
  if (!hasControls) return `'${word.replaceAll("'", "'\\''")}'`;
  // $'…' of bash, zsh and ksh: the one form in which a control character can be shown and still be typed.
  const bytes = new TextEncoder().encode(word);
  const inner = Array.from(bytes, (byte) =>
    byte < 32 || byte >= 127 || byte === 39 || byte === 92
      ? `\\x${byte.toString(16).padStart(2, "0")}`
      : String.fromCharCode(byte),
  );
  return `$'${inner.join("")}'`;
}
