// A reference to data that was sent to a worker once.

import { InvalidStateError, InvalidValueError } from "../errors.ts";

/** A matrix in the worker of the model or the detector whose `send` returned it. */
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

  /** Releases the data in the worker. A running `fit` that uses it is not affected. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#release(this.#number);
  }
}
