// `score` by a detector: the score and the p-value of each row. CSV and JSON lines stream through in memory that does not
// grow with the file; other formats, and rows of a time series, whose windows go from row to row, are read whole.

import type { AnomalyDetector, DetectorInput } from "../../detect.ts";
import { sniffTable } from "../../formats/sniff.ts";
import { readBytes } from "../../formats/streams.ts";
import { streamTable } from "../../formats/tables.ts";
import type { Arguments } from "../arguments.ts";
import { UsageError } from "../errors.ts";
import { readHead, readTableOptions, withName } from "../input.ts";
import { readRuntime } from "../model-file.ts";
import { grouped } from "../numbers.ts";
import { type Reporter, resultReporter } from "../report.ts";
import { type RowShape, type RowWriter, writingRows } from "../rows.ts";
import { nameOf, openSource } from "../sources.ts";
import { readDetector } from "./file.ts";
import { byPlace, readDetectorTable, readingOf, rowsOf } from "./table.ts";
import { inFile } from "./words.ts";

const SHAPE: RowShape = {
  names: ["score", "pValue"],
  columns: 2,
  toJson(row) {
    const [score = Number.NaN, pValue = Number.NaN] = row;
    const finite = (value: number) =>
      Number.isFinite(value) ? Number(value.toPrecision(7)) : null;
    return { score: finite(score), pValue: finite(pValue) };
  },
};

/** A decision that every detector can take; what it flags is not looked at. */
const ANY = { quantile: 0.5 };

export async function scoreByDetector(args: Arguments): Promise<void> {
  const [modelPath = "", dataPath = ""] = args.operands;
  if (args.flag("features")) {
    throw new UsageError("--features is for models; detect tells which columns a detector blames.");
  }
  const { detector } = await readDetector(modelPath, readRuntime(args));
  const report = resultReporter(args.flag("json"));
  const started = performance.now();
  const rows = await writingRows(args, SHAPE, (writer) =>
    scoreAll(args, detector, dataPath, writer, report),
  );
  const seconds = (performance.now() - started) / 1000;
  const output = args.text("output") ?? "-";
  if (output !== "-")
    report.say(`${grouped(rows)} rows in ${seconds.toFixed(1)} s; saved ${output}`);
}

/** Scores all rows; returns how many there were. */
async function scoreAll(
  args: Arguments,
  detector: AnomalyDetector,
  path: string,
  writer: RowWriter,
  report: Reporter,
): Promise<number> {
  const write = async (rows: DetectorInput) => {
    const { score, pValue } = detector.detect(rows, ANY); // both in one pass
    await writer.write(
      Float32Array.from(
        { length: 2 * score.length },
        (_, i) => (i % 2 === 0 ? score : pValue)[i >> 1] ?? Number.NaN,
      ),
    );
  };
  const isSeries = detector.config.window !== undefined;
  if (isSeries || !(await isStreamed(path))) {
    const table = await readDetectorTable(args, path, report, detector);
    if (table.rows > 0) await inFile(table, () => write(rowsOf(table)));
    return table.rows;
  }
  const file = nameOf(path);
  const { schema } = detector;
  const { header, delimiter } = readTableOptions(args, report);
  let done = 0;
  try {
    const source = await openSource(path);
    const tables = streamTable(source.bytes, {
      ...detector.config.cells,
      header,
      delimiter,
      expected: schema.flatMap(({ name, kind }) => (kind === "ignore" ? [] : String(name))),
      kinds: Object.fromEntries(
        schema.map(({ name, kind }) => [String(name), readingOf(kind) ?? "text"]),
      ),
    });
    for await (const table of tables) {
      const columns = byPlace(table.columns, table.named, schema);
      const lineOf = (row: number) => table.lineOf(row);
      await inFile({ file, lineOf }, () => write({ columns }));
      done += table.rows;
    }
  } catch (error) {
    throw withName(file, error);
  }
  return done;
}

/** Whether a file can be read in parts; the standard input and pipes are taken for such. */
async function isStreamed(path: string): Promise<boolean> {
  const source = await openSource(path);
  if (!source.isFile) return true;
  const bytes = readBytes(source.bytes);
  const { head } = await readHead(bytes);
  await bytes.return();
  return sniffTable(head) === "csv";
}
