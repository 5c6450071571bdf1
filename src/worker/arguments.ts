// What a call's arguments become on their way to the worker: data that was sent before is named, views are
// copied without the rest of their buffers, and buffers that were given away are refused.

import { InvalidTypeError, show } from "../errors.ts";
import { SENT_DATA } from "./messages.ts";

/** Data that the worker keeps; see `send`. */
export interface Kept {
  /** Its number in the worker, or an error where it is not there. */
  numberFor(owner: object): number;
}

export interface Prepared {
  readonly args: unknown[];
  readonly transfer: ArrayBuffer[];
}

/**
 * Arguments as they can be posted. With `transfer` their buffers are handed over, else copied; a view of a part
 * of its buffer is copied alone, where a plain postMessage would copy all of the buffer.
 */
export function prepareArguments(
  call: string,
  args: readonly unknown[],
  owner: object,
  transfer: boolean,
  isKept: (value: unknown) => value is Kept,
): Prepared {
  const used = new Map<ArrayBufferLike, number>();
  walk(args, (view) => {
    requireAttached(call, view);
    used.set(view.buffer, (used.get(view.buffer) ?? 0) + view.byteLength);
  });
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
    // Rows of numbers hold nothing to look for, and may be many.
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map(convert);
    if (!isPlainObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, convert(each)]));
  };
  return { args: args.map(convert), transfer: [...buffers] };
}

function walk(value: unknown, see: (view: Uint8Array) => void): void {
  if (isTypedArray(value)) see(value);
  else if (Array.isArray(value)) {
    if (typeof value[0] !== "number") for (const each of value) walk(each, see);
  } else if (isPlainObject(value)) for (const each of Object.values(value)) walk(each, see);
}

/** Any typed array; all have what Uint8Array has. */
function isTypedArray(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && "slice" in value;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === "[object Object]";
}

function isPlainBuffer(buffer: unknown): buffer is ArrayBuffer {
  return Object.prototype.toString.call(buffer) === "[object ArrayBuffer]";
}

/** Refuses a view whose buffer was transferred: it has length 0 and would pass for a matrix without rows. */
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
