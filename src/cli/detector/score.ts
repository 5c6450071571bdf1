// `score` by a detector: the score and the p-value of each row. CSV and JSON lines are processed in parts, in memory that
// does not grow with the file. Other formats and time series, whose windows span rows, are read whole.

import type { AnomalyDetector } from "../../detect.ts";
import { writeCsvTable } from "../../formats/csv-write.ts";
import { sniffTable } from "../../formats/sniff.ts";
import { readBytes } from "../../formats/streams.ts";
import { streamTable } from "../../formats/tables.ts";
import type { Arguments } from "../arguments.ts";
import { UsageError } from "../errors.ts";
import { readHead, readTableOptions, withName } from "../input.ts";
import { readRuntime } from "../model-file.ts";
import { counted } from "../numbers.ts";
import { writing } from "../output.ts";
import { type Reporter, resultReporter } from "../report.ts";
import { rowFormat, writingRows } from "../rows.ts";
import { nameOf, openSource } from "../sources.ts";
import { toJson } from "../text.ts";
import { readDetector } from "./file.ts";
import {
  byPlace,
  cellOptions,
  type DetectorTable,
  readDetectorTable,
  readingOf,
  requireColumns,
} from "./table.ts";
import { type Naming, namesIn, namingOf } from "./text.ts";
import { inFile, toldOf } from "./words.ts";

/** A decision that is possible with every detector. Its flags are not used. */
const ANY = { quantile: 0.5 };

export async function scoreByDetector(args: Arguments): Promise<void> {
  const [modelPath = "", dataPath = ""] = args.operands;
  if (args.flag("features")) {
    throw new UsageError("--features is for models; detect tells which columns a detector blames.");
  }
  const { detector } = await readDetector(modelPath, readRuntime(args));
  const report = resultReporter(args.flag("json"));
  const started = performance.now();
  const rows = await writingScores(args, namingOf(detector), (write) =>
    scoreAll(args, detector, dataPath, write, report),
  );
  const seconds = (performance.now() - started) / 1000;
  const output = args.text("output") ?? "-";
  if (output !== "-")
    report.say(`${counted(rows, "row")} in ${seconds.toFixed(1)} s; saved ${output}`);
}

/** Some rows with their scores. */
interface Scored {
  readonly columns: DetectorTable["columns"];
  readonly score: Float64Array;
  readonly pValue: Float64Array;
}

type Write = (scored: Scored) => Promise<void>;

/** Opens the output and completes it. Each row has the columns that identify it, such as ids and times. */
function writingScores<T>(
  args: Arguments,
  naming: Pick<Naming, "ids" | "time">,
  work: (write: Write) => Promise<T>,
): Promise<T> {
  const format = rowFormat(args);
  if (format === "npy") {
    // An array contains only numbers.
    return writingRows(args, { names: NAMES, columns: 2, toJson: () => ({}) }, (writer) =>
      work(({ score, pValue }) =>
        writer.write(
          Float32Array.from(
            { length: 2 * score.length },
            (_, i) => (i % 2 === 0 ? score : pValue)[i >> 1] ?? Number.NaN,
          ),
        ),
      ),
    );
  }
  return writing(args.text("output") ?? "-", async (output) => {
    let done = 0;
    const result = await work(async (scored) => {
      for (const part of format === "csv"
        ? csvOf(args, naming, scored, done === 0)
        : jsonOf(naming, scored, done)) {
        await output.write(part);
      }
      done += scored.score.length;
    });
    if (done === 0 && format === "csv" && !args.flag("no-names")) {
      await output.write(`${NAMES.join(",")}\n`);
    }
    return result;
  });
}

const NAMES = ["score", "pValue"];

function csvOf(
  args: Arguments,
  naming: Pick<Naming, "ids" | "time">,
  { columns, score, pValue }: Scored,
  isFirst: boolean,
): Iterable<Uint8Array> {
  const named = rowsNamed(naming, columns, score.length);
  return writeCsvTable(
    {
      columns: [
        ...Object.keys(named[0] ?? {}).map((name) => ({
          name,
          values: named.map((names) => names[name] ?? ""),
        })),
        { name: "score", values: Float32Array.from(score) },
        { name: "pValue", values: Float32Array.from(pValue) },
      ],
      named: isFirst && !args.flag("no-names"),
    },
    { escapeFormulas: args.flag("escape-formulas") },
  );
}

function* jsonOf(
  naming: Pick<Naming, "ids" | "time">,
  { columns, score, pValue }: Scored,
  firstRow: number,
): Generator<string> {
  const finite = (value: number | undefined) =>
    value !== undefined && Number.isFinite(value) ? Number(value.toPrecision(7)) : null;
  const named = rowsNamed(naming, columns, score.length);
  for (let first = 0; first < score.length; first += 512) {
    const lines = named.slice(first, first + 512).map((names, i) => {
      const row = first + i;
      return toJson({
        row: firstRow + row,
        ...(Object.keys(names).length > 0 ? { names } : {}),
        score: finite(score[row]),
        pValue: finite(pValue[row]),
      });
    });
    yield `${lines.join("\n")}\n`;
  }
}

const rowsNamed = (
  naming: Pick<Naming, "ids" | "time">,
  columns: Scored["columns"],
  rows: number,
): Record<string, string>[] =>
  Array.from({ length: rows }, (_, row) => namesIn(naming, { columns }, row));

/** Scores all rows; returns how many there were. */
async function scoreAll(
  args: Arguments,
  detector: AnomalyDetector,
  path: string,
  write: Write,
  report: Reporter,
): Promise<number> {
  const judge = (columns: DetectorTable["columns"], lines: Parameters<typeof inFile>[0]) =>
    inFile(lines, async () => {
      const { score, pValue, notes } = detector.detect({ columns }, ANY); // both in one pass
      await write({ columns, score, pValue });
      for (const note of notes) {
        report.warn(toldOf(lines, note));
      }
    });
  const isSeries = detector.config.window !== undefined;
  if (isSeries || !(await isStreamed(path))) {
    const table = await readDetectorTable(args, path, report, detector);
    if (table.rows > 0) await judge(table.columns, table);
    return table.rows;
  }
  const file = nameOf(path);
  const { schema } = detector;
  const { header, delimiter } = readTableOptions(args, report);
  let done = 0;
  try {
    const source = await openSource(path);
    const tables = streamTable(source.bytes, {
      ...cellOptions(args, report, detector),
      header,
      delimiter,
      expected: schema.flatMap(({ name, kind }) => (kind === "ignore" ? [] : String(name))),
      kinds: Object.fromEntries(
        schema.map(({ name, kind }) => [String(name), readingOf(kind) ?? "text"]),
      ),
    });
    for await (const table of tables) {
      const columns = byPlace(table.columns, table.named, schema);
      requireColumns(file, columns, table.named, detector);
      await judge(columns, { file, lineOf: (row) => table.lineOf(row) });
      done += table.rows;
    }
  } catch (error) {
    throw withName(file, error);
  }
  return done;
}

/** Whether a file can be read in parts. The standard input and pipes count as such. */
async function isStreamed(path: string): Promise<boolean> {
  const source = await openSource(path);
  if (!source.isFile) return true;
  const bytes = readBytes(source.bytes);
  const { head } = await readHead(bytes);
  await bytes.return();
  return sniffTable(head) === "csv";
}
