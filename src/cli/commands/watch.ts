// `watch`: judges each row at once as it arrives, by a saved detector, and reports alarms as they happen. A row that cannot
// be read is reported and skipped. Memory does not grow with the rows.

import type { AnomalyDetector, Decision, DetectorStream, StreamResult } from "../../detect.ts";
import { InvalidTypeError, InvalidValueError, show } from "../../errors.ts";
import type { Arguments, Command } from "../arguments.ts";
import { print } from "../console.ts";
import type { Alarm } from "../detector/alarms.ts";
import { readDetector } from "../detector/file.ts";
import { tellDecision } from "../detector/fit.ts";
import { type NamedRow, RowReader, readLines } from "../detector/lines.ts";
import { decisionOptions, defaultDecision, readDecision } from "../detector/options.ts";
import { learnedNames } from "../detector/table.ts";
import {
  headLines,
  type Naming,
  namesIn,
  namingOf,
  reasonLines,
  whoText,
} from "../detector/text.ts";
import { inFile, inWords } from "../detector/words.ts";
import { CommandError, UsageError } from "../errors.ts";
import { readTableOptions, tableOptions } from "../input.ts";
import { readRuntime, runtimeOptions } from "../model-file.ts";
import { counted, grouped, short } from "../numbers.ts";
import { makeReporter, type Reporter, setting } from "../report.ts";
import { nameOf, openSource } from "../sources.ts";
import { toJson } from "../text.ts";
import { ANOMALY_CODE } from "./detect.ts";

const { header, "no-header": noHeader, delimiter } = tableOptions;
const { fdr: _, ...rowByRow } = decisionOptions;

export const watch: Command = {
  name: "watch",
  operands: ["DETECTOR", "[DATA]"],
  takes: ["detector"],
  summary: "Judge rows as they arrive, and tell alarms as they happen.",
  description:
    'Rows are lines on the standard input, or of DATA: CSV, with or without a header, or JSON objects. A detector of a time series tells where a stretch of odd rows begins and where it ends. A cell that cannot be read is reported and counts as missing. A line that cannot be read is reported with its number and skipped.\n\nThe detector is one that "detect --save" or "train --detector" wrote.',
  options: {
    all: { help: "tell every row, not only alarms" },
    ...rowByRow,
    "fail-on-anomaly": { help: `end with exit code ${ANOMALY_CODE} where a row was flagged` },
    json: { help: "tell every row as one JSON object a line" },
    quiet: { short: "q", help: "tell nothing but alarms and what cannot be read" },
    header,
    "no-header": noHeader,
    delimiter,
    ...runtimeOptions,
  },
  refuses: {
    fdr: "--fdr judges all rows together, and watch judges each row when it arrives; take --alpha or --pot.",
  },
  examples: [
    ["a log as it grows", "tail -f plant.csv | tied-autoencoder watch plant.safetensors -"],
    ["for a program", "producer | tied-autoencoder watch plant.safetensors - --json"],
  ],
  run,
};

async function run(args: Arguments): Promise<void> {
  const [modelPath = "", dataPath = "-"] = args.operands;
  if (modelPath === "-" && dataPath === "-") {
    throw new UsageError("The detector and the rows cannot both be the standard input.");
  }
  const asked = readDecision(args);
  const json = args.flag("json");
  const report = makeReporter({ json: false, quiet: json || args.flag("quiet") });
  const { detector, decision: kept } = await readDetector(modelPath, readRuntime(args));
  const { window, calibrationRows } = detector.config;
  const usual = kept && !("fdr" in kept) ? kept : undefined;
  const decision = asked ?? usual ?? defaultDecision(window !== undefined, false, calibrationRows);
  await inFile({ file: nameOf(modelPath), lineOf: () => undefined }, () =>
    tellDecision(detector, decision, asked === undefined && kept === undefined, report),
  );
  if (window !== undefined) {
    report.say(
      setting(
        "windows",
        `each row is judged by the window that ends with it; detect, which has later rows too, takes the mean of all windows with the row, so scores differ`,
      ),
    );
  }
  const watching = new Watching(args, detector, decision, report, nameOf(dataPath));
  const source = await openSource(dataPath);
  const { header: hasHeader, delimiter: mark } = readTableOptions(args, report);
  const reader = new RowReader(detector, hasHeader, mark);
  for await (const line of readLines(source.bytes)) {
    const content = await inSource(watching.file, () => reader.read(line));
    if ("problem" in content) await watching.tellBad(line.number, content.problem);
    else if (content.row) await watching.take(content.row, line.number);
  }
  await watching.end();
  if (watching.flagged > 0 && args.flag("fail-on-anomaly")) process.exitCode = ANOMALY_CODE;
}

/** Adds the name of the file to an error about a line. */
async function inSource<T>(file: string, work: () => T): Promise<T> {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(`${file}: ${error.message}`, { ...error.place, file, cause: error });
  }
}

