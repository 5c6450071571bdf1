// Data that was sent to the worker once and is used by name from then on.

import { InvalidStateError, InvalidValueError } from "../errors.ts";

/** A matrix that stays in the worker of the model whose `send` returned it. */
export class SentData {
  readonly #owner: object;
  readonly #number: number;
  readonly #release: (number: number) => Promise<void>;
  #released = false;

  /** @internal */
  constructor(owner: object, number: number, release: (number: number) => Promise<void>) {
    this.#owner = owner;
    this.#number = number;
    this.#release = release;
  }

  /** @internal */
  numberFor(owner: object): number {
    if (this.#released) throw new InvalidStateError("This data was released; send it again.");
    if (owner === this.#owner) return this.#number;
    throw new InvalidValueError(
      "This data was sent to another model's worker; send it to this one too.",
    );
  }

  /** Lets the worker forget the data. A `fit` that uses it ends undisturbed. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#release(this.#number);
  }
}
