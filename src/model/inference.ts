// Inference: runs rows through the layers without gradients, in chunks, so that the workspace is bounded.

import type { OwnFloats } from "../arrays.ts";
import type { Arena } from "../core/arena.ts";
import type { KernelExports } from "../core/generated/exports.ts";
import type { Rows } from "../data/rows.ts";
import type { Address } from "../layers/layer.ts";
import type { LossFunction } from "../losses/loss.ts";
import { finish, type Paused } from "../platform/turns.ts";
import type { Network } from "./network.ts";
import type { Preparation } from "./preparation.ts";
import type { Staging } from "./staging.ts";
import type { InferencePlan, Workspace } from "./workspace.ts";

/** The parts of a model that inference uses. */
export interface InferenceParts {
  readonly kernels: KernelExports;
  readonly arena: Arena;
  readonly network: Network;
  readonly preparation: Preparation;
  readonly workspace: Workspace;
  readonly staging: Staging;
  readonly loss: LossFunction;
}

export class Inference {
  readonly #parts: InferenceParts;
  readonly #width: number;
  readonly #codeUnits: number;
  readonly #masks: boolean;

  constructor(parts: InferenceParts, codeUnits: number) {
    this.#parts = parts;
    this.#width = parts.workspace.width;
    this.#codeUnits = codeUnits;
    this.#masks = parts.preparation.missing === "mask";
  }

  /** Runs rows through the encoder and returns their codes [rows, code units]. */
  encode(x: Rows): OwnFloats {
    return finish(this.encoding(x));
  }

  /** `encode` with a pause after every chunk. Other calls that only read the model may run in a pause. */
  *encoding(x: Rows): Paused<OwnFloats> {
    const { staging, arena, network, workspace, preparation } = this.#parts;
    preparation.requireFitted();
    const units = this.#codeUnits;
    const output = new Float32Array(x.count * units);
    const chunk = workspace.chunkRows(x.count);
    for (let from = 0; from < x.count; from += chunk) {
      staging.chunks(x, from, Math.min(from + chunk, x.count), (plan, first, count) => {
        const code = this.run(plan, count, 0, network.codeEnd);
        output.set(arena.view(code, count * units), first * units);
      });
      yield;
    }
    return output;
  }

