// Every kernel of the core in one table: the arrays that it takes, what it does to them, how long it takes and
// how threads may share a call. Threads, their error reports and the tests of the kernels read this table. The
// names and types of the parameters come from the compiler, so a kernel without a row is a type error.
//
// To add a kernel: export it in assembly/index.ts, run `npm run build:wasm`, and add a row here.
//   1. `arrays`: each pointer, as reads(shape), writes(shape), or updates(shape) where the result depends on the
//      old content.
//   2. `share`: the parameter that counts independent work, and the multiple at which shares may begin.
//   3. `time`: nanoseconds on one thread, to a factor of two. A call of less than about 12,000 is never shared.
//   4. Leave out 2 and 3 for a kernel that is always cheap, or whose parts depend on each other.
//   5. test/core/kernel-table.test.ts and test/threads/kernels.test.ts test the row with random calls.

import { Activation, LOSS_BLOCK, SUM_BLOCK } from "../../assembly/ops.ts";
import type { KernelExports, signatures } from "./generated/exports.ts";

export type KernelName = keyof KernelExports;

type Signatures = typeof signatures;
/** Names of the parameters of a kernel. */
export type ParameterOf<Name extends KernelName> = keyof Signatures[Name] & string;
/** Names of its parameters that are addresses or numbers of elements. */
type SizeOf<Name extends KernelName> = {
  [P in ParameterOf<Name>]: Signatures[Name][P] extends "usize" ? P : never;
}[ParameterOf<Name>];

/**
 * A dimension of an array: a parameter, a parameter plus one, or a number that is not a parameter. The name of
 * such a number starts with an asterisk, and it is the same in all arrays of a call.
 */
type Dimension<P extends string> = P | `${P} + 1` | `*${string}`;

/** What a kernel does to an array. See `reads`, `writes`, `updates` and `workspace` below. */
export type Use = "reads" | "writes" | "updates" | "workspace";

/** An array that a kernel takes by its address. */
export interface KernelArray<P extends string = string> {
  readonly use: Use;
  /** Its dimensions, rows first. */
  readonly shape: readonly (P | number)[];
  /** The type of its elements. Default f32. */
  readonly type?: "f32" | "u32" | "f64";
  /** The parameter that holds the distance between rows in elements. Default: rows are contiguous. */
  readonly stride?: P;
  /** The array has one element per block of this many elements of its shape. The last block may be shorter. */
  readonly block?: number;
  /** Its elements are less than the product of these dimensions: they are indices of rows, columns or elements. */
  readonly below?: readonly P[];
  /**
   * How its elements are ordered. `starts`: ascending indices into the lists of kept elements. `distinct`: strictly
   * ascending. `blocks`: pairs of first column and width, ascending, without overlap, less than `below`.
   */
  readonly order?: "starts" | "distinct" | "blocks";
  /** Whether the address may be 0, which means that there is no array, for any values of the other parameters. */
  readonly optional?: boolean;
  /** For a workspace: the kernel that returns its size in bytes. It takes the shape, the first size times `factor`. */
  readonly bytes?: "gemmWorkspace" | "topKWorkspace";
  readonly factor?: number;
}

/** A term of a time: nanoseconds times the product of these parameters. */
export interface Term<P extends string = string> {
  readonly nanoseconds: number;
  readonly of: readonly P[];
}

/** A row of the table. */
export interface Kernel<Size extends string = string, P extends string = string> {
  readonly arrays: { readonly [Q in Size]?: KernelArray<Dimension<Size>> };
  /** The time of a whole call on one thread: the sum of these terms. */
  readonly time?: readonly Term<Size>[];
  /** Sizes that are not a dimension of an array. */
  readonly numbers?: readonly Size[];
  /** Parameters that must not exceed others. */
  readonly atMost?: { readonly [Q in Size]?: Size };
  /**
   * The parameters by which a call may be divided into shares, and the multiples at which shares begin. Every element
   * gets the same bits in any share. Of several parameters the largest one is divided. If they are equal, it is the
   * last one.
   */
  readonly share?: { readonly [Q in Size]?: number };
  /** The parameter that is the number of the first element. Each share gets the number of its own first element. */
  readonly start?: Size;
  /** The call does nothing when each of these parameters equals the number or the other parameter. */
  readonly idle?: { readonly [Q in P]?: number | P };
  /**
   * How the results of the shares give the result of the call. `sum`: they are added from first to last; a share is
   * one block. `first`: the first element found, counted from the start of the call.
   */
  readonly answer?: "sum" | "first";
  /**
   * For a symmetric product: the kernel of the general product. Threads divide C into bands of rows. Each band is a
   * square on the diagonal and the part to the left of it.
   */
  readonly symmetric?: "gemmNT" | "gemmTN";
}

