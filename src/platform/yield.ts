// Yields to the event loop: pending input, timers and network callbacks run before the promise resolves. A message to
// itself does that. setTimeout would wait 4 ms or more in pages. scheduler.yield would resolve before timers and network
// callbacks run.

interface SchedulingHost {
  setImmediate?: (callback: () => void) => unknown;
  MessageChannel?: new () => {
    port1: { onmessage: (() => void) | null; close(): void };
    port2: { postMessage(message: unknown): void };
  };
  setTimeout: (callback: () => void, milliseconds: number) => unknown;
}

// As they are when the package is loaded: fake timers of a test, which never fire, must not stop training.
const {
  setImmediate,
  MessageChannel: Channel,
  setTimeout,
} = globalThis as unknown as SchedulingHost;

export function yieldToEventLoop(): Promise<void> {
  if (setImmediate) return new Promise((resolve) => setImmediate(resolve));
  if (!Channel) return new Promise((resolve) => setTimeout(resolve, 0));
  return new Promise((resolve) => {
    const { port1, port2 } = new Channel();
    port1.onmessage = () => {
      port1.close(); // an open port would keep a Node process alive
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** The time in milliseconds, from a monotonic clock if the host has one. Edge hosts may freeze it during a request. */
export function now(): number {
  const { performance } = globalThis as { performance?: { now(): number } };
  return performance ? performance.now() : Date.now();
}
