// Random calls of any kernel, from its row of the kernel table: sizes, arrays between guard words, and values
// that the kernel's contract allows. A new kernel in the table needs no change here, unless one of
// its parameters must be in a certain range. See `scalars`.

import { Activation, Loss } from "../../assembly/ops.ts";
import { type KernelExports, signatures } from "../../src/core/generated/exports.ts";
import {
  type Kernel,
  type KernelArray,
  type KernelName,
  kernelTable,
} from "../../src/core/kernel-table.ts";

/** An array of a call, in memory. */
export interface PlacedArray {
  readonly name: string;
  readonly array: KernelArray;
  readonly address: number;
  /** Offsets of its elements from the address, in 32-bit words. */
  readonly words: readonly number[];
  /** The upper limit of its elements: exclusive, or inclusive if they are indices into a list. */
  readonly below: number | undefined;
}

export interface KernelCall {
  readonly name: KernelName;
  /** The arguments, in the order of the parameters. */
  readonly values: number[];
  readonly arrays: readonly PlacedArray[];
  /** The memory of the call begins at FIRST and ends here. */
  readonly end: number;
  /** Whether the table says that the call does nothing. */
  readonly idle: boolean;
}

/** Calls use memory from here on. */
export const FIRST = 1024;

type Scalar = (random: () => number) => number;
const whole = (most: number) => (random: () => number) => Math.floor(random() * (most + 1));
const oneOf =
  (...values: number[]): Scalar =>
  (random) =>
    values[Math.floor(random() * values.length)]!;
const codes = (operations: object) => whole(Object.keys(operations).length / 2 - 1);

/** Values of parameters by name. Others are uniform in [0.1, 1) if they are floats, and else 0 or 1. */
const scalars: Record<string, Scalar> = {
  op: codes(Activation),
  loss: codes(Loss),
  beta: oneOf(0, 1, 0.5),
  momentum: oneOf(0, 0.9),
  after: (random) => Math.floor(random() * 2 ** 32),
  theta: (random) => 2 * random() - 1,
  low: (random) => -1 - random(),
  high: (random) => 1 - random() ** 8,
  seedLo: whole(2 ** 32 - 1),
  seedHi: whole(2 ** 32 - 1),
  step: whole(1000),
  stream: whole(1000),
};

/** The same for parameters of one kernel. */
const scalarsOf: Partial<Record<KernelName, Record<string, Scalar>>> = {
  contraction: {
    op: oneOf(
      Activation.linear,
      Activation.relu,
      Activation.leakyRelu,
      Activation.elu,
      Activation.softplus,
      Activation.sigmoid,
      Activation.tanh,
    ),
  },
};

/** A value of a parameter that is no size and no address. */
function scalar(kernel: KernelName, parameter: string, type: string, random: () => number): number {
  const known = scalarsOf[kernel]?.[parameter] ?? scalars[parameter];
  if (known) return known(random);
  return type.startsWith("f") ? 0.1 + 0.9 * random() : Math.floor(2 * random());
}

/** Sizes are below this, except those by which a call is to be shared. */
const MOST = 24;

/** Rows in the smallest band of a symmetric product. */
const BAND = 16;

/** The bytes of a workspace of some sizes. */
export type RoomFor = (kernel: "gemmWorkspace" | "topKWorkspace", ...sizes: number[]) => number;

/**
 * A random call. With `shared`, the sizes by which a call may be cut are two to six of its units, so that several
 * threads get something to do.
 */
export function randomCall(
  name: KernelName,
  random: () => number,
  roomFor: RoomFor,
  shared = false,
): KernelCall {
  const row: Kernel = kernelTable[name];
  const arrays = Object.entries(row.arrays) as [string, KernelArray][];
  const values = randomSizes(name, arrays, random, shared);
  const size = (dimension: string | number): number => {
    if (typeof dimension === "number") return dimension;
    if (dimension.endsWith(" + 1")) return values[dimension.slice(0, -4)]! + 1;
    if (dimension.startsWith("*")) values[dimension] ??= 1 + Math.floor(MOST * random());
    return values[dimension]!;
  };
  for (const [, { shape, stride }] of arrays) {
    if (!stride) continue;
    const width = shape.slice(1).reduce<number>((product, each) => product * size(each), 1);
    values[stride] = Math.max(values[stride] ?? 0, width + Math.floor(4 * random()));
  }
  const idle = Object.entries(row.idle ?? {});
  const isIdle = idle.length > 0 && random() < 0.2;
  if (isIdle) {
    for (const [parameter, value] of idle) {
      if (typeof value === "number") values[parameter] = value;
    }
  }

  let top = FIRST;
  const reserve = (bytes: number, alignment: number) => {
    const address = Math.ceil((top + 4 + Math.floor(16 * random())) / alignment) * alignment;
    top = address + bytes;
    return address;
  };
  const placed: PlacedArray[] = [];
  for (const [parameter, array] of arrays) {
    if (array.bytes) {
      const sizes = array.shape.map((each, i) => size(each) * (i === 0 ? (array.factor ?? 1) : 1));
      const address = reserve(roomFor(array.bytes, ...sizes), 64);
      values[parameter] = address;
      placed.push({ name: parameter, array, address, words: [], below: undefined });
      continue;
    }
    if (values[parameter] === 0 || (array.optional && random() < 0.3)) {
      values[parameter] = 0;
      continue;
    }
    const words = wordsOf(
      array,
      array.shape.map(size),
      array.stride ? values[array.stride] : undefined,
    );
    const same = isIdle ? values[row.idle?.[parameter] ?? ""] : undefined;
    const address = same ?? reserve(4 * ((words.at(-1) ?? -1) + 1), array.type === "f64" ? 8 : 4);
    values[parameter] = address;
    const bounds = array.order === "starts" ? ["*kept"] : array.below;
    const below = bounds?.reduce((product, each) => product * size(each), 1);
    placed.push({ name: parameter, array, address, words, below });
  }
  // An array that must be another one may come before it: now all have their places.
  if (isIdle) {
    for (const [parameter, other] of idle) {
      if (typeof other === "string") values[parameter] = values[other]!;
    }
  }
  return {
    name,
    values: Object.keys(signatures[name]).map((parameter) => values[parameter]!),
    arrays: placed,
    end: top + 64,
    idle: isIdle,
  };
}

