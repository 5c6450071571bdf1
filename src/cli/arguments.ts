// The command line: one table for each command. Node's parser, the checks of values and the help are all derived from
// it, so that they always have the same options.

import { parseArgs } from "node:util";
import type { Checks, Definition } from "../options.ts";
import { UsageError } from "./errors.ts";
import { didYouMean } from "./guess.ts";
import { checkSettings, checkSpec } from "./spec.ts";
import { quoted, shellQuote } from "./text.ts";

/** The names that an option accepts: the list of the library, with a check for each of their settings. */
export interface Registry {
  readonly all: readonly Definition<string, object>[];
}

export interface Option {
  readonly short?: string;
  /** The placeholder of the value in the help; absent for a switch. */
  readonly value?: string;
  /** Numbers are checked; everything else is text. */
  readonly kind?: "number" | "whole";
  /** The smallest allowed number, and the numbers that all must be greater than and less than. */
  readonly least?: number;
  readonly above?: number;
  readonly below?: number;
  /** The only texts allowed. For a number, texts that are also allowed. */
  readonly choices?: readonly string[];
  /** The value is a name from this list, with settings: `name:key=value`. The help shows them. */
  readonly registry?: Registry;
  /** Names and settings in the list that a command line does not accept, and additional names. */
  readonly except?: readonly string[];
  readonly also?: readonly string[];
  /** Required settings in the list that the command fills in. */
  readonly filled?: readonly string[];
  /** The value is settings without a name: `key=value`. */
  readonly settings?: Checks<object>;
  /** May be given more than once. */
  readonly repeats?: boolean;
  /** A switch that means the opposite. */
  readonly contradicts?: string;
  readonly help: string;
  /** The default, for the help. */
  readonly default?: string;
}

export type Options = Readonly<Record<string, Option>>;

/** What an operand may be. */
export type OperandKind = "model" | "detector" | "table";

export interface Command {
  readonly name: string;
  /** Operands, as the help shows them; those in brackets may be left out. */
  readonly operands: readonly string[];
  /** What the first operand may be; a check before the command runs. Absent: anything. */
  readonly takes?: readonly OperandKind[];
  /** One line for the list of commands. */
  readonly summary: string;
  /** Further text in paragraphs. */
  readonly description?: string;
  readonly options: Options;
  /** Options of other commands that users may expect here, and the reason why the command does not take them. */
  readonly refuses?: Readonly<Record<string, string>>;
  readonly examples: readonly (readonly [what: string, command: string])[];
  run(args: Arguments): Promise<void>;
}

export const commonOptions: Options = {
  debug: { help: "show where in the program an error arose" },
  help: { short: "h", help: "show this help" },
};

type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** The values of a command line, checked against the command's table. */
export class Arguments {
  readonly operands: readonly string[];
  readonly #values: Values;

  constructor(operands: readonly string[], values: Values) {
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

  /** All values of an option that may be given more than once. */
  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value : [];
  }

  /** Undefined also if the text is one of the `choices` in the table. */
  number(name: string): number | undefined {
    const text = this.text(name);
    const value = text === undefined ? Number.NaN : Number(text);
    return Number.isNaN(value) ? undefined : value;
  }

  choice<Name extends string>(name: string, names: readonly Name[]): Name | undefined {
    const text = this.text(name);
    return names.find((one) => one === text);
  }

  /** The same operands, with these values for options that were not given. */
  withDefaults(defaults: Values): Arguments {
    return new Arguments(this.operands, { ...defaults, ...this.#values });
  }

  /** The given options that are in `names`, as they were typed. */
  pick(names: readonly string[]): Record<string, string | boolean> {
    const picked: Record<string, string | boolean> = {};
    for (const name of names) {
      const value = this.#values[name];
      if (typeof value === "string" || typeof value === "boolean") picked[name] = value;
    }
    return picked;
  }
}

/** Reads the words after the name of the command. */
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
  const values: Record<string, string | boolean | string[]> = {};
  for (const token of tokens) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!option) {
      const reason = command.refuses?.[name];
      if (reason !== undefined) throw new UsageError(reason);
      throw new UsageError(
        `${command.name} has no option ${quotedOption(rawName)}${didYouMean(`--${name}`, withDashes(table))}.`,
      );
    }
    if (option.value === undefined && value !== undefined) {
      throw new UsageError(`${rawName} is a switch and takes no value; got ${quoted(value)}.`);
    }
    if (
      option.value !== undefined &&
      (value === undefined || looksLikeOption(value, inlineValue))
    ) {
      throw new UsageError(
        value === undefined
          ? `${rawName} needs a value: ${rawName} ${option.value}.`
          : `${rawName} needs a value and is followed by ${quoted(value)}; write --${name}=${value} if that is the value.`,
      );
    }
    if (value !== undefined) checkValue(name, option, value);
    if (option.repeats) {
      const earlier = values[name];
      values[name] = [...(Array.isArray(earlier) ? earlier : []), value ?? ""];
      continue;
    }
    if (Object.hasOwn(values, name)) throw new UsageError(`--${name} is given twice.`);
    values[name] = value ?? true;
  }
  const args = new Arguments(operands, values);
  for (const name of args.given) {
    const opposite = table[name]?.contradicts;
    if (opposite !== undefined && args.flag(opposite)) {
      throw new UsageError(`--${name} and --${opposite} contradict each other.`);
    }
  }
  if (!args.flag("help")) requireOperands(command, operands, args.given);
  return args;
}

