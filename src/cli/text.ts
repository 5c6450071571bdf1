// Makes text from files and command lines safe to print. Column names, array names, file names and metadata may
// contain any characters: terminal escapes, line breaks, right-to-left text. Everything that the program prints
// passes through `visible` or `toJson`.

/**
 * Characters that change the state of a terminal or the order of its text: controls (C0, DEL, C1), marks and overrides of
 * direction, line and paragraph separators, zero-width characters, the byte order mark, and lone surrogates.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression finds these characters
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const escaped = (character: string): string => {
  const code = character.charCodeAt(0);
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
};

/** `text` with every unsafe character written as `\x1b` or `\u202e`, cut to about `limit` characters. */
export function visible(text: string, limit = 100): string {
  // Cut first, so that the time does not depend on the length of the text.
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

/** Names joined by commas, as many as `limit` characters allow. */
export function listed(names: readonly string[], limit = 60): string {
  let text = "";
  for (const [i, name] of names.entries()) {
    const next = `${text}${i > 0 ? ", " : ""}${name === "" ? '""' : visible(name, limit)}`;
    if (next.length > limit) return `${text}${i > 0 ? ", " : ""}… (${names.length} in all)`;
    text = next;
  }
  return text;
}

/** JSON on one line whose strings contain no unsafe character. It is parsed to the same value. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** `word` for a POSIX shell: quoted if it contains a special character. */
export function shellQuote(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const hasControls = word.search(UNSAFE) >= 0;
  if (!hasControls) return `'${word.replaceAll("'", "'\\''")}'`;
  // $'…' of bash, zsh and ksh is the only form in which a control character is visible and can be typed.
  const bytes = new TextEncoder().encode(word);
  const inner = Array.from(bytes, (byte) =>
    byte < 32 || byte >= 127 || byte === 39 || byte === 92
      ? `\\x${byte.toString(16).padStart(2, "0")}`
      : String.fromCharCode(byte),
  );
  return `$'${inner.join("")}'`;
}
