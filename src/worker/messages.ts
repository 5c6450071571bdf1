// The messages between a page and the worker of its model, and how they transport errors and callbacks.

import * as errors from "../errors.ts";
import { FormatError } from "../formats/errors.ts";
import { ThreadError } from "../threads/errors.ts";
import type { History } from "../training/trainer.ts";

/** A message from the page: a call, the answer to a callback, or a request to end a call. */
export type Request =
  | { readonly id: number; readonly call: string; readonly args: readonly unknown[] }
  | { readonly answer: number; readonly value?: unknown; readonly error?: unknown }
  | { readonly abort: number };

/** The state of the model that the page has without a call. */
export interface ModelState {
  readonly stepCount: number;
  readonly learningRate: number;
  readonly byteLength: number;
  readonly threads: number;
  /** Only for a batchTopK code. */
  readonly codeThreshold?: number;
  /** The losses of the finished epochs of the last run, in the answers that end a run. */
  readonly lastHistory?: History;
}

/** A message from the worker: it is ready, a result, an error, or a call of one of the page's callbacks. */
export type Reply =
  | { readonly ready: true }
  | { readonly id: number; readonly value: unknown; readonly state: ModelState | undefined }
  | { readonly id: number; readonly error: SentError; readonly state: ModelState | undefined }
  | {
      readonly ask: number;
      readonly id: number;
      readonly callback: string;
      readonly record: unknown;
    };

/** Whether a message is from the package's worker, and not from another program. */
export function isReply(message: unknown): message is Reply {
  const fields = fieldsOf(message);
  const { ready, ask, id, callback, state } = fields;
  if (ready === true) return true;
  if (typeof id !== "number") return false;
  if (ask !== undefined) return typeof ask === "number" && typeof callback === "string";
  if (state !== undefined && !isObject(state)) return false;
  return !("error" in fields) || isSentError(fields.error);
}

/** Whether a message is one of the package's page. */
export function isRequest(message: unknown): message is Request {
  const { id, call, args, answer, abort } = fieldsOf(message);
  if (typeof answer === "number" || typeof abort === "number") return true;
  return typeof id === "number" && typeof call === "string" && Array.isArray(args);
}

function isSentError(error: unknown): boolean {
  const { name, message } = fieldsOf(error);
  return typeof name === "string" && typeof message === "string";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The fields of an object; none of anything else, and none that it inherits. */
function fieldsOf(value: unknown): Partial<Record<string, unknown>> {
  return isObject(value) ? { __proto__: null, ...value } : {};
}

/** The key of `{ [SENT_DATA]: number }`, a reference to data that the worker keeps. */
export const SENT_DATA = "tied-autoencoder data";

/** The placeholder for a callback in the options that are sent. */
export const CALLBACK = "tied-autoencoder callback";

export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly step?: number;
  readonly loss?: number;
  readonly weightsIntact?: boolean;
  /** A thrown value that is not an Error. */
  readonly value?: unknown;
}

/** A thrown value in the form of a reply. Its message cannot be posted if the value cannot be cloned. */
export function sentError(thrown: unknown): SentError {
  if (!(thrown instanceof Error)) {
    return { name: "", message: "", stack: undefined, value: thrown };
  }
  const { name, message, stack } = thrown;
  const sent = { name: String(name), message: String(message), stack };
  if (thrown instanceof errors.DivergenceError) {
    return { ...sent, step: thrown.step, loss: thrown.loss };
  }
  if (thrown instanceof ThreadError) return { ...sent, weightsIntact: thrown.weightsIntact };
  return sent;
}

const classes = new Map<string, new (message: string) => Error>(
  Object.entries({
    DisposedError: errors.DisposedError,
    FormatError,
    InvalidStateError: errors.InvalidStateError,
    InvalidTypeError: errors.InvalidTypeError,
    InvalidValueError: errors.InvalidValueError,
    MemoryLimitError: errors.MemoryLimitError,
    RangeError,
    TypeError,
    UnsupportedHostError: errors.UnsupportedHostError,
  }),
);

/** The thrown error with its class and the worker's stack. */
export function receivedError(sent: SentError): unknown {
  if (sent.name === "") return sent.value;
  const error = errorOfClass(sent);
  error.message = sent.message;
  if (sent.stack !== undefined) error.stack = sent.stack;
  return error;
}

function errorOfClass({
  name,
  message,
  step = 0,
  loss = Number.NaN,
  weightsIntact = false,
}: SentError) {
  if (name === "DivergenceError") return new errors.DivergenceError(step, loss);
  if (name === "ThreadError") return new ThreadError(message, weightsIntact);
  return new (classes.get(name) ?? Error)(message);
}

/** The buffers of the arrays in a result or an argument, to transfer them instead of copying. */
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
