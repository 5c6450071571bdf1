// Text in lines no wider than 80 columns.

const WIDTH = 80;

/** Lines of words, indented by `indent` blanks. Lines after the first have `hanging` more. */
export function wrap(text: string, indent = 0, hanging = 0): string[] {
  const lines: string[] = [];
  let line = "";
  const blanks = () => " ".repeat(lines.length === 0 ? indent : indent + hanging);
  for (const word of text.split(" ")) {
    if (line !== "" && blanks().length + line.length + 1 + word.length > WIDTH) {
      lines.push(blanks() + line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, blanks() + line];
}