  /** Runs codes through the decoder and returns the reconstructions [rows, width]. */
  decode(code: Rows): OwnFloats {
    const output = new Float32Array(code.count * this.#width);
    this.#parts.staging.codeChunks(code, (plan, first, count) => {
      this.#decodeTo(output, plan, first, count, this.#parts.network.codeEnd);
    });
    return output;
  }

  /** Runs rows through encoder and decoder and returns the reconstructions [rows, width]. */
  reconstruct(x: Rows): OwnFloats {
    const output = new Float32Array(x.count * this.#width);
    this.#parts.staging.chunks(x, 0, x.count, (plan, first, count) => {
      this.#decodeTo(output, plan, first, count, 0);
    });
    return output;
  }

  /** The mean squared error of each row's reconstruction, over its known values [rows]. */
  rowErrors(x: Rows): OwnFloats {
    const { kernels, arena, preparation } = this.#parts;
    const width = this.#width;
    const output = new Float32Array(x.count);
    this.#errors(x, (plan, first, count, y, target) => {
      const missing = preparation.hideMissing(count, y, target);
      const errors = plan.outputs[y === plan.outputs[0] ? 1 : 0];
      kernels.rowErrors(count, width, y, target, errors);
      output.set(arena.view(errors, count), first);
      missing?.forEach((n, row) => {
        output[first + row] = ((output[first + row] ?? 0) * width) / (width - n);
      });
    });
    return output;
  }

  /** The squared error of each element's reconstruction [rows, width]. NaN where the element is missing. */
  squaredErrors(x: Rows): OwnFloats {
    const { kernels, arena } = this.#parts;
    const width = this.#width;
    const output = new Float32Array(x.count * width);
    this.#errors(x, (_, first, count, y, target) => {
      kernels.squaredErrors(count * width, y, target, y);
      output.set(arena.view(y, count * width), first * width);
    });
    return output;
  }

  /**
   * The mean loss over the known elements of rows [first, end), plus the terms that layers add. 0 if there are no known
   * elements. Penalties are not included.
   */
  evaluate(x: Rows, target: Rows | undefined, first = 0, end = x.count): number {
    return finish(this.evaluation(x, target, first, end));
  }

  /** `evaluate` with a pause after every chunk. Other calls that only read the model may run in a pause. */
  *evaluation(x: Rows, target: Rows | undefined, first: number, end: number): Paused<number> {
    const { staging, preparation, workspace, kernels, loss } = this.#parts;
    const width = this.#width;
    const masked = this.#masks ? 1 : 0;
    const goal = target ?? (this.#masks ? x : undefined);
    const chunk = workspace.chunkRows(end - first);
    let sum = 0;
    let known = 0;
    let own = 0;
    for (let from = first; from < end; from += chunk) {
      staging.chunks(x, from, Math.min(from + chunk, end), (plan, row, count) => {
        if (goal) staging.target(goal, row, count, plan.target);
        const address = goal ? plan.target : plan.x;
        staging.requireTargets(goal ?? x, row, count, address);
        known += preparation.known(count * width, address);
        const y = this.run(plan, count, 0, plan.layers.length, loss.readsLogits, true);
        const { partials } = plan;
        const input = { rows: count, width, masked, y, target: address, partials };
        sum += loss.sum(kernels, input);
        for (const layer of plan.layers) {
          own += (layer.ownLoss?.(plan.pass, y, address) ?? 0) * count;
        }
      });
      yield;
    }
    // A layer's own term is a mean over rows, so missing values do not affect it.
    return (known === 0 ? 0 : sum / known) + (end === first ? 0 : own / (end - first));
  }

  /**
   * Runs `rows` rows at the plan's `x` through layers [from, to). Returns the address of the output.
   */
  run(
    plan: InferencePlan,
    rows: number,
    from: number,
    to: number,
    logits = false,
    wantsLoss = false,
  ): Address {
    const { pass, layers } = plan;
    pass.rows = rows;
    pass.logits = logits;
    pass.fromCode = from > 0;
    pass.wantsLoss = wantsLoss;
    let y = plan.x;
    for (let i = from; i < to; i++) y = layers[i]?.forward(pass, y) ?? y;
    return y;
  }

  /** Continues a call of `run`: runs the output `x` of layer `from` - 1 through layers [from, end). */
  resume({ pass, layers }: InferencePlan, x: Address, from: number): Address {
    let y = x;
    for (let i = from; i < layers.length; i++) y = layers[i]?.forward(pass, y) ?? y;
    return y;
  }

  /** Runs a chunk from layer `from` to the output, in the units of the data. */
  #decodeTo(
    output: Float32Array,
    plan: InferencePlan,
    first: number,
    count: number,
    from: number,
  ): void {
    const { preparation, arena } = this.#parts;
    const y = this.run(plan, count, from, plan.layers.length);
    preparation.unscale(count, y);
    output.set(arena.view(y, count * this.#width), first * this.#width);
  }

  /** Reconstructs chunk by chunk. `y` and `target` are in scaled units; `target` is NaN where a value is missing. */
  #errors(
    x: Rows,
    visit: (plan: InferencePlan, first: number, count: number, y: Address, target: Address) => void,
  ): void {
    const { staging } = this.#parts;
    staging.chunks(x, 0, x.count, (plan, first, count) => {
      const y = this.run(plan, count, 0, plan.layers.length);
      if (this.#masks) staging.target(x, first, count, plan.target);
      visit(plan, first, count, y, this.#masks ? plan.target : plan.x);
    });
  }
}
