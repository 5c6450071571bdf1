// Whether a model or a detector may be replaced by one that learns now. One that learned other columns is of another table,
// and is not replaced without a word of the user. A new run on the same columns replaces the earlier result.

import type { DetectorHeader } from "../detect/file.ts";
import { decodeSafetensors } from "../formats/safetensors.ts";
import type { Arguments } from "./arguments.ts";
import { CommandError } from "./errors.ts";
import { holdsModel } from "./kinds.ts";
import { NOTE, parseNote, readBytesOf } from "./model-file.ts";
import { listed } from "./text.ts";

/** The columns of a table, or those that a file has learned from. */
export interface LearnedColumns {
  readonly count: number;
  /** Undefined if they have no names. */
  readonly names: readonly string[] | undefined;
}

/**
 * Throws if the file `path` holds a model or a detector of other columns than those of `table`.
 * @param option the option with the name of the file
 */
export async function requireSameColumns(
  args: Arguments,
  path: string,
  option: "output" | "save",
  table: LearnedColumns & { readonly file: string },
): Promise<void> {
  const what = args.flag("force") ? undefined : await holdsModel(path);
  if (what === undefined) return;
  const earlier = await learnedBy(path, what);
  const difference = earlier && differenceOf(what, earlier, table);
  if (difference === undefined) return;
  throw new CommandError(
    `${path}: is a ${what} of other columns (${difference}); --${option} OTHER saves under another name, --force replaces the ${what}`,
    { file: path },
  );
}

function differenceOf(
  what: string,
  earlier: LearnedColumns,
  table: LearnedColumns & { readonly file: string },
): string | undefined {
  if (earlier.names === undefined || table.names === undefined) {
    return earlier.count === table.count
      ? undefined
      : `${earlier.count} in the ${what}, ${table.count} in ${table.file}`;
  }
  const { names } = table;
  const gone = earlier.names.filter((name) => !names.includes(name));
  const added = names.filter((name) => !earlier.names?.includes(name));
  const parts = [
    ...(gone.length > 0 ? [`only in the ${what}: ${listed(gone)}`] : []),
    ...(added.length > 0 ? [`only in ${table.file}: ${listed(added)}`] : []),
  ];
  return parts.length === 0 ? undefined : parts.join("; ");
}

/** The columns that a file has learned from; undefined if it cannot be read. */
async function learnedBy(
  path: string,
  what: "model" | "detector",
): Promise<LearnedColumns | undefined> {
  try {
    const { metadata } = decodeSafetensors(await readBytesOf(path));
    if (what === "detector") {
      const { encoder } = JSON.parse(metadata.detector ?? "") as Pick<DetectorHeader, "encoder">;
      const names = encoder.schema.map(({ name }) => String(name));
      return { count: names.length, names };
    }
    const { layers } = JSON.parse(metadata.config ?? "") as { layers: number[] };
    return { count: layers[0] ?? 0, names: parseNote(metadata[NOTE]).columns };
  } catch {
    return undefined;
  }
}
