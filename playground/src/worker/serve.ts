// A worker's end of the channel: questions are answered one after another.

import type { Answered } from "../protocol.ts";

/** Any question: its number, its name and what is asked. */
interface Question {
  readonly id: number;
}

interface Scope<Asked> {
  onmessage: ((event: { data: Asked }) => void) | null;
  postMessage(message: Answered, transfer: Transferable[]): void;
}

export function serve<Asked extends Question>(answer: (asked: Asked) => Promise<unknown>): void {
  const scope = self as unknown as Scope<Asked>;
  // One after another: a step is asynchronous, and nothing may come between its halves.
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

/** Tells the page how far a question has come, from 0 to 1. */
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
