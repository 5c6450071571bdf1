// Running rows through the layers without gradients, in chunks through a bounded workspace.

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

/** What inference works with. */
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

  /** `encode` with a pause after every chunk; other reads may come in between. */
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

  /** Runs codes through the decoder: [rows, width]. */
  decode(code: Rows): OwnFloats {
    const output = new Float32Array(code.count * this.#width);
    this.#parts.staging.codeChunks(code, (plan, first, count) => {
      this.#decodeTo(output, plan, first, count, this.#parts.network.codeEnd);
    });
    return output;
  }

  /** Runs rows through both: [rows, width]. */
  reconstruct(x: Rows): OwnFloats {
    const output = new Float32Array(x.count * this.#width);
    this.#parts.staging.chunks(x, 0, x.count, (plan, first, count) => {
      this.#decodeTo(output, plan, first, count, 0);
    });
    return output;
  }

  /** Mean squared error of each row's reconstruction, over the values that count [rows]. */
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

  /** Squared error of each element's reconstruction [rows, width]; NaN where the element does not count. */
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
   * The mean loss over the elements of rows [first, end) that count, of none 0, and what layers add to it; penalties are
   * left out.
   */
  evaluate(x: Rows, target: Rows | undefined, first = 0, end = x.count): number {
    return finish(this.evaluation(x, target, first, end));
  }

  /** `evaluate` with a pause after every chunk; other reads may come in between. */
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
    // A layer's part is a mean over rows already: values that do not count are no matter there.
    return (known === 0 ? 0 : sum / known) + (end === first ? 0 : own / (end - first));
  }

  /**
   * Runs `rows` rows, which stand at the plan's `x`, through layers [from, to); returns the address of the
   * output.
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

  /** Continues what `run` began, from the output `x` of the layer before `from` to the end. */
  resume({ pass, layers }: InferencePlan, x: Address, from: number): Address {
    let y = x;
    for (let i = from; i < layers.length; i++) y = layers[i]?.forward(pass, y) ?? y;
    return y;
  }

  /** Runs a chunk from layer `from` to the output, in the data's units. */
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

  /** Reconstructs chunk by chunk, in scaled units: `y` beside what it should be, NaN where masked. */
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
