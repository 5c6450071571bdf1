// What a command tells while it works: one line that is written over on a terminal, plain lines
// elsewhere, JSON objects for programs. Talk goes to the standard error, so that data and JSON on the
// standard output stay clean.

export interface Reporter {
  /** A line that stays. */
  say(line: string): void;
  /** What the work stands at, now; shown where and as often as it helps. `important` is not left out. */
  progress(line: () => string, important?: boolean): void;
  /** Something that programs want to know. */
  event(name: string, fields: () => Record<string, unknown>): void;
}

const FRAMES = 100; // milliseconds between two states of a terminal's line
const LINES = 2000; // and between two plain lines

/** The reporter for where the program runs. */
export function makeReporter({ json, quiet }: { json: boolean; quiet: boolean }): Reporter {
  if (json) return jsonReporter();
  if (quiet) return { say() {}, progress() {}, event() {} };
  const { stderr, env } = process;
  return stderr.isTTY && env.TERM !== "dumb" ? terminalReporter() : plainReporter();
}

/** Whether a line can be written over. */
function terminalReporter(): Reporter {
  const { stderr } = process;
  let shown = false;
  let last = 0;
  const clear = () => {
    if (shown) stderr.write("\r\x1b[K");
    shown = false;
  };
  process.on("exit", clear);
  return {
    say(line) {
      clear();
      stderr.write(`${line}\n`);
    },
    progress(line, important = false) {
      const now = performance.now();
      if (now - last < FRAMES && !important) return;
      last = now;
      stderr.write(`\r${line().slice(0, (stderr.columns || 80) - 1)}\x1b[K`);
      shown = true;
    },
    event() {},
  };
}

function plainReporter(): Reporter {
  let last = 0;
  return {
    say: (line) => void process.stderr.write(`${line}\n`),
    progress(line, important = false) {
      const now = performance.now();
      if (now - last < LINES && !important) return;
      last = now;
      process.stderr.write(`${line()}\n`);
    },
    event() {},
  };
}

function jsonReporter(): Reporter {
  return {
    say() {},
    progress() {},
    event(name, fields) {
      process.stdout.write(`${JSON.stringify({ event: name, ...fields() })}\n`);
    },
  };
}

/** `━━━━────` for a share between 0 and 1. */
export function bar(share: number, width: number): string {
  const done = Math.round(Math.min(1, Math.max(0, share)) * width);
  return "━".repeat(done) + "─".repeat(width - done);
}

/** A name, what it stands for beside it, and a note where there is one. */
export const setting = (name: string, value: string, note?: string): string =>
  `${name.padEnd(10)}${value}${note ? `  (${note})` : ""}`;
