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

export function yieldToEventLoop(): Promise<void> {
  const host = globalThis as unknown as SchedulingHost;
  if (host.setImmediate) return new Promise((resolve) => host.setImmediate?.(resolve));
  const Channel = host.MessageChannel;
  if (!Channel) return new Promise((resolve) => host.setTimeout(resolve, 0));
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
