// The library speaks of `x` and counts rows from 0. People speak of a file, its lines and its columns.

import { InvalidTypeError, InvalidValueError } from "../errors.ts";
import { CommandError } from "./errors.ts";
import { placeOf, type Table } from "./input.ts";

/** Runs `work`; what the library finds wrong with values is told again by `tell`, or stays where that gives undefined. */
export async function retold<T>(
  work: () => T | Promise<T>,
  tell: (error: Error) => CommandError | undefined | Promise<CommandError | undefined>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InvalidValueError || error instanceof InvalidTypeError)) throw error;
    throw (await tell(error)) ?? error;
  }
}

/** `Row 3, column 0 of x is NaN; …`: how the library names a value. */
const VALUE = /^Row (\d+), column (\d+) of (\w+) (is .*?)\.?$/s;

/** Runs `work`; an error about a value of one of the named arguments is told with its place in the argument's file. */
export function placed<T>(
  tables: readonly (readonly [argument: string, table: Table])[],
  work: () => T | Promise<T>,
  /** The number, in the table, of the argument's first row. */
  firstRow = 0,
): Promise<T> {
  return retold(work, async (error) => {
    const [, row, column, argument, what] = VALUE.exec(error.message) ?? [];
    const [, table] = tables.find(([name]) => name === argument) ?? [];
    if (row === undefined || what === undefined || table === undefined) return undefined;
    const found = await placeOf(table, firstRow + Number(row), Number(column));
    return new CommandError(`${found.text}: ${what}`, { ...found.place, cause: error });
  });
}
