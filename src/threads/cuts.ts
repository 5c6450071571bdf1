// The kernel table in the form that a team of threads uses: positions of arguments instead of their names, and for every
// parameter by which a call may be divided, how the other arguments change from one share to the next.

import { signatures } from "../core/generated/exports.ts";
import {
  type Kernel,
  type KernelArray,
  type KernelName,
  kernelTable,
  type Term,
} from "../core/kernel-table.ts";

/** The arguments of a call, in the order of the parameters. */
export type Values = readonly number[];

/** `argument` increases by `factor` times the product of the arguments `by` for every element of the count. */
interface Move {
  readonly argument: number;
  readonly factor: number;
  readonly by: readonly number[];
  /** Whether the argument is an address. An address 0 means that there is no array, and does not change. */
  readonly isAddress: boolean;
}

/** One way to divide the calls of a kernel. */
export interface Cut {
  /** The argument that counts the work. */
  readonly count: number;
  /** Shares begin at multiples of this. */
  readonly unit: number;
  readonly moves: readonly Move[];
}

/** An array that a kernel writes. */
export interface Written {
  readonly argument: number;
  /** Whether its new content depends on the old one. */
  readonly updates: boolean;
}

/** The workspace of a kernel. The kernel `bytes` returns its size for the arguments `sizes`, the first times `factor`. */
export interface Workspace {
  readonly argument: number;
  readonly bytes: "gemmWorkspace" | "topKWorkspace";
  readonly sizes: readonly number[];
  readonly factor: number;
}

/** A row of the kernel table with positions. */
export interface CallPlan {
  readonly name: KernelName;
  /** The number of the kernel among the exports of the module. The board uses it. */
  readonly number: number;
  /** Empty for kernels that run on one thread. */
  readonly cuts: readonly Cut[];
  readonly written: readonly Written[];
  /** The arguments that are addresses of arrays that are only read. */
  readonly read: readonly number[];
  /** The workspace, of which every thread needs its own. */
  readonly workspace: Workspace | undefined;
  /** Whether the kernel is a matrix product. */
  readonly isProduct: boolean;
  readonly answer: Kernel["answer"];
  readonly symmetric: Kernel["symmetric"];
  /** The time of a call on one thread in nanoseconds. 0 if it does nothing. */
  time(values: Values): number;
}

const BYTES = { f32: 4, u32: 4, f64: 8 };

/** The plan of a kernel. `number` is its number among the exports of the module. */
export function callPlan(name: KernelName, number: number): CallPlan {
  const names = Object.keys(signatures[name]);
  const position = (parameter: string) => names.indexOf(parameter);
  const row: Kernel = kernelTable[name];
  const arrays: [string, KernelArray][] = [];
  for (const [parameter, array] of Object.entries(row.arrays)) {
    if (array) arrays.push([parameter, array]);
  }
  const argumentsOf = (use: KernelArray["use"]) =>
    arrays.filter(([, array]) => array.use === use).map(([parameter]) => position(parameter));
  const workspaces = arrays.flatMap(([parameter, { bytes, shape, factor = 1 }]) =>
    bytes
      ? [
          {
            argument: position(parameter),
            bytes,
            factor,
            sizes: shape.map((size) => position(`${size}`)),
          },
        ]
      : [],
  );
  return {
    name,
    number,
    cuts: Object.entries(row.share ?? {}).map(([counts, unit = 1]) => ({
      count: position(counts),
      unit,
      moves: movesOf(row, arrays, counts, position),
    })),
    written: [
      ...argumentsOf("writes").map((argument) => ({ argument, updates: false })),
      ...argumentsOf("updates").map((argument) => ({ argument, updates: true })),
    ],
    read: argumentsOf("reads"),
    workspace: workspaces[0],
    isProduct: workspaces[0]?.bytes === "gemmWorkspace",
    answer: row.answer,
    symmetric: row.symmetric,
    time: timeOf(row, position),
  };
}

function movesOf(
  { start }: Kernel,
  arrays: readonly [string, KernelArray][],
  counts: string,
  position: (parameter: string) => number,
): Move[] {
  const moves: Move[] = [];
  for (const [parameter, array] of arrays) {
    if (array.use === "workspace") continue;
    const step = stepOf(array, counts);
    if (!step) continue;
    const { factor, by } = step;
    moves.push({ argument: position(parameter), factor, by: by.map(position), isAddress: true });
  }
  if (start) moves.push({ argument: position(start), factor: 1, by: [], isAddress: false });
  return moves;
}

/** The distance in bytes from one element of `counts` to the next in an array: `factor` times the arguments `by`. */
function stepOf(
  { shape, type = "f32", stride, block = 1 }: KernelArray,
  counts: string,
): { factor: number; by: readonly string[] } | undefined {
  const [rows, ...columns] = shape;
  let factor = BYTES[type] / block;
  // An array with one more element than rows holds the ends of rows. A share also reads one more element.
  if (rows === counts || rows === `${counts} + 1`) {
    if (stride) return { factor, by: [stride] };
    const by: string[] = [];
    for (const size of columns) {
      if (typeof size === "number") factor *= size;
      else by.push(size);
    }
    return { factor, by };
  }
  if (!columns.includes(counts)) return undefined;
  if (stride && columns.length === 1) return { factor, by: [] };
  throw new Error(`An array of [${shape}] without a stride cannot be cut by ${counts}.`);
}

function timeOf(
  { time = [], idle }: Kernel,
  position: (parameter: string) => number,
): CallPlan["time"] {
  const terms = time.map(({ nanoseconds, of }: Term) => ({ nanoseconds, of: of.map(position) }));
  const conditions = Object.entries(idle ?? {}).map(([parameter, value]) => ({
    argument: position(parameter),
    other: typeof value === "string" ? position(value) : -1,
    value: typeof value === "string" ? Number.NaN : value,
  }));
  const whole = (values: Values) => {
    let sum = 0;
    for (const { nanoseconds, of } of terms) {
      let product = nanoseconds;
      for (const argument of of) product *= values[argument] ?? 0;
      sum += product;
    }
    return sum;
  };
  if (conditions.length === 0) return whole;
  return (values) => {
    for (const { argument, other, value } of conditions) {
      if (values[argument] !== (other < 0 ? value : values[other])) return whole(values);
    }
    return 0;
  };
}
