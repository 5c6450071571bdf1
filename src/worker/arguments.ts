// Prepares the arguments of a call for a message to the worker. Data that was sent before is replaced by a reference, views
// are copied without the rest of their buffers, and detached buffers are refused.

import { InvalidTypeError, InvalidValueError, show } from "../errors.ts";
import { SENT_DATA } from "./messages.ts";

/** Data that the worker keeps. See `send`. */
export interface Kept {
  /** The number of the data in the worker. Throws if the worker does not have it. */
  numberFor(owner: object): number;
}

export interface Prepared {
  readonly args: unknown[];
  readonly transfer: ArrayBuffer[];
}

/**
 * The arguments in a form that can be posted. With `transfer` their buffers are transferred, otherwise copied. Of a view of
 * a part of its buffer only that part is copied; postMessage alone would copy the whole buffer.
 */
export function prepareArguments(
  call: string,
  args: readonly unknown[],
  owner: object,
  transfer: boolean,
  isKept: (value: unknown) => value is Kept,
): Prepared {
  const used = new Map<ArrayBufferLike, number>();
  const see = (view: Uint8Array) => {
    requireAttached(call, view);
    used.set(view.buffer, (used.get(view.buffer) ?? 0) + view.byteLength);
  };
  walk(call, args, see, MOST_NESTING);
  const buffers = new Set<ArrayBuffer>();
  const convert = (value: unknown): unknown => {
    if (isKept(value)) return { [SENT_DATA]: value.numberFor(owner) };
    if (isTypedArray(value)) {
      const { buffer } = value;
      if (transfer && isPlainBuffer(buffer)) {
        buffers.add(buffer);
        return value;
      }
      const isWhole = (used.get(buffer) ?? 0) >= buffer.byteLength;
      if (isWhole && isPlainBuffer(buffer)) return value;
      const copy = value.slice();
      if (isPlainBuffer(copy.buffer)) buffers.add(copy.buffer);
      return copy;
    }
    // Arrays of numbers contain nothing to convert, and may be long.
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(convert);
    if (!isPlainObject(value)) return value;
    if (Object.hasOwn(value, SENT_DATA)) {
      throw new InvalidValueError(
        `${call} was given an object with the key ${show(SENT_DATA)}, which the package keeps for itself. Rename it.`,
      );
    }
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, convert(each)]));
  };
  return { args: args.map(convert), transfer: [...buffers] };
}

/** Arguments are nested less deeply than this; what is deeper holds itself or is a mistake. */
const MOST_NESTING = 16;

function walk(
  call: string,
  value: unknown,
  see: (view: Uint8Array) => void,
  nesting: number,
): void {
  if (isTypedArray(value)) see(value);
  const inner = Array.isArray(value) ? value : isPlainObject(value) ? Object.values(value) : [];
  if (Array.isArray(value) && typeof value[0] === "number") return;
  if (nesting === 0 && inner.length > 0) {
    throw new InvalidTypeError(
      `${call} was given an argument that is nested more than ${MOST_NESTING} levels deep, or that holds itself.`,
    );
  }
  for (const each of inner) walk(call, each, see, nesting - 1);
}

/** Any typed array. All have the methods of Uint8Array that are used here. */
function isTypedArray(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && "slice" in value;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Object]";
}

function isPlainBuffer(buffer: unknown): buffer is ArrayBuffer {
  return Object.prototype.toString.call(buffer) === "[object ArrayBuffer]";
}

/** Throws for a view whose buffer was transferred. It has length 0 and would look like a matrix without rows. */
function requireAttached(call: string, view: Uint8Array): void {
  if (view.byteLength > 0 || !isDetached(view.buffer)) return;
  throw new InvalidTypeError(
    `${call} was given ${show(view)} whose buffer is detached: it was transferred before, by { transfer: true } or postMessage. Keep a copy, or send the data once with send.`,
  );
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}
