// The program: finds the command, runs it, and turns what went wrong into one line and an exit code.

import { readFileSync } from "node:fs";
import { type Command, didYouMean, readArguments } from "./arguments.ts";
import { decode, encode, reconstruct, score } from "./commands/apply.ts";
import { demo } from "./commands/demo.ts";
import { detect } from "./commands/detect.ts";
import { evaluate } from "./commands/evaluate.ts";
import { exportModel } from "./commands/export.ts";
import { info } from "./commands/info.ts";
import { report } from "./commands/report.ts";
import { train } from "./commands/train.ts";
import { watch } from "./commands/watch.ts";
import { emit, print, talk } from "./console.ts";
import { CommandError, OutputClosed, UsageError } from "./errors.ts";
import { help, overview } from "./help.ts";
import { closeSources } from "./sources.ts";
import { quoted, toJson, visibleLines } from "./text.ts";

const commands: readonly Command[] = [
  detect,
  watch,
  train,
  encode,
  decode,
  reconstruct,
  score,
  evaluate,
  report,
  exportModel,
  info,
  demo,
];

async function main(words: readonly string[]): Promise<void> {
  const [name, ...rest] = words;
  if (name === "--version" || name === "-V") return print(`${version()}\n`);
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const about = name === "help" ? rest[0] : undefined;
    if (name === undefined) process.exitCode = 2;
    return print(`${about === undefined ? overview(commands) : help(find(about))}\n`);
  }
  const command = find(name);
  const args = readArguments(command, rest);
  if (args.flag("help")) return print(`${help(command)}\n`);
  await command.run(args);
}

function find(name: string): Command {
  const command = commands.find((one) => one.name === name);
  if (command) return command;
  const names = commands.map((one) => one.name);
  throw new UsageError(`There is no command ${quoted(name)}${didYouMean(name, names)}.`);
}

function version(): string {
  const file = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(file) as { version: string }).version;
}

/** Errors that are told without a stack: the user can do something about them. */
function isExpected(error: unknown): error is Error {
  return (
    error instanceof CommandError ||
    error instanceof UsageError ||
    (error instanceof Error &&
      /^(Invalid|Divergence|MemoryLimit|UnsupportedHost|Format|Thread)/.test(error.name))
  );
}

function fail(error: unknown, words: readonly string[]): void {
  if (error instanceof OutputClosed) return;
  const isUsage = error instanceof UsageError;
  process.exitCode = isUsage ? 2 : 1;
  const stack = words.includes("--debug") || !isExpected(error);
  const message =
    error instanceof Error
      ? stack
        ? (error.stack ?? error.message)
        : error.message
      : String(error);
  if (words.includes("--json")) {
    const place = error instanceof CommandError ? error.place : {};
    const line = `${toJson({ event: "error", message, exitCode: process.exitCode, ...place })}\n`;
    talk(line);
    // The standard output of train is a log of what happens, and this has happened.
    if (words[0] === train.name) emit(line);
    return;
  }
  talk(`tied-autoencoder: ${visibleLines(message)}\n`);
  if (isUsage) talk("See tied-autoencoder --help, or a command's --help.\n");
}

/** Runs a command line to its end. `process.exitCode` says how it went. */
export async function runProgram(words: readonly string[]): Promise<void> {
  try {
    await main(words);
  } catch (error) {
    fail(error, words);
  } finally {
    closeSources();
  }
}
