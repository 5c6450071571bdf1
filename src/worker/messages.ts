// What passes between a page and the worker that holds its model, and how errors and callbacks cross.

import * as errors from "../errors.ts";
import { FormatError } from "../formats/errors.ts";

/** From the page: a call on the model, the answer to a callback, or the wish to end a call. */
export type Request =
  | { readonly id: number; readonly call: string; readonly args: readonly unknown[] }
  | { readonly answer: number; readonly value?: unknown; readonly error?: unknown }
  | { readonly abort: number };

/** What the page knows of the model without asking. */
export interface ModelState {
  readonly stepCount: number;
  readonly learningRate: number;
  readonly byteLength: number;
  readonly threads: number;
}

/** From the worker: a result, an error, or a call of one of the page's callbacks. */
export type Reply =
  | { readonly id: number; readonly value: unknown; readonly state: ModelState | undefined }
  | { readonly id: number; readonly error: SentError; readonly state: ModelState | undefined }
  | {
      readonly ask: number;
      readonly id: number;
      readonly callback: string;
      readonly record: unknown;
    };

/** Stands for a callback of fit in the options that are sent. */
export const CALLBACK = "tied-autoencoder callback";

export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly step?: number;
  readonly loss?: number;
  /** A thrown value that is no error. */
  readonly value?: unknown;
}

export function sentError(thrown: unknown): SentError {
  if (!(thrown instanceof Error)) return { name: "", message: "", stack: undefined, value: thrown };
  const { name, message, stack } = thrown;
  const sent = { name, message, stack };
  return thrown instanceof errors.DivergenceError
    ? { ...sent, step: thrown.step, loss: thrown.loss }
    : sent;
}

const classes: Record<string, new (message: string) => Error> = {
  DisposedError: errors.DisposedError,
  FormatError,
  InvalidStateError: errors.InvalidStateError,
  InvalidTypeError: errors.InvalidTypeError,
  InvalidValueError: errors.InvalidValueError,
  MemoryLimitError: errors.MemoryLimitError,
  RangeError,
  TypeError,
  UnsupportedHostError: errors.UnsupportedHostError,
};

/** The error of the class that was thrown, with the worker's stack. */
export function receivedError(sent: SentError): unknown {
  const { name, message, stack, step, loss } = sent;
  if (name === "") return sent.value;
  const error =
    name === "DivergenceError"
      ? new errors.DivergenceError(step as number, loss as number)
      : new (classes[name] ?? Error)(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** The buffers of the arrays in a result or an argument, to be handed over rather than copied. */
export function buffersIn(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (Array.isArray(value) && typeof value[0] !== "number") {
    for (const each of value) buffersIn(each, found);
  } else if (Object.prototype.toString.call(value) === "[object Object]") {
    for (const each of Object.values(value as object)) buffersIn(each, found);
  }
  return found;
}