/** Whether the option accepts a value from a file, which may be anything. */
export function isValueFor(name: string, option: Option, value: string | boolean): boolean {
  if (typeof value === "boolean") return option.value === undefined && value;
  if (option.value === undefined) return false;
  try {
    checkValue(name, option, value);
    return true;
  } catch {
    return false;
  }
}

function checkValue(name: string, option: Option, text: string): void {
  const { kind, least, above, below, choices = [], registry, settings } = option;
  if (choices.includes(text)) return;
  if (registry) checkSpec(name, { ...option, registry }, text);
  if (settings) checkSettings(name, settings, text);
  const or = choices.map((choice) => ` or ${choice}`).join("");
  if (kind === undefined) {
    if (choices.length === 0) return;
    throw new UsageError(`--${name} must be one of ${choices.join(", ")}; got ${quoted(text)}.`);
  }
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) {
    throw new UsageError(`--${name} must be a number${or}; got ${quoted(text)}.`);
  }
  const isInside = value >= (least ?? -Infinity) && value > (above ?? -Infinity);
  const isKind = kind !== "whole" || Number.isSafeInteger(value);
  if (!isKind || !isInside || value >= (below ?? Infinity)) {
    const what = kind === "whole" ? "a whole number" : "a number";
    const from = least === undefined ? "" : ` of at least ${least}`;
    const over = above === undefined ? "" : ` greater than ${above}`;
    const to = below === undefined ? "" : ` and less than ${below}`;
    throw new UsageError(`--${name} must be ${what}${from}${over}${to}${or}; got ${quoted(text)}.`);
  }
}

/** A value after a blank may be a negative number or "-". Other words with a dash are options. */
const looksLikeOption = (value: string, inline: boolean | undefined): boolean =>
  !inline && /^-[^\d.]/.test(value);

const withDashes = (table: Options): string[] => Object.keys(table).map((name) => `--${name}`);

/** An option's name as it was typed, without quotation marks. */
const quotedOption = (name: string): string => quoted(name).slice(1, -1);

function requireOperands(
  command: Command,
  operands: readonly string[],
  given: readonly string[],
): void {
  const { name, operands: wanted } = command;
  const least = wanted.filter((operand) => !operand.startsWith("[")).length;
  if (operands.length < least) {
    const [first] = operands;
    const lacksModel = wanted[0] === "MODEL" && first !== undefined && TABLE_NAME.test(first);
    throw new UsageError(
      lacksModel
        ? `${name} needs MODEL before ${quoted(first)}: ${usage(command)}; train makes a model, and train --detector a detector.`
        : `${name} needs ${wanted[operands.length]}: ${usage(command)}.`,
    );
  }
  const extra = operands[wanted.length];
  if (extra !== undefined) {
    throw new UsageError(
      `${name} takes ${wanted.join(" ") || "no files"}, and ${quoted(extra)} is one word too many${outputHint(command, operands, given) || "."}`,
    );
  }
  const empty = operands.indexOf("");
  if (empty >= 0) throw new UsageError(`${wanted[empty]} is an empty word.`);
}

/** Names of tables. */
const TABLE_NAME = /\.(?:csv|tsv|txt|jsonl?|np[yz]|idx)(?:\.gz)?$/i;

/** What to write if one of the operands is the model that is to be written or trained on. */
function outputHint(
  { name, operands: wanted, options }: Command,
  operands: readonly string[],
  given: readonly string[],
): string {
  const writesModel = Object.hasOwn(options, "continue") && !given.includes("output");
  if (!writesModel || operands.length !== wanted.length + 1) return "";
  const goesOn = ["continue", "resume"].find((option) => given.includes(option));
  const isModel = (operand: string) => operand.endsWith(".safetensors");
  const file = operands.find(isModel) ?? (goesOn && operands.at(-1));
  if (file === undefined) return "";
  const others = operands.filter((operand) => operand !== file);
  const words = [...others, ...(goesOn ? [`--${goesOn}`] : []), "-o", file].map(shellQuote);
  return `; -o names the model: tied-autoencoder ${name} ${words.join(" ")}`;
}

export const usage = ({ name, operands }: Command): string =>
  ["tied-autoencoder", name, ...operands, "[options]"].join(" ");