/** Values of all parameters except addresses and strides. */
function randomSizes(
  name: KernelName,
  arrays: readonly [string, KernelArray][],
  random: () => number,
  shared: boolean,
): Record<string, number> {
  const row: Kernel = kernelTable[name];
  const values: Record<string, number> = {};
  const strides = new Set(arrays.flatMap(([, { stride }]) => stride ?? []));
  // Where there is nothing that an element may be, there is no element.
  const atLeastOne = new Set(arrays.flatMap(([, { below }]) => below ?? []));
  for (const [parameter, type] of Object.entries<string>(signatures[name])) {
    if (row.arrays[parameter] || strides.has(parameter)) continue;
    const unit = row.share?.[parameter] ?? (row.symmetric && parameter === "n" ? BAND : undefined);
    if (type !== "usize") values[parameter] = scalar(name, parameter, type, random);
    else if (shared && unit) values[parameter] = Math.floor(unit * (2 + 4 * random()));
    else values[parameter] = Math.floor(MOST * random());
    if (atLeastOne.has(parameter)) values[parameter] ||= 1;
  }
  for (const [parameter, limit] of Object.entries(row.atMost ?? {})) {
    values[parameter] = Math.min(values[parameter]!, values[limit!]!);
  }
  return values;
}

/** Offsets of the elements of an array, in words of 32 bits. */
function wordsOf(
  { type, block = 1 }: KernelArray,
  [first = 0, ...rest]: readonly number[],
  stride: number | undefined,
): number[] {
  const rows = Math.ceil(first / block);
  const width = rest.reduce((product, size) => product * size, 1);
  const step = stride ?? width;
  const perElement = type === "f64" ? 2 : 1;
  const words: number[] = [];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < width * perElement; j++) words.push(i * step * perElement + j);
  }
  return words;
}

/** Fills an array of a call with random content, valid for its kernel. */
export function fillArray(
  heap: ArrayBufferLike,
  { array, address, words, below }: PlacedArray,
  random: () => number,
): void {
  const floats = new Float32Array(heap);
  const integers = new Uint32Array(heap);
  const numbers =
    below === undefined ? undefined : orderedNumbers(words.length, array, below, random);
  words.forEach((word, i) => {
    const at = address / 4 + word;
    if (numbers) integers[at] = numbers[i]!;
    else if (array.type === "u32") integers[at] = Math.floor(random() * 2 ** 32);
    else floats[at] = 2 * random() - 1;
  });
}

/** So many whole numbers below a bound, as the row of the array asks for them. */
function orderedNumbers(
  count: number,
  { order }: KernelArray,
  below: number,
  random: () => number,
): number[] {
  const draw = (most: number) => Math.floor(most * random());
  const ascending = (a: number, b: number) => a - b;
  if (order === "starts")
    return Array.from({ length: count }, () => draw(below + 1)).sort(ascending);
  if (order === undefined) return Array.from({ length: count }, () => draw(below));
  const pairs = order === "blocks";
  const wanted = pairs ? count / 2 : count;
  const chosen = new Set<number>();
  while (chosen.size < Math.min(wanted, below)) chosen.add(draw(below));
  const sorted = [...chosen].sort(ascending);
  while (sorted.length < wanted) sorted.push(below - 1);
  if (!pairs) return sorted;
  return sorted.flatMap((first, i) => [first, 1 + draw((sorted[i + 1] ?? below) - first)]);
}

/** Fills all memory of a call with random content: guard words, workspaces and arrays. */
export function fillCall(heap: ArrayBufferLike, call: KernelCall, random: () => number): void {
  const floats = new Float32Array(heap);
  for (let i = FIRST / 4; i < call.end / 4; i++) floats[i] = 2 * random() - 1;
  for (const each of call.arrays) fillArray(heap, each, random);
}

/** Calls a kernel of a module. */
export function makeCall(kernels: KernelExports, { name, values }: KernelCall): number | undefined {
  const kernel = kernels[name] as (...values: number[]) => number | undefined;
  return kernel(...values);
}

/** The workspaces that kernels of a module ask for. */
export function roomOn(kernels: KernelExports): RoomFor {
  return (kernel, ...sizes) => {
    const bytes = kernels[kernel] as (...sizes: number[]) => number;
    return bytes(...sizes) >>> 0;
  };
}
