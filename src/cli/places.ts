// Messages of the library name the argument `x` and count rows from 0. Here they are changed to name the file, its lines
// and its columns.

import { InvalidTypeError, InvalidValueError } from "../errors.ts";
import { CommandError } from "./errors.ts";
import { placeOf, type Table } from "./input.ts";

/** Runs `work`. `tell` replaces errors of the library about values. If it returns undefined, the original error remains. */
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

/** `Row 3, column 0 of x is NaN; …`: the form in which the library names a value. */
const VALUE = /^Row (\d+), column (\d+) of (\w+) (is .*?)\.?$/s;

/** Runs `work`. An error about a value of one of the named arguments gets the place in the file of the argument. */
export function placed<T>(
  tables: readonly (readonly [argument: string, table: Table])[],
  work: () => T | Promise<T>,
  /** The number in the table of the first row of the argument. */
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