interface Seen {
  readonly row: NamedRow;
  readonly line: number;
}

/** An event of flagged rows that has not ended. */
interface Stretch {
  readonly first: Seen;
  last: Seen;
  rows: number;
  score: number;
  peak: Seen;
  /** Rows since the last flagged one. */
  quiet: number;
}

class Watching {
  readonly file: string;
  flagged = 0;
  readonly #detector: AnomalyDetector;
  readonly #stream: DetectorStream;
  readonly #report: Reporter;
  readonly #naming: Naming;
  readonly #json: boolean;
  readonly #all: boolean;
  readonly #length: number;
  readonly #groupBy: string | undefined;
  /** The last rows of each series, from which an alarm is explained. */
  readonly #latest = new Map<unknown, Seen[]>();
  readonly #stretches = new Map<unknown, Stretch>();
  readonly #learned: readonly string[];
  #rows = 0;
  #bad = 0;
  /** Cells that could not be read. */
  #cells = 0;
  #hasDrifted = false;
  /** How often each kind of problem has occurred. */
  readonly #told = new Map<string, number>();

  constructor(
    args: Arguments,
    detector: AnomalyDetector,
    decision: Decision,
    report: Reporter,
    file: string,
  ) {
    const { window } = detector.config;
    this.file = file;
    this.#detector = detector;
    this.#stream = detector.stream(decision);
    this.#report = report;
    this.#naming = namingOf(detector);
    this.#json = args.flag("json");
    this.#all = args.flag("all");
    this.#length = window?.length ?? 1;
    this.#groupBy = window?.groupBy;
    this.#learned = learnedNames(detector.schema);
    this.#hasDrifted = detector.drift().alarm;
  }

  /** Judges a row. A cell that cannot be read counts as missing. A row without a place in its series is reported and skipped. */
  async take(given: NamedRow, line: number): Promise<void> {
    let row = given;
    let answer: StreamResult | undefined;
    for (let isTaken = false; !isTaken; ) {
      try {
        answer = this.#stream.push(row);
        isTaken = true;
      } catch (error) {
        if (!(error instanceof InvalidValueError || error instanceof InvalidTypeError)) throw error;
        // The call has one row, which has number 0 in the message.
        const words = inWords(error.message, { lineOf: () => line })
          .replace(/^Line \d+(?:, | )/, "")
          .replace(/\.$/, "");
        const name = this.#unreadIn(row, error.message);
        if (name === undefined) return this.tellBad(line, words);
        await this.#tellMissing(line, name, words);
        row = { ...row, [name]: null };
      }
    }
    const seen = { row, line };
    const group = this.#groupBy === undefined ? "" : row[this.#groupBy];
    const latest = this.#latest.get(group) ?? [];
    if (latest.length === this.#length) latest.shift();
    latest.push(seen);
    this.#latest.set(group, latest);
    if (answer?.flagged) this.flagged += 1;
    if (this.#json) await this.#tellJson(seen, latest, answer);
    else await this.#tellText(seen, latest, group, answer);
    this.#rows += 1;
    this.#watchDrift(line);
  }

  /** Reports a line that cannot be read. Watching continues. */
  async tellBad(line: number, problem: string): Promise<void> {
    this.#bad += 1;
    const message = `${this.file}: line ${line}: ${problem}`;
    if (this.#json) await print(`${toJson({ event: "error", line, message })}\n`);
    // The same problem with other numbers and texts
    this.#warnRarely(problem.replace(/"[^"]*"|\d+/g, ""), `${message}; skipped`);
  }

  /** Warns of the first problem of a kind, the tenth, the hundredth and so on. */
  #warnRarely(kind: string, message: string): void {
    const before = this.#told.get(kind) ?? 0;
    this.#told.set(kind, before + 1);
    if (before === 0) this.#report.warn(message);
    else if (/^10*$/.test(String(before + 1))) {
      this.#report.warn(`${message}, as ${grouped(before)} times before`);
    }
  }

  /** The learned column in the message of an error, if the row has a value there. */
  #unreadIn(row: NamedRow, message: string): string | undefined {
    const [, shown] = /^Row 0, column ("(?:[^"\\]|\\.)*")/.exec(message) ?? [];
    return this.#learned.find((name) => show(name) === shown && (row[name] ?? null) !== null);
  }

  async #tellMissing(line: number, column: string, problem: string): Promise<void> {
    this.#cells += 1;
    const message = `${this.file}: line ${line}: ${problem}`;
    if (this.#json) await print(`${toJson({ event: "warning", line, column, message })}\n`);
    this.#warnRarely(`cell ${column}`, `${message}; taken as missing`);
  }

