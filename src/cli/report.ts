// The progress and the messages of a command: on a terminal one line that is overwritten, elsewhere plain lines, for
// programs JSON objects. Messages go to the standard error, so that the standard output contains only data and JSON.

import { emit, talk } from "./console.ts";
import { wrap } from "./lines.ts";
import { toJson, visible, visibleLines } from "./text.ts";

export interface Reporter {
  /** Prints one or more permanent lines. */
  say(line: string): void;
  /** Prints a warning. */
  warn(message: string): void;
  /** Reports the progress. It is shown at intervals, depending on the output. An `important` one is always shown. */
  progress(line: () => string, important?: boolean): void;
  /** Reports an event for programs. */
  event(name: string, fields: () => Record<string, unknown>): void;
}

const FRAMES = 100; // milliseconds between two states of a terminal's line
const LINES = 2000; // milliseconds between two plain lines

/** The reporter for the kind of output. With `json` the events go to the standard output. */
export function makeReporter({ json, quiet }: { json: boolean; quiet: boolean }): Reporter {
  if (json) return jsonReporter();
  const warn = (message: string) => talk(warning(message));
  if (quiet) return { say() {}, warn, progress() {}, event() {} };
  const { stderr, env } = process;
  return stderr.isTTY && env.TERM !== "dumb" ? terminalReporter() : plainReporter();
}

/** The reporter of a command whose standard output is its result. It shows progress only on a terminal. */
export function resultReporter(json: boolean): Reporter {
  const report = makeReporter({ json: false, quiet: false });
  const shown = process.stderr.isTTY ? report : { ...report, progress() {} };
  return json ? { ...shown, warn: (message) => talk(jsonWarning(message)) } : shown;
}

const warning = (message: string): string => toPeople(`warning: ${message}`);

/** A message of the program: wrapped on a terminal, elsewhere on one line, which tools can search. */
export function toPeople(message: string): string {
  const text = `tied-autoencoder: ${visibleLines(message)}`;
  if (!process.stderr.isTTY) return `${text}\n`;
  return `${text
    .split("\n")
    .map((line) => (line.startsWith(" ") ? line : wrap(line, 0, 2).join("\n"))) // commands are not wrapped
    .join("\n")}\n`;
}

const jsonWarning = (message: string): string => `${toJson({ event: "warning", message })}\n`;

/** The reporter for a terminal, which overwrites its line. */
function terminalReporter(): Reporter {
  const { stderr } = process;
  let shown = false;
  let last = 0;
  const clear = () => {
    if (shown) talk("\r\x1b[K");
    shown = false;
  };
  process.on("exit", clear);
  return {
    say(line) {
      clear();
      talk(`${visibleLines(line)}\n`);
    },
    warn(message) {
      clear();
      talk(warning(message));
    },
    progress(line, important = false) {
      const now = performance.now();
      if (now - last < FRAMES && !important) return;
      last = now;
      talk(`\r${visible(line(), (stderr.columns || 80) - 1)}\x1b[K`);
      shown = true;
    },
    event() {},
  };
}

function plainReporter(): Reporter {
  let last = 0;
  return {
    say: (line) => talk(`${visibleLines(line)}\n`),
    warn: (message) => talk(warning(message)),
    progress(line, important = false) {
      const now = performance.now();
      if (now - last < LINES && !important) return;
      last = now;
      talk(`${visible(line(), 500)}\n`);
    },
    event() {},
  };
}

function jsonReporter(): Reporter {
  return {
    say() {},
    warn(message) {
      talk(jsonWarning(message));
      emit(jsonWarning(message));
    },
    progress() {},
    event: (name, fields) => emit(`${toJson({ event: name, ...fields() })}\n`),
  };
}

/** `━━━━────` for a share between 0 and 1. */
export function bar(share: number, width: number): string {
  const done = Math.round(Math.min(1, Math.max(0, share)) * width);
  return "━".repeat(done) + "─".repeat(width - done);
}

/** The progress of a detector that learns, for `onProgress`: from the first model to the last, from 0 to 100 %. */
export function learningProgress(report: Reporter) {
  let all = 0;
  const show = (done: number, model: number, isEnd: boolean) =>
    report.progress(
      () => `learning  ${bar(done, 20)}  ${Math.floor(100 * done)} %  model ${model} of ${all}`,
      isEnd,
    );
  return {
    onProgress({ done, model, models }: { done: number; model: number; models: number }): void {
      if (all === 0) {
        all = models;
        show(0, 1, true);
      }
      show(done, model + 1, false);
    },
    end: () => show(1, all, true),
  };
}

const HEADING = 10;

/** A name, its value next to it, and a note if there is one. Long values continue on the next line. */
export function setting(name: string, value: string, note?: string): string {
  const beside = `${value}${note ? `  (${note})` : ""}`;
  if (HEADING + beside.length <= 80) return name.padEnd(HEADING) + beside;
  const lines = [...wrap(value, HEADING), ...(note ? wrap(`(${note})`, HEADING) : [])];
  return name.padEnd(HEADING) + lines.join("\n").trimStart();
}
