// The numerics core for programs that need only kernels: matrices in its linear memory, and the kernels over them. Every
// shape is checked. Nothing is copied between calls. A method writes to its output matrix and returns it.

import { boolean, finiteNumber, onlyKeys, record, wholeNumber } from "../checks.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { Build, Core } from "../core/load.ts";
import { lossBlocks } from "../core/partial-sums.ts";
import { DisposedError, InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { type ActivationSpec, activationOp, resolveActivation } from "../layers/activations.ts";
import { type LossSpec, lossFunction, resolveLoss } from "../losses/index.ts";
import {
  createOptimizer,
  type OptimizerConfig,
  type OptimizerSpec,
  resolveOptimizer,
  stateNames,
} from "../optimizers/index.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { disposeKey } from "../platform/dispose.ts";
import type { HostMemory } from "../platform/webassembly.ts";
import { Heap } from "./heap.ts";
import { Matrix } from "./matrix.ts";

/** Options of `gemm`. */
export interface GemmOptions {
  /** Whether to use the transpose of `a`. Default false. */
  transA?: boolean;
  /** Whether to use the transpose of `b`. Default false. */
  transB?: boolean;
  /** The factor on the old `c`: 0 overwrites `c` without reading it, 1 adds to it. Default 0. */
  beta?: number;
}

/** Options of losses. */
export interface LossOptions {
  /** Whether to exclude elements whose target is NaN from the loss and the gradient. Default false. */
  masked?: boolean;
}

/** The numerics core over its own memory: matrices, products, activations, losses, optimizers, randomness. */
export class Kernels {
  readonly #core: Core;
  readonly #heap: Heap;
  readonly #matrices = new Set<Matrix>();
  #live = true;

  /** @internal */
  constructor(core: Core) {
    this.#core = core;
    this.#heap = new Heap(core.memory);
  }

  /** The build of the core. */
  get build(): Build {
    return this.#core.build;
  }

  /** The linear memory of the matrices. */
  get memory(): HostMemory {
    return this.#core.memory;
  }

  /** The kernels of the module, with addresses and without checks. docs/abi.md describes them. */
  get exports(): KernelExports {
    if (this.#live) return this.#core.kernels;
    throw new DisposedError("These kernels were disposed; their memory is gone. Create others.");
  }

  /** The number of bytes of matrices and optimizers that are not freed. */
  get bytesInUse(): number {
    return this.#heap.bytesInUse;
  }

  /** A matrix of zeros, or of `data` in row-major order. */
  matrix(rows: number, columns: number, data?: ArrayLike<number>): Matrix {
    const { fill } = this.exports;
    wholeNumber("rows", rows, 0);
    wholeNumber("columns", columns, 0);
    const length = rows * columns;
    if (data !== undefined && data.length !== length) {
      throw new InvalidValueError(
        `A ${rows} x ${columns} matrix holds ${length} values; data has ${data.length}.`,
      );
    }
    const address = this.#heap.allocate(length * 4);
    const release = (freed: number) => {
      this.#heap.free(freed);
      this.#matrices.delete(matrix);
    };
    const matrix: Matrix = new Matrix(this.memory, release, address, rows, columns);
    this.#matrices.add(matrix);
    if (data) matrix.data.set(data);
    else fill(length, address, 0);
    return matrix;
  }

  /** Runs `work`. Then frees every matrix that was made in it, except the matrix or the array of matrices that it returns. */
  scope<Result>(work: () => Result): Result {
    const before = new Set(this.#matrices);
    let kept: unknown;
    try {
      const result = work();
      kept = result;
      return result;
    } finally {
      const keep = new Set(Array.isArray(kept) ? kept : [kept]);
      for (const matrix of this.#matrices) {
        if (!before.has(matrix) && !keep.has(matrix)) matrix.free();
      }
    }
  }

  /**
   * c = op(a) · op(b) + beta · c, where op is the identity or the transpose, as the options say. [m, k] · [k, n] → [m, n].
   * Without `c` the result is a new matrix.
   */
  gemm(a: Matrix, b: Matrix, c?: Matrix, options?: GemmOptions): Matrix {
    const settings = record("gemm's options", options);
    onlyKeys("gemm", settings, ["transA", "transB", "beta"]);
    const transA = boolean("transA", settings.transA ?? false);
    const transB = boolean("transB", settings.transB ?? false);
    const beta = finiteNumber("beta", settings.beta ?? 0);
    this.#own("a", a);
    this.#own("b", b);
    const [m, k] = transA ? [a.columns, a.rows] : [a.rows, a.columns];
    const [inner, n] = transB ? [b.columns, b.rows] : [b.rows, b.columns];
    if (inner !== k) {
      throw new InvalidValueError(
        `gemm cannot multiply [${m}, ${k}] by [${inner}, ${n}]: a gives ${k} columns, b takes ${inner}.`,
      );
    }
    if (c === undefined && beta !== 0) {
      throw new InvalidValueError(`gemm needs a matrix c to keep ${beta} times of; got none.`);
    }
    const out = c ?? this.matrix(m, n);
    this.#shaped("c", out, m, n);
    if (out === a || out === b) {
      throw new InvalidValueError(
        "gemm reads a and b while it writes c: c must be a third matrix.",
      );
    }
    const { exports } = this;
    const first = transA && transB ? this.#transposed(a) : a;
    const workspace = this.#heap.allocate(exports.gemmWorkspace(m, n, k) >>> 0);
    const kernel = transB ? exports.gemmNT : transA ? exports.gemmTN : exports.gemmNN;
    kernel(
      m,
      n,
      k,
      first.address,
      first.columns,
      b.address,
      b.columns,
      beta,
      out.address,
      n,
      workspace,
    );
    this.#heap.free(workspace);
    if (first !== a) first.free();
    return out;
  }

  /** y = activation(z + bias), with `bias` [1, columns] added to every row of z. y may be z. */
  activation(spec: ActivationSpec, z: Matrix, y: Matrix = z, bias?: Matrix): Matrix {
    const { code, parameter } = activationOp(resolveActivation("activation", spec));
    this.#own("z", z);
    this.#shaped("y", y, z.rows, z.columns);
    if (bias) this.#shaped("bias", bias, 1, z.columns);
    // The kernel stores z + bias back to z for the derivative.
    const at = bias?.address ?? 0;
    this.exports.biasActivation(code, parameter, z.rows, z.columns, z.address, at, y.address);
    return y;
  }

  /** dz = dy ⊙ activation′, where z is the input and y the output of `activation`. dz may be dy. */
  activationGradient(
    spec: ActivationSpec,
    z: Matrix,
    y: Matrix,
    dy: Matrix,
    dz: Matrix = dy,
  ): Matrix {
    const { code, parameter } = activationOp(resolveActivation("activation", spec));
    this.#own("z", z);
    for (const [name, matrix] of Object.entries({ y, dy, dz })) {
      this.#shaped(name, matrix, z.rows, z.columns);
    }
    const { length } = z;
    this.exports.activationGradient(
      code,
      parameter,
      length,
      z.address,
      y.address,
      dy.address,
      dz.address,
    );
    return dz;
  }

  /** The mean loss of y with respect to target. For "bce", y holds logits. */
  loss(spec: LossSpec, y: Matrix, target: Matrix, options?: LossOptions): number {
    return this.#loss(spec, y, target, undefined, options);
  }

  /** The mean loss. Writes its gradient at y to dy. For "bce", y holds logits. dy may be y. */
  lossGradient(
    spec: LossSpec,
    y: Matrix,
    target: Matrix,
    dy: Matrix,
    options?: LossOptions,
  ): number {
    return this.#loss(spec, y, target, dy, options);
  }

  /** An optimizer of one matrix of parameters, with its state. */
  optimizer(spec: OptimizerSpec, parameters: Matrix): MatrixOptimizer {
    const config = resolveOptimizer(spec);
    this.#own("parameters", parameters);
    const state = stateNames(config).map(() => this.matrix(parameters.rows, parameters.columns));
    return new MatrixOptimizer(this, config, parameters, state);
  }

  /** out[j] = Σᵢ a[i, j] + beta · out[j]; out is [1, columns]. The gradient of a bias. */
  columnSums(a: Matrix, out: Matrix = this.matrix(1, a.columns), beta = 0): Matrix {
    this.#own("a", a);
    this.#shaped("out", out, 1, a.columns);
    this.exports.columnSums(a.rows, a.columns, a.address, a.columns, beta, out.address);
    return out;
  }

  /** y += alpha · x. */
  axpy(alpha: number, x: Matrix, y: Matrix): Matrix {
    this.#own("x", x);
    this.#shaped("y", y, x.rows, x.columns);
    this.exports.axpy(x.length, finiteNumber("alpha", alpha), x.address, y.address);
    return y;
  }

  /** Multiplies every element by alpha. */
  scale(alpha: number, x: Matrix): Matrix {
    this.#own("x", x);
    this.exports.scale(x.length, x.address, finiteNumber("alpha", alpha));
    return x;
  }

  /** Σ x ⊙ y, summed in float64. */
  dot(x: Matrix, y: Matrix): number {
    this.#own("x", x);
    this.#shaped("y", y, x.rows, x.columns);
    return this.exports.dot(x.length, x.address, y.address);
  }

  /** Frees every matrix. Any later call throws a DisposedError. */
  dispose(): void {
    for (const matrix of this.#matrices) matrix.free();
    this.#live = false;
    this.#core.dispose();
  }

  [disposeKey](): void {
    this.dispose();
  }

  #loss(
    spec: LossSpec,
    y: Matrix,
    target: Matrix,
    dy: Matrix | undefined,
    options: LossOptions | undefined,
  ): number {
    const loss = lossFunction(resolveLoss(spec));
    const settings = record("loss options", options);
    onlyKeys("loss", settings, ["masked"]);
    const masked = Number(boolean("masked", settings.masked ?? false));
    const { exports } = this;
    this.#own("y", y);
    this.#shaped("target", target, y.rows, y.columns);
    if (dy) this.#shaped("dy", dy, y.rows, y.columns);
    const missing = masked ? exports.countNaN(target.length, target.address) >>> 0 : 0;
    const counted = Math.max(1, y.length - missing);
    const partials = this.#heap.allocate(lossBlocks(y.length) * 8);
    const input = {
      rows: y.rows,
      width: y.columns,
      masked,
      y: y.address,
      target: target.address,
      partials,
    };
    const sum = dy
      ? loss.gradient(exports, input, 1 / counted, dy.address)
      : loss.sum(exports, input);
    this.#heap.free(partials);
    return sum / counted;
  }

  #transposed(a: Matrix): Matrix {
    const out = this.matrix(a.columns, a.rows);
    this.exports.transpose(a.rows, a.columns, a.address, a.columns, out.address, a.rows);
    return out;
  }

  #own(name: string, matrix: Matrix): void {
    this.exports; // throws after dispose()
    if (!(matrix instanceof Matrix)) {
      throw new InvalidTypeError(
        `${name} must be a matrix of these kernels, made by matrix(rows, columns); got ${show(matrix)}.`,
      );
    }
    if (this.#matrices.has(matrix)) return;
    throw new DisposedError(
      `${name}, a ${matrix.rows} x ${matrix.columns} matrix, was freed or belongs to other kernels.`,
    );
  }

  #shaped(name: string, matrix: Matrix, rows: number, columns: number): void {
    this.#own(name, matrix);
    if (matrix.rows === rows && matrix.columns === columns) return;
    throw new InvalidValueError(
      `${name} must be ${rows} x ${columns}; it is ${matrix.rows} x ${matrix.columns}.`,
    );
  }
}

/** An optimizer of a matrix. `Kernels.optimizer` creates it. */
export class MatrixOptimizer {
  /** The options, with every default filled in. */
  readonly config: OptimizerConfig;
  /** The learning rate of the next step. It may be set at any time. */
  learningRate: number;
  /** The number of steps taken. */
  stepCount = 0;
  readonly #update: Optimizer;
  readonly #parameters: Matrix;
  readonly #state: readonly Matrix[];

  /** @internal */
  constructor(
    kernels: Kernels,
    config: OptimizerConfig,
    parameters: Matrix,
    state: readonly Matrix[],
  ) {
    this.#update = createOptimizer(kernels.exports, config);
    this.config = config;
    this.learningRate = config.learningRate;
    this.#parameters = parameters;
    this.#state = state;
  }

  /** Takes one step. `gradients` must have the shape of the parameters. */
  step(gradients: Matrix): void {
    const { rows, columns, length, data } = this.#parameters;
    if (
      gradients.rows !== rows ||
      gradients.columns !== columns ||
      gradients.data.length !== data.length
    ) {
      throw new InvalidValueError(
        `The gradients must be ${rows} x ${columns}; they are ${gradients.rows} x ${gradients.columns}.`,
      );
    }
    const blocks = {
      count: length,
      parameters: this.#parameters.address,
      gradients: gradients.address,
      state: this.#state.map((each) => each.address),
    };
    this.stepCount += 1;
    const step = { learningRate: this.learningRate, number: this.stepCount, scale: 1 };
    this.#update(blocks, step);
  }

  /** Frees the state. The parameters are not freed. */
  free(): void {
    for (const each of this.#state) each.free();
  }

  [disposeKey](): void {
    this.free();
  }
}
