// The command line: one table a command, from which node:util's parser, the checks and the help are all
// made, so that none of them can know an option that the others do not.

import { parseArgs } from "node:util";
import { UsageError } from "./errors.ts";

export interface Option {
  readonly short?: string;
  /** What stands for the value in the help; absent for a flag. */
  readonly value?: string;
  readonly help: string;
}

export type Options = Readonly<Record<string, Option>>;

export interface Command {
  readonly name: string;
  /** Operands, as the help shows them; those in brackets may be left out. */
  readonly operands: readonly string[];
  /** One line for the list of commands. */
  readonly summary: string;
  /** What else there is to say, in paragraphs. */
  readonly description?: string;
  readonly options: Options;
  readonly examples: readonly (readonly [what: string, command: string])[];
  run(args: Arguments): Promise<void>;
}

export const commonOptions: Options = {
  debug: { help: "show where in the program an error arose" },
  help: { short: "h", help: "show this help" },
};

/** The values of a command line, read by the kind that each option wants. */
export class Arguments {
  readonly operands: readonly string[];
  readonly #values: Readonly<Record<string, string | boolean | undefined>>;

  constructor(
    operands: readonly string[],
    values: Readonly<Record<string, string | boolean | undefined>>,
  ) {
    this.operands = operands;
    this.#values = values;
  }

  /** The names of the options that were given. */
  get given(): string[] {
    return Object.keys(this.#values);
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value)) return value;
    throw new UsageError(`--${name} must be a number; got "${text}".`);
  }

  whole(name: string, least: number): number | undefined {
    const value = this.number(name);
    if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return value;
    throw new UsageError(
      `--${name} must be a whole number of at least ${least}; got "${this.text(name)}".`,
    );
  }

  choice<Name extends string>(name: string, names: readonly Name[]): Name | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = names.find((one) => one === text);
    if (found !== undefined) return found;
    throw new UsageError(`--${name} must be one of ${names.join(", ")}; got "${text}".`);
  }

  /** The same operands, with these values where none were given. */
  withDefaults(defaults: Readonly<Record<string, string | boolean>>): Arguments {
    return new Arguments(this.operands, { ...defaults, ...this.#values });
  }

  /** Those of the given options that `names` holds, as they were typed. */
  pick(names: readonly string[]): Record<string, string | boolean> {
    const entries = Object.entries(this.#values).filter(
      (entry): entry is [string, string | boolean] =>
        entry[1] !== undefined && names.includes(entry[0]),
    );
    return Object.fromEntries(entries);
  }
}

/** Reads a command's own part of the command line. */
export function readArguments(command: Command, words: readonly string[]): Arguments {
  const table: Options = { ...command.options, ...commonOptions };
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(table).map(([name, { short, value }]) => [
        name,
        { type: value ? "string" : "boolean", ...(short ? { short } : {}) } as const,
      ]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const operands: string[] = [];
  const values: Record<string, string | boolean> = {};
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!option) {
      throw new UsageError(
        `${command.name} has no option ${rawName}${didYouMean(`--${name}`, withDashes(table))}.`,
      );
    }
    if (option.value === undefined && value !== undefined) {
      throw new UsageError(`${rawName} is a switch and takes no value; got "${value}".`);
    }
    if (
      option.value !== undefined &&
      (value === undefined || looksLikeOption(value, inlineValue))
    ) {
      throw new UsageError(
        value === undefined
          ? `${rawName} needs a value: ${rawName} ${option.value}.`
          : `${rawName} needs a value and is followed by "${value}"; write --${name}=${value} if that is the value.`,
      );
    }
    if (Object.hasOwn(values, name)) throw new UsageError(`--${name} is given twice.`);
    values[name] = value ?? true;
  }
  const args = new Arguments(operands, values);
  if (!args.flag("help")) requireOperands(command, operands);
  return args;
}

/** A value written after a blank may be a number below zero or "-", but nothing else with a dash. */
const looksLikeOption = (value: string, inline: boolean | undefined): boolean =>
  !inline && /^-[^\d.]/.test(value);

const withDashes = (table: Options): string[] => Object.keys(table).map((name) => `--${name}`);

function requireOperands(command: Command, operands: readonly string[]): void {
  const { name, operands: wanted } = command;
  const least = wanted.filter((operand) => !operand.startsWith("[")).length;
  if (operands.length < least) {
    throw new UsageError(`${name} needs ${wanted[operands.length]}: ${usage(command)}.`);
  }
  if (operands.length > wanted.length) {
    throw new UsageError(
      `${name} takes ${wanted.join(" ") || "no files"}, and "${operands[wanted.length]}" is one word too many.`,
    );
  }
}

export const usage = ({ name, operands }: Command): string =>
  ["tied-autoencoder", name, ...operands, "[options]"].join(" ");

/** `; perhaps …` where one of the names is close to what was typed. */
export function didYouMean(typed: string, names: readonly string[]): string {
  const [best] = names
    .map((name) => ({ name, distance: editDistance(typed, name) }))
    .sort((a, b) => a.distance - b.distance);
  if (!best || best.distance > Math.max(2, typed.replace(/^-+/, "").length / 3)) return "";
  return `; perhaps ${best.name} is meant`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
