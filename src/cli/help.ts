// Help texts from the tables of commands and options, never wider than 80 columns.

import type { Check } from "../options.ts";
import { type Command, commonOptions, type Option, type Options, usage } from "./arguments.ts";
import { wrap } from "./lines.ts";

const WIDTH = 80;
const INDENT = 2;

/** The list of commands. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    "Find odd rows of tables, and train and use tied-weight autoencoders.",
    "",
    "  tied-autoencoder <command> [options]",
    "",
    ...commands.flatMap(({ name, summary }) => item(name, summary, width)),
    "",
    ...wrap(
      'Tables are CSV, JSON, NPY, NPZ or IDX files, plain or gzipped. The content tells which. "-" is the standard input. Models are safetensors files.',
    ),
    "",
    "  tied-autoencoder <command> --help    what a command takes, with examples",
    "  tied-autoencoder --version",
    "",
    ...wrap(
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 rows are flagged (with --fail-on-anomaly), 128 + n ended by signal n: 130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP, 131 by SIGQUIT.",
    ),
  ].join("\n");
}

/** The full help of a command. */
export function help(command: Command): string {
  const { summary, description, options, examples } = command;
  const paragraphs = description ? description.split("\n\n").flatMap((p) => ["", ...wrap(p)]) : [];
  return [
    ...wrap(summary),
    "",
    `  ${usage(command)}`,
    ...paragraphs,
    "",
    "Options",
    ...optionLines({ ...options, ...commonOptions }),
    ...settingLines(options),
    "",
    examples.length === 1 ? "Example" : "Examples",
    ...examples.flatMap(([what, line]) => [...wrap(`# ${what}`, INDENT), `  ${line}`]),
  ].join("\n");
}

function optionLines(options: Options): string[] {
  const entries = Object.entries(options).map(([name, option]) => {
    const { short, value } = option;
    const left = `${short ? `-${short}, ` : "    "}--${name}${value ? ` ${value}` : ""}`;
    return [left, meaning(option)] as const;
  });
  return entries.flatMap(([left, text]) => item(left, text, 25));
}

/** The help text of an option, its allowed values and its default. */
function meaning({ help: text, kind, choices, default: otherwise }: Option): string {
  // A choice that the help text explains, as in "auto: …", is not listed again.
  const list = choices?.filter((each) => !new RegExp(`\\b${each}:`).test(text)).join(", ");
  const allowed = !list ? "" : kind ? `, or ${list}` : `: ${list}`;
  return `${text}${allowed}${otherwise === undefined ? "" : ` (default ${otherwise})`}`;
}

/** The names that options take, each with its settings and their defaults. */
function settingLines(options: Options): string[] {
  const entries = Object.entries(options);
  const lines = entries.flatMap(([option, { registry, except = [], also = [] }]) => {
    const alike = entries.filter(([, other]) => other.registry === registry);
    if (!registry || alike[0]?.[0] !== option) return [];
    const named = registry.all.filter(({ type }) => !except.includes(type));
    const bare = named.filter(({ options: of }) => Object.keys(of).length === 0);
    const names = [...bare.map(({ type }) => type), ...also].join(", ");
    const settled = named.filter((definition) => !bare.includes(definition));
    return [
      `  ${alike.map(([name]) => `--${name}`).join(", ")}`,
      ...(names === "" ? [] : wrap(names, 2 * INDENT)),
      ...settled.flatMap(({ type, options: of }) =>
        wrapSettings(`${type}:`, settingsOf(of, except)),
      ),
    ];
  });
  return lines.length === 0 ? [] : ["", "Names, with their settings and defaults", ...lines];
}

/** `beta1=0.9` for each setting; one without a default is `clipNorm=…`. */
function settingsOf(options: object, except: readonly string[]): string[] {
  const checks: Readonly<Record<string, Check<unknown>>> = { ...options };
  const accepted = Object.entries(checks).filter(([key]) => !except.includes(key));
  return accepted.map(([key, check]) => {
    try {
      return `${key}=${check(key, undefined) ?? "…"}`;
    } catch {
      return `${key}=…`; // required
    }
  });
}

/** Settings separated by commas without blanks, as they are typed. */
function wrapSettings(name: string, settings: readonly string[]): string[] {
  const lines = [" ".repeat(2 * INDENT) + name];
  for (const [i, setting] of settings.entries()) {
    const part = i + 1 < settings.length ? `${setting},` : setting;
    const line = `${lines.at(-1)}${part}`;
    if (line.length <= WIDTH) lines[lines.length - 1] = line;
    else lines.push(" ".repeat(4 * INDENT) + part);
  }
  return lines;
}

/** A name with its text next to it, or below it if the name is long. */
function item(left: string, text: string, width: number): string[] {
  const column = INDENT + width + 2;
  const lines = wrap(text, column);
  if (left.length > width) return [`  ${left}`, ...lines];
  return [`  ${left.padEnd(width)}  ${lines[0]?.trimStart() ?? ""}`, ...lines.slice(1)];
}