  async end(): Promise<void> {
    for (const stretch of this.#stretches.values()) await this.#endStretch(stretch);
    const unread = [
      ...(this.#bad > 0 ? [counted(this.#bad, "line")] : []),
      ...(this.#cells > 0 ? [counted(this.#cells, "cell")] : []),
    ].join(" and ");
    const bad = unread === "" ? "" : `; ${unread} could not be read`;
    this.#report.say(`${counted(this.#rows, "row")}, ${grouped(this.flagged)} flagged${bad}`);
    if (this.#rows === 0 && this.#bad > 0) {
      throw new CommandError(`${this.file}: no row could be read`, { file: this.file });
    }
  }

  async #tellJson(seen: Seen, latest: readonly Seen[], answer: StreamResult | undefined) {
    const names = namesIn(this.#naming, tableOf([seen]), 0);
    const finite = (value: number | undefined) =>
      value !== undefined && Number.isFinite(value) ? value : null;
    const object = {
      row: this.#rows,
      line: seen.line,
      ...(Object.keys(names).length > 0 ? { names } : {}),
      score: finite(answer?.score),
      pValue: finite(answer?.pValue),
      flagged: answer?.flagged ?? false,
    };
    await print(`${toJson(object)}\n`);
    if (!answer?.flagged) return;
    // Reasons take some milliseconds, and the answer must not wait for them.
    const reasons = this.#reasons(latest).map((reason) =>
      reason.when === undefined
        ? reason
        : { ...reason, when: this.#rows - latest.length + 1 + reason.when },
    );
    await print(`${toJson({ event: "anomaly", ...object, reasons })}\n`);
  }

  async #tellText(
    seen: Seen,
    latest: readonly Seen[],
    group: unknown,
    answer: StreamResult | undefined,
  ): Promise<void> {
    const open = this.#stretches.get(group);
    if (answer?.flagged) {
      if (open && !this.#all) {
        open.last = seen;
        open.rows += 1;
        open.quiet = 0;
        if (answer.score > open.score) {
          open.score = answer.score;
          open.peak = seen;
        }
        return;
      }
      await this.#tellAlarm(latest, answer);
      if (this.#length > 1) {
        const { score } = answer;
        this.#stretches.set(group, {
          first: seen,
          last: seen,
          rows: 1,
          score,
          peak: seen,
          quiet: 0,
        });
      }
      return;
    }
    if (open && ++open.quiet > this.#length) {
      this.#stretches.delete(group);
      await this.#endStretch(open);
    }
    if (!this.#all) return;
    const judged =
      answer === undefined
        ? "no window yet"
        : Number.isNaN(answer.score)
          ? "nothing is known of it"
          : `score ${short(answer.score)}, p ${short(answer.pValue)}`;
    await print(`${this.#nameOf(seen)}: ${judged}\n`);
  }

  /** Reports the odd row at once, and then the reasons. */
  async #tellAlarm(latest: readonly Seen[], { score, pValue }: StreamResult): Promise<void> {
    const row = latest.length - 1;
    const table = tableOf(latest);
    const alarm: Alarm = { row, start: row, end: row, rows: 1, score, pValue, reasons: [] };
    await print(`${headLines(alarm, table, this.#naming).join("\n")}\n`);
    const told = reasonLines({ ...alarm, reasons: this.#reasons(latest) }, table, this.#naming);
    await print(told.map((line) => `${line}\n`).join(""));
  }

  async #endStretch({ first, last, rows, score, peak }: Stretch): Promise<void> {
    if (rows === 1) return;
    const who = whoText(tableOf([peak]), this.#naming, 0);
    const from = `${who === "" ? "" : `${who}, `}lines ${first.line} to ${last.line}: over`;
    await print(
      `${from}; ${grouped(rows)} rows flagged, the highest score ${short(score)} in line ${peak.line}\n`,
    );
  }

  #nameOf(seen: Seen): string {
    const names = Object.values(namesIn(this.#naming, tableOf([seen]), 0));
    return [...names, `line ${seen.line}`].join(", ");
  }

  /** Why the newest row is odd. */
  #reasons(latest: readonly Seen[]): Alarm["reasons"] {
    return this.#detector.explain(latest.map(({ row }) => row)).at(-1) ?? [];
  }

  #watchDrift(line: number): void {
    if (this.#hasDrifted || this.#rows % 50 !== 0) return;
    if (!this.#detector.drift().alarm) return;
    this.#hasDrifted = true;
    this.#report.warn(
      `${this.file}: line ${line}: rows are no longer like those learned from: more of them are flagged than expected`,
    );
  }
}

/** Rows as a table, for the functions that name and show them. */
function tableOf(rows: readonly Seen[]) {
  const names = Object.keys(rows.at(-1)?.row ?? {});
  return {
    columns: names.map((name) => ({
      name,
      kind: "text" as const,
      values: rows.map(({ row }) => String(row[name] ?? "")),
    })),
    lineOf: (row: number) => rows[row]?.line,
  };
}
