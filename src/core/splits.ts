// How each kernel's work divides among threads: which argument counts it, in units of what, and how
// far the other arguments move from one share to the next. Every kernel gives an element the same bits
// whatever share it is in, as long as shares begin at these units, so results do not depend on how many
// threads there are. Kernels that are not listed stay on the caller's thread: they are cheap.

import type { Activation, LOSS_BLOCK, SUM_BLOCK } from "../../assembly/ops.ts";
import type { KernelExports } from "./generated/exports.ts";

// Types alone are taken from ops.ts, and the compiler checks these against them: what is loaded with the
// threads shares no file with what was loaded before, or that would fall into more files.
const LINEAR: Activation.linear = 0;
const BLOCK: typeof LOSS_BLOCK = 4096;
const BLOCK_OF_SUM: typeof SUM_BLOCK = 32768;

export type KernelName = keyof KernelExports;
type Values = readonly number[];

/** Argument `argument` moves by `step` for every unit counted: bytes of a pointer, elements of a start. */
export interface Move {
  readonly argument: number;
  readonly step: (values: Values) => number;
  /** Whether 0 stands for "none" and stays. */
  readonly isPointer: boolean;
}

export interface Split {
  /** The argument that counts the work. */
  readonly count: number;
  /** Shares begin at multiples of this. */
  readonly unit: number;
  readonly moves: readonly Move[];
  /** What the whole call takes on one thread, in nanoseconds, to a factor of two or so. */
  readonly cost: (values: Values) => number;
  /** Which argument is a workspace that every thread needs for itself. */
  readonly workspace?: number;
}

/** Sixteen floats: a cache line, and whole vectors, in every share but the last. */
const LINE = 16;

const at = (values: Values, argument: number) => values[argument] as number;
const move =
  (step: Move["step"]) =>
  (argument: number): Move => ({ argument, step, isPointer: true });
const byFloats = move(() => 4);

/** A kernel over `count` elements, its pointers to float32. */
function elements(count: number, nanoseconds: number, pointers: number[], start?: number): Split {
  const moves = pointers.map(byFloats);
  if (start !== undefined) moves.push({ argument: start, step: () => 1, isPointer: false });
  return { count, unit: LINE, moves, cost: (values) => at(values, count) * nanoseconds };
}

/** A kernel over rows of `columns` floats: `matrices` move by rows, `vectors` by elements. */
function rows(
  count: number,
  columns: number,
  nanoseconds: number,
  matrices: number[],
  vectors: number[] = [],
): Split {
  return {
    count,
    unit: 1,
    moves: [...matrices.map(move((values) => 4 * at(values, columns))), ...vectors.map(byFloats)],
    cost: (values) => at(values, count) * at(values, columns) * nanoseconds,
  };
}

/** A loss, in whole blocks: a share leaves the very partial sums that the whole would. */
function losses(count: number, pointers: number[], partials: number): Split {
  const split = elements(count, 0.6, pointers);
  const byBlocks = move(() => 8 / BLOCK);
  return { ...split, unit: BLOCK, moves: [...split.moves, byBlocks(partials)] };
}

/** The same, but for calls that leave everything as it is. */
function unless(idle: (values: Values) => boolean, split: Split): Split {
  return { ...split, cost: (values) => (idle(values) ? 0 : split.cost(values)) };
}

export const splits: Partial<Record<KernelName, Split>> = {
  biasActivation: unless(
    (values) => at(values, 0) === LINEAR && at(values, 5) === 0 && at(values, 4) === at(values, 6),
    rows(2, 3, 0.4, [4, 6]),
  ),
  activationGradient: unless(
    (values) => at(values, 0) === LINEAR && at(values, 5) === at(values, 6),
    elements(2, 0.3, [3, 4, 5, 6]),
  ),
  lossGradient: losses(3, [4, 5, 7], 8),
  lossValue: losses(3, [4, 5], 6),
  rowErrors: rows(0, 1, 0.3, [2, 3], [4]),
  squaredErrors: elements(0, 0.2, [1, 2, 3]),
  sgd: elements(0, 0.3, [1, 2, 3]),
  adam: elements(0, 0.5, [1, 2, 3, 4]),
  rmsprop: elements(0, 0.5, [1, 2, 3, 4, 5]),
  adagrad: elements(0, 0.5, [1, 2, 3]),
  addPenaltyGradient: elements(0, 0.2, [1, 2]),
  affineColumns: rows(0, 1, 0.3, [2, 5]),
  gatherRows: rows(0, 1, 0.2, [4], [3]),
  gramGradient: rows(0, 1, 0.3, [2, 5]),
  columnSums: {
    count: 1,
    unit: LINE,
    moves: [2, 5].map(byFloats),
    cost: (values) => at(values, 0) * at(values, 1) * 0.06,
  },
  randomMask: elements(0, 1.5, [1, 2], 3),
  saltPepper: elements(0, 1.5, [1, 2], 3),
  addNormal: elements(0, 4, [1, 2], 3),
  randomUniform: elements(0, 1.5, [1], 2),
  randomNormal: elements(0, 4, [1], 2),
};

/** firstOutside: the shares' answers have to be put together. */
export const search: Split = elements(0, 0.12, [1]);

/** Sums: every block is a share, and the caller adds up what they answer, from first to last. */
function sum(nanoseconds: number, pointers: number[]): Split {
  return { ...elements(0, nanoseconds, pointers), unit: BLOCK_OF_SUM };
}

export const sums = {
  dot: sum(0.3, [1, 2]),
  sumSquares: sum(0.25, [1]),
  sumAbs: sum(0.2, [1]),
};

// Matrix products: values are m, n, k, a, lda, b, ldb, beta, c, ldc, workspace.

/** Multiplications a nanosecond. */
export const MULTIPLY_RATE = 25;
/** Beside the multiplications each of the three matrices has to be read, packed or written. */
function productCost(values: Values): number {
  const [m, n, k] = [at(values, 0), at(values, 1), at(values, 2)];
  return (m * n * k + 4 * (m * n + n * k + m * k)) / MULTIPLY_RATE;
}
const A = 3;
const B = 5;
const C = 8;
/** Operands and C carry their leading dimension behind them. */
const byMatrixRows = (matrix: number) => move((values) => 4 * at(values, matrix + 1))(matrix);

function product(byRows: boolean, operand: Move): Split {
  return {
    count: byRows ? 0 : 1,
    unit: byRows ? 12 : 8, // whole tiles of four and of six rows, panels of eight columns; never a dot's path
    moves: [operand, byRows ? byMatrixRows(C) : byFloats(C)],
    cost: productCost,
    workspace: 10,
  };
}

/** A matrix product's two ways to divide C. */
export const products = {
  gemmNN: { byRows: product(true, byMatrixRows(A)), byColumns: product(false, byFloats(B)) },
  gemmNT: { byRows: product(true, byMatrixRows(A)), byColumns: product(false, byMatrixRows(B)) },
  gemmTN: { byRows: product(true, byFloats(A)), byColumns: product(false, byFloats(B)) },
};
