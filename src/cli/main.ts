// `tied-autoencoder`: finds the command, runs it, and turns what went wrong into one line and an exit code.

import { readFileSync } from "node:fs";
import { type Command, didYouMean, readArguments } from "./arguments.ts";
import { decode, encode, reconstruct, score } from "./commands/apply.ts";
import { demo } from "./commands/demo.ts";
import { evaluate } from "./commands/evaluate.ts";
import { exportModel } from "./commands/export.ts";
import { info } from "./commands/info.ts";
import { train } from "./commands/train.ts";
import { CommandError, UsageError } from "./errors.ts";
import { help, overview } from "./help.ts";
import { OutputClosed } from "./output.ts";
import { listenForSignals } from "./signals.ts";

const commands: readonly Command[] = [
  train,
  encode,
  decode,
  reconstruct,
  score,
  evaluate,
  exportModel,
  info,
  demo,
];

async function main(words: readonly string[]): Promise<void> {
  const [name, ...rest] = words;
  if (name === "--version" || name === "-V") return print(version());
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const about = name === "help" ? rest[0] : undefined;
    if (name === undefined) process.exitCode = 2;
    return print(about === undefined ? overview(commands) : help(find(about)));
  }
  const command = find(name);
  const args = readArguments(command, rest);
  if (args.flag("help")) return print(help(command));
  await command.run(args);
}

function find(name: string): Command {
  const command = commands.find((one) => one.name === name);
  if (command) return command;
  const names = commands.map((one) => one.name);
  throw new UsageError(`There is no command "${name}"${didYouMean(name, names)}.`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function version(): string {
  const file = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(file) as { version: string }).version;
}

/** Errors that are told without a stack: the user's business, not a fault of the program. */
function isExpected(error: unknown): error is Error {
  return (
    error instanceof CommandError ||
    (error instanceof TypeError && error.name === "InvalidTypeError") ||
    (error instanceof Error &&
      /^(Invalid|Divergence|MemoryLimit|UnsupportedHost|Format)/.test(error.name))
  );
}

function fail(error: unknown, words: readonly string[]): void {
  if (error instanceof OutputClosed) return;
  const usage = error instanceof UsageError;
  process.exitCode = usage ? 2 : 1;
  const say = (line: string) => process.stderr.write(`tied-autoencoder: ${line}\n`);
  if (words.includes("--debug") || !(usage || isExpected(error))) {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return;
  }
  say(error.message);
  if (usage) process.stderr.write("See tied-autoencoder --help, or a command's --help.\n");
}

listenForSignals();
// A reader that has seen enough closes the pipe; the write that meets it says so as well.
process.stdout.on("error", () => {});
const words = process.argv.slice(2);
main(words).catch((error: unknown) => fail(error, words));