type Table = { readonly [Name in KernelName]: Kernel<SizeOf<Name>, ParameterOf<Name>> };
type Shape<P extends string> = readonly (P | number)[];
type Details<P extends string> = Omit<KernelArray<P>, "use" | "shape">;

/** An array that the kernel only reads. */
function reads<P extends string>(shape: Shape<P>, details?: Details<P>): KernelArray<P> {
  return { use: "reads", shape, ...details };
}

/** An array that the kernel writes. The result does not depend on the old content. */
function writes<P extends string>(shape: Shape<P>, details?: Details<P>): KernelArray<P> {
  return { use: "writes", shape, ...details };
}

/** An array whose new content depends on the old one. So a call that was interrupted cannot be repeated. */
function updates<P extends string>(shape: Shape<P>, details?: Details<P>): KernelArray<P> {
  return { use: "updates", shape, ...details };
}

/** A workspace. Its content before and after the call does not matter. */
function workspace<P extends string>(
  bytes: NonNullable<KernelArray["bytes"]>,
  shape: readonly P[],
  factor = 1,
): KernelArray<P> {
  return { use: "workspace", shape, bytes, factor };
}

function per<P extends string>(nanoseconds: number, ...of: readonly P[]): Term<P> {
  return { nanoseconds, of };
}

/** Sixteen floats: a cache line, and whole vectors, in every share except the last. */
const LINE = 16;

/** 25 multiplications per nanosecond, plus reading, packing or writing each of the three matrices. */
const productTime = [
  per(0.04, "m", "n", "k"),
  per(0.16, "m", "n"),
  per(0.16, "n", "k"),
  per(0.16, "m", "k"),
] as const;
/** Whole tiles of four or six rows, and panels of eight columns. So a share never takes the path for few rows or columns. */
const productShare = { m: 12, n: 8 } as const;

const lossArrays = {
  y: reads(["count"]),
  target: reads(["count"]),
  partials: writes(["count"], { type: "f64", block: LOSS_BLOCK }),
} as const;

/** A sparse matrix of `units` columns as lists of the elements that each row keeps. See assembly/sparse.ts. */
const keptByRows = {
  starts: reads(["rows + 1"], { type: "u32", order: "starts" }),
  indices: reads(["*kept"], { type: "u32", below: ["*units"] }),
} as const;
/** The same lists by units, as invertLists builds them. */
const keptByUnits = {
  unitStarts: reads(["units + 1"], { type: "u32", order: "starts" }),
  entries: reads(["*kept"], { type: "u32", below: ["*kept"] }),
} as const;

/** Rows of numbers and categories: see assembly/mixed.ts. */
const blocks = reads(["count", 2], { type: "u32", order: "blocks", below: ["cols"] });

