// The program: finds the command, runs it, and turns an error into one line and an exit code.

import { readFileSync } from "node:fs";
import { type Command, readArguments } from "./arguments.ts";
import { emit, guardStreams, print, talk } from "./console.ts";
import { CommandError, OutputClosed, UsageError } from "./errors.ts";
import { didYouMean } from "./guess.ts";
import { requireKinds } from "./kinds.ts";
import { toPeople } from "./report.ts";
import { listenForSignals } from "./signals.ts";
import { closeSources } from "./sources.ts";
import { quoted, toJson, visibleLines } from "./text.ts";

/** Each command is loaded on demand. Loading the libraries of all commands would double the time of the start. */
const commands = {
  detect: async () => (await import("./commands/detect.ts")).detect,
  watch: async () => (await import("./commands/watch.ts")).watch,
  train: async () => (await import("./commands/train.ts")).train,
  encode: async () => (await import("./commands/apply.ts")).encode,
  decode: async () => (await import("./commands/apply.ts")).decode,
  reconstruct: async () => (await import("./commands/apply.ts")).reconstruct,
  score: async () => (await import("./commands/apply.ts")).score,
  evaluate: async () => (await import("./commands/evaluate.ts")).evaluate,
  report: async () => (await import("./commands/report.ts")).report,
  export: async () => (await import("./commands/export.ts")).exportModel,
  info: async () => (await import("./commands/info.ts")).info,
  demo: async () => (await import("./commands/demo.ts")).demo,
} as const satisfies Record<string, () => Promise<Command>>;

type CommandName = keyof typeof commands;
const isCommand = (name: string): name is CommandName => Object.hasOwn(commands, name);

async function main(words: readonly string[]): Promise<void> {
  const [name, ...rest] = words;
  if (name === "--version" || name === "-V") return print(`${version()}\n`);
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const about = name === "help" ? rest[0] : undefined;
    if (name === undefined) process.exitCode = 2;
    const { help, overview } = await import("./help.ts");
    const text =
      about === undefined
        ? overview(await Promise.all(Object.values(commands).map((load) => load())))
        : help(await find(about));
    return print(`${text}\n`);
  }
  const command = await find(name);
  const args = readArguments(command, rest);
  if (args.flag("help")) {
    const { help } = await import("./help.ts");
    return print(`${help(command)}\n`);
  }
  await requireKinds(command, args.operands);
  await command.run(args);
}

function find(name: string): Promise<Command> {
  if (isCommand(name)) return commands[name]();
  throw new UsageError(
    `There is no command ${quoted(name)}${didYouMean(name, Object.keys(commands))}.`,
  );
}

function version(): string {
  const file = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(file) as { version: string }).version;
}

/** Errors that are reported without a stack, because the user can correct their cause. */
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
    // The standard output of train is a log of events, and the error is one of them.
    if (words[0] === "train") emit(line);
    return;
  }
  talk(stack ? `tied-autoencoder: ${visibleLines(message)}\n` : toPeople(message));
  if (isUsage) talk("See tied-autoencoder --help, or a command's --help.\n");
}

/** Runs a command line to its end. Sets `process.exitCode`. */
export async function runProgram(words: readonly string[]): Promise<void> {
  try {
    await main(words);
  } catch (error) {
    fail(error, words);
  } finally {
    closeSources();
  }
}

/** Runs the command line of the process, with its streams and signals. */
export function start(words: readonly string[]): void {
  guardStreams();
  listenForSignals();
  void runProgram(words);
}
