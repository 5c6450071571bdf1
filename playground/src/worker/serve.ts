// A worker's end of the message channel. It answers questions one after another.

import type { Answered } from "../protocol.ts";

/** Any question. */
interface Question {
  readonly id: number;
}

interface Scope<Asked> {
  onmessage: ((event: { data: Asked }) => void) | null;
  postMessage(message: Answered, transfer: Transferable[]): void;
}

export function serve<Asked extends Question>(answer: (asked: Asked) => Promise<unknown>): void {
  const scope = self as unknown as Scope<Asked>;
  // A step is asynchronous, and no other question may run before it ends.
  let last: Promise<void> = Promise.resolve();
  scope.onmessage = ({ data: asked }) => {
    last = last.then(async () => {
      try {
        const value = await answer(asked);
        scope.postMessage({ id: asked.id, answer: value }, [...buffersIn(value)]);
      } catch (error) {
        const { name, message } = error instanceof Error ? error : new Error(String(error));
        scope.postMessage({ id: asked.id, error: message, name }, []);
      }
    });
  };
}

/** Tells the page the progress of a question, from 0 to 1. */
export function progress(share: number): void {
  (self as unknown as Scope<never>).postMessage({ progress: share }, []);
}

function buffersIn(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (typeof value === "object" && value !== null) {
    for (const each of Object.values(value)) buffersIn(each, found);
  }
  return found;
}