export const kernelTable = {
  abi: { arrays: {} },

  // Activations

  activationGradient: {
    arrays: {
      z: reads(["count"]),
      y: reads(["count"]),
      dy: reads(["count"]),
      dz: writes(["count"]),
    },
    time: [per(0.3, "count")],
    share: { count: LINE },
    idle: { op: Activation.linear, dz: "dy" },
  },
  biasActivation: {
    arrays: {
      z: updates(["rows", "cols"]),
      bias: reads(["cols"], { optional: true }),
      y: writes(["rows", "cols"]),
    },
    time: [per(0.4, "rows", "cols")],
    share: { rows: 1 },
    idle: { op: Activation.linear, bias: 0, z: "y" },
  },

  // Matrix products

  gemmNN: {
    arrays: {
      a: reads(["m", "k"], { stride: "lda" }),
      b: reads(["k", "n"], { stride: "ldb" }),
      c: updates(["m", "n"], { stride: "ldc" }),
      workspace: workspace("gemmWorkspace", ["m", "n", "k"]),
    },
    time: productTime,
    share: productShare,
  },
  gemmNT: {
    arrays: {
      a: reads(["m", "k"], { stride: "lda" }),
      b: reads(["n", "k"], { stride: "ldb" }),
      c: updates(["m", "n"], { stride: "ldc" }),
      workspace: workspace("gemmWorkspace", ["m", "n", "k"]),
    },
    time: productTime,
    share: productShare,
  },
  gemmTN: {
    arrays: {
      a: reads(["k", "m"], { stride: "lda" }),
      b: reads(["k", "n"], { stride: "ldb" }),
      c: updates(["m", "n"], { stride: "ldc" }),
      workspace: workspace("gemmWorkspace", ["m", "n", "k"]),
    },
    time: productTime,
    share: productShare,
  },
  gemmWorkspace: { arrays: {}, numbers: ["m", "n", "k"] },
  gramNT: {
    arrays: {
      a: reads(["n", "k"], { stride: "lda" }),
      c: writes(["n", "n"], { stride: "ldc" }),
      workspace: workspace("gemmWorkspace", ["n", "n", "k"]),
    },
    time: [per(0.02, "n", "n", "k")],
    symmetric: "gemmNT",
  },
  gramTN: {
    arrays: {
      a: reads(["k", "n"], { stride: "lda" }),
      c: writes(["n", "n"], { stride: "ldc" }),
      workspace: workspace("gemmWorkspace", ["n", "n", "k"]),
    },
    time: [per(0.02, "n", "n", "k")],
    symmetric: "gemmTN",
  },
  transpose: {
    arrays: {
      a: reads(["rows", "cols"], { stride: "lda" }),
      b: writes(["cols", "rows"], { stride: "ldb" }),
    },
    time: [per(0.4, "rows", "cols")],
    share: { cols: 8 },
  },

  // Losses

  gramGradient: {
    arrays: {
      z: reads(["rows", "cols"]),
      shift: reads(["cols"]),
      d: updates(["rows", "cols"]),
    },
    time: [per(0.3, "rows", "cols")],
    share: { rows: 1 },
  },
  lossGradient: {
    arrays: { ...lossArrays, dy: writes(["count"], { optional: true }) },
    time: [per(0.6, "count")],
    share: { count: LOSS_BLOCK },
  },
  lossValue: {
    arrays: lossArrays,
    time: [per(0.6, "count")],
    share: { count: LOSS_BLOCK },
  },
  rowErrors: {
    arrays: {
      y: reads(["rows", "cols"]),
      x: reads(["rows", "cols"]),
      out: writes(["rows"]),
    },
    time: [per(0.3, "rows", "cols")],
    share: { rows: 1 },
  },
  squaredErrors: {
    arrays: { y: reads(["count"]), x: reads(["count"]), out: writes(["count"]) },
    time: [per(0.2, "count")],
    share: { count: LINE },
  },
  sumF64: { arrays: { p: reads(["count"], { type: "f64" }) } },

  // Optimizers

  adagrad: {
    arrays: { p: updates(["count"]), g: reads(["count"]), s: updates(["count"]) },
    time: [per(0.5, "count")],
    share: { count: LINE },
  },
  adam: {
    arrays: {
      p: updates(["count"]),
      g: reads(["count"]),
      mt: updates(["count"]),
      vt: updates(["count"]),
    },
    time: [per(0.7, "count")],
    share: { count: LINE },
  },
  rmsprop: {
    arrays: {
      p: updates(["count"]),
      g: reads(["count"]),
      v: updates(["count"]),
      avg: updates(["count"]),
      buf: updates(["count"]),
    },
    time: [per(0.7, "count")],
    share: { count: LINE },
  },
  sgd: {
    arrays: {
      p: updates(["count"]),
      g: reads(["count"]),
      buf: updates(["count"]),
    },
    time: [per(0.3, "count")],
    share: { count: LINE },
  },

  // Random numbers

  addNormal: {
    arrays: { x: reads(["count"]), out: writes(["count"]) },
    time: [per(4, "count")],
    share: { count: LINE },
    start: "start",
  },
  permutation: { arrays: { out: writes(["count"], { type: "u32" }) } },
  randomBits: { arrays: { out: writes(["count"], { type: "u32" }) }, start: "start" },
  randomMask: {
    arrays: { x: reads(["count"]), out: writes(["count"]) },
    time: [per(1.5, "count")],
    share: { count: LINE },
    start: "start",
  },
  randomNormal: {
    arrays: { out: writes(["count"]) },
    time: [per(4, "count")],
    share: { count: LINE },
    start: "start",
  },
  randomUniform: {
    arrays: { out: writes(["count"]) },
    time: [per(1.5, "count")],
    share: { count: LINE },
    start: "start",
  },
  saltPepper: {
    arrays: { x: reads(["count"]), out: writes(["count"]) },
    time: [per(1.5, "count")],
    share: { count: LINE },
    start: "start",
  },

  // Vectors

  addPenaltyGradient: {
    arrays: { w: reads(["count"]), g: updates(["count"]) },
    time: [per(0.2, "count")],
    share: { count: LINE },
  },
  affineColumns: {
    arrays: {
      x: reads(["rows", "cols"]),
      mul: reads(["cols"]),
      add: reads(["cols"]),
      y: writes(["rows", "cols"]),
    },
    time: [per(0.3, "rows", "cols")],
    share: { rows: 1 },
  },
  scaleColumns: {
    arrays: {
      x: reads(["rows", "cols"], { type: "f64" }),
      centers: reads(["cols"], { type: "f64" }),
      scales: reads(["cols"], { type: "f64" }),
      y: writes(["rows", "cols"]),
    },
    time: [per(1, "rows", "cols")],
    share: { rows: 1 },
  },
  unscaleColumns: {
    arrays: {
      y: updates(["rows", "cols"]),
      scales: reads(["cols"], { type: "f64" }),
      centers: reads(["cols"], { type: "f64" }),
    },
    time: [per(0.6, "rows", "cols")],
    share: { rows: 1 },
  },
  axpy: { arrays: { x: reads(["count"]), y: updates(["count"]) } },
  columnSums: {
    arrays: {
      a: reads(["rows", "cols"], { stride: "lda" }),
      out: updates(["cols"]),
    },
    time: [per(0.12, "rows", "cols")],
    share: { cols: LINE },
  },
  countNaN: { arrays: { p: reads(["count"]) } },
  dot: {
    arrays: { x: reads(["count"]), y: reads(["count"]) },
    time: [per(0.3, "count")],
    share: { count: SUM_BLOCK },
    answer: "sum",
  },
  fill: { arrays: { p: writes(["count"]) } },
  firstOutside: {
    arrays: { p: reads(["count"]) },
    time: [per(0.12, "count")],
    share: { count: LINE },
    answer: "first",
  },
  gatherRows: {
    arrays: {
      source: reads(["*rows", "cols"]),
      index: reads(["rows"], { type: "u32", below: ["*rows"] }),
      out: writes(["rows", "cols"]),
    },
    time: [per(0.2, "rows", "cols")],
    share: { rows: 1 },
  },
  scale: { arrays: { p: updates(["count"]) } },
  sumAbs: {
    arrays: { p: reads(["count"]) },
    time: [per(0.2, "count")],
    share: { count: SUM_BLOCK },
    answer: "sum",
  },
  sumSquares: {
    arrays: { p: reads(["count"]) },
    time: [per(0.25, "count")],
    share: { count: SUM_BLOCK },
    answer: "sum",
  },

  // Selections. Times are for lists of 32 elements a row.

  topK: {
    arrays: {
      h: reads(["rows", "units"]),
      out: writes(["rows", "units"], { optional: true }),
      indices: writes(["rows", "k"], { type: "u32" }),
      values: writes(["rows", "k"]),
      workspace: workspace("topKWorkspace", ["units"]),
    },
    atMost: { k: "units" },
    time: [per(0.9, "rows", "units")],
    share: { rows: 1 },
  },
  topKAmong: {
    arrays: {
      h: reads(["rows", "units"]),
      among: reads(["count"], { type: "u32", below: ["units"], order: "distinct" }),
      indices: writes(["rows", "k"], { type: "u32" }),
      values: writes(["rows", "k"]),
      workspace: workspace("topKWorkspace", ["count"], 2),
    },
    atMost: { count: "units", k: "count" },
    time: [per(1.5, "rows", "count")],
    share: { rows: 1 },
  },
  topKWorkspace: { arrays: {}, numbers: ["units"] },
  rowStarts: {
    arrays: {
      indices: updates(["count"], { type: "u32", below: ["rows", "units"], order: "distinct" }),
      starts: writes(["rows + 1"], { type: "u32" }),
    },
  },
  smallestPositive: { arrays: { values: reads(["count"]) } },
  keepAbove: {
    arrays: {
      h: reads(["rows", "units"]),
      out: writes(["rows", "units"], { optional: true }),
      starts: writes(["rows + 1"], { type: "u32" }),
      indices: writes(["capacity"], { type: "u32" }),
      values: writes(["capacity"]),
    },
  },

  // Sparse products

  sparseNN: {
    arrays: {
      ...keptByRows,
      values: reads(["*kept"]),
      w: reads(["*units", "cols"], { stride: "ldw" }),
      y: updates(["rows", "cols"], { stride: "ldy" }),
    },
    time: [per(5, "rows", "cols")],
    share: { rows: 1 },
  },
  sampledNT: {
    arrays: {
      ...keptByRows,
      a: reads(["rows", "cols"], { stride: "lda" }),
      w: reads(["*units", "cols"], { stride: "ldw" }),
      out: writes(["*kept"]),
    },
    time: [per(5, "rows", "cols")],
    share: { rows: 1 },
  },
  invertLists: {
    arrays: {
      starts: reads(["rows + 1"], { type: "u32", order: "starts" }),
      indices: reads(["*kept"], { type: "u32", below: ["units"] }),
      unitStarts: writes(["units + 1"], { type: "u32" }),
      entryRows: writes(["*kept"], { type: "u32" }),
      entries: writes(["*kept"], { type: "u32" }),
    },
  },
  sparseTN: {
    arrays: {
      ...keptByUnits,
      entryRows: reads(["*kept"], { type: "u32", below: ["*rows"] }),
      values: reads(["*kept"]),
      y: reads(["*rows", "cols"], { stride: "ldy" }),
      moreValues: reads(["*kept"], { optional: true }),
      x: reads(["*rows", "cols"], { stride: "ldx" }),
      dw: updates(["units", "cols"], { stride: "ldw" }),
    },
    time: [per(0.35, "units", "cols")],
    share: { units: 1 },
  },
  sparseColumnSums: {
    arrays: { ...keptByUnits, values: reads(["*kept"]), out: updates(["units"]) },
  },
  sparseGather: {
    arrays: {
      ...keptByRows,
      a: reads(["rows", "*units"], { stride: "lda" }),
      out: writes(["*kept"]),
    },
  },
  sparseScatter: {
    arrays: {
      starts: reads(["rows + 1"], { type: "u32", order: "starts" }),
      indices: reads(["*kept"], { type: "u32", below: ["units"] }),
      values: reads(["*kept"]),
      out: writes(["rows", "units"]),
    },
    time: [per(0.07, "rows", "units")],
    share: { rows: 1 },
  },
  countIdle: {
    arrays: {
      indices: reads(["count"], { type: "u32", below: ["units"] }),
      values: reads(["count"]),
      idle: updates(["units"], { type: "u32" }),
    },
  },
  listIdle: {
    arrays: {
      idle: reads(["units"], { type: "u32" }),
      out: writes(["units"], { type: "u32" }),
    },
  },

  // Gaussian codes

  gaussianSample: {
    arrays: {
      mu: reads(["count"]),
      logVariance: reads(["count"]),
      eps: reads(["count"]),
      z: writes(["count"]),
    },
    time: [per(2, "count")],
    share: { count: LINE },
  },
  gaussianKl: {
    arrays: {
      mu: reads(["count"]),
      logVariance: reads(["count"]),
      partials: writes(["count"], { type: "f64", block: LOSS_BLOCK }),
    },
    time: [per(2.4, "count")],
    share: { count: LOSS_BLOCK },
  },
  gaussianGradient: {
    arrays: {
      mu: reads(["count"]),
      logVariance: reads(["count"]),
      eps: reads(["count"]),
      dz: reads(["count"]),
      dMu: writes(["count"]),
      dLogVariance: writes(["count"]),
    },
    time: [per(3.5, "count")],
    share: { count: LINE },
  },

  // Penalties and constraints

  klSparsity: {
    arrays: { sums: reads(["units"]), out: writes(["units"]) },
    numbers: ["rows"],
  },
  contraction: {
    arrays: {
      z: reads(["rows", "cols"]),
      y: reads(["rows", "cols"]),
      norms: reads(["cols"]),
      dz: updates(["rows", "cols"]),
      squares: writes(["rows", "cols"]),
    },
    time: [per(1, "rows", "cols")],
    share: { rows: 1 },
  },
  leastDistances: {
    arrays: {
      products: reads(["rows", "cols"], { stride: "ldp" }),
      squares: reads(["cols"], { type: "f64" }),
      out: writes(["rows"], { type: "f64" }),
    },
    time: [per(0.4, "rows", "cols")],
    share: { rows: 1 },
  },
  rowSquares: {
    arrays: { a: reads(["rows", "cols"], { stride: "lda" }), out: writes(["rows"]) },
    time: [per(0.2, "rows", "cols")],
    share: { rows: 1 },
  },
  addScaledRows: {
    arrays: {
      factors: reads(["rows"]),
      x: reads(["rows", "cols"], { stride: "ldx" }),
      y: updates(["rows", "cols"], { stride: "ldy" }),
    },
    time: [per(0.25, "rows", "cols")],
    share: { rows: 1 },
  },
  subtractIdentity: { arrays: { a: updates(["n", "n"], { stride: "lda" }) } },
  setRowNorms: {
    arrays: { w: updates(["rows", "cols"], { stride: "ldw" }) },
    time: [per(0.35, "rows", "cols")],
    share: { rows: 1 },
  },
  projectRows: {
    arrays: {
      w: reads(["rows", "cols"], { stride: "ldw" }),
      g: updates(["rows", "cols"], { stride: "ldg" }),
    },
    time: [per(0.6, "rows", "cols")],
    share: { rows: 1 },
  },
  clamp: {
    arrays: { x: reads(["count"]), out: writes(["count"]) },
    time: [per(0.2, "count")],
    share: { count: LINE },
  },

  // Numbers and categories

  softmaxBlocks: {
    arrays: { blocks, z: reads(["rows", "cols"]), y: writes(["rows", "cols"]) },
    atMost: { count: "cols" },
    time: [per(1.6, "rows", "cols")],
    share: { rows: 1 },
  },
  mixedGradient: {
    arrays: {
      blocks,
      weights: reads(["cols"]),
      y: reads(["rows", "cols"]),
      target: reads(["rows", "cols"]),
      dy: writes(["rows", "cols"], { optional: true }),
      partials: writes(["rows"], { type: "f64" }),
    },
    atMost: { count: "cols" },
    time: [per(3, "rows", "cols")],
    share: { rows: 1 },
  },
  mixedKnown: {
    arrays: {
      blocks,
      weights: reads(["cols"]),
      target: reads(["rows", "cols"]),
      partials: writes(["rows"], { type: "f64" }),
    },
    atMost: { count: "cols" },
    time: [per(1, "rows", "cols")],
    share: { rows: 1 },
  },
  // A row of `out` has at most `cols` elements. The exact number depends on `blocks`.
  mixedErrors: {
    arrays: {
      blocks,
      y: reads(["rows", "cols"]),
      target: reads(["rows", "cols"]),
      out: writes(["rows", "cols"]),
    },
    atMost: { count: "cols" },
  },
} satisfies Table;

/** The names of all kernels. */
export const kernelNames = Object.keys(kernelTable) as KernelName[];
