// The worker's side of calls: runs calls as they arrive, keeps data that was sent once, and calls the page's callbacks.
// Every call is answered, whatever it contains. Messages that are not of this package are ignored.

import { InvalidTypeError, show } from "../errors.ts";
import {
  buffersIn,
  CALLBACK,
  isRequest,
  type ModelState,
  type Reply,
  type Request,
  SENT_DATA,
  sentError,
} from "./messages.ts";

/** The worker's end of the channel. */
export interface Port {
  post(message: Reply, transfer: ArrayBuffer[]): void;
  listen(listener: (message: unknown) => void): void;
}

/** The model or the detector of a worker. */
export interface Service {
  /** Runs a call. */
  run(id: number, call: string, args: readonly unknown[]): unknown;
  /** The state that the page gets with the answer to a call. */
  state(call: string): ModelState | undefined;
}

/** A signal that the page aborts. Only the page has the reason. */
class PageSignal {
  aborted = false;
  readonly reason = undefined;
  readonly #listeners = new Set<() => void>();

  addEventListener(_: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  abort(): void {
    this.aborted = true;
    for (const listener of this.#listeners) listener();
  }
}

/** A call of the worker that is not a method of its model or detector. */
export type OwnCall = (id: number, ...args: never[]) => unknown;

/**
 * Runs a call: one of `own`, or else a method of the class of the model or detector, which `need` returns.
 * @throws InvalidTypeError for an unknown call; InvalidStateError from `need` before there is a model or detector
 */
export function runCall(
  own: Readonly<Record<string, OwnCall>>,
  need: () => object,
  id: number,
  call: string,
  args: readonly unknown[],
): unknown {
  if (Object.hasOwn(own, call)) return own[call]?.(id, ...(args as never[]));
  const target = need();
  const method = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(target), call)?.value;
  if (typeof method === "function" && call !== "constructor") return method.apply(target, args);
  throw new InvalidTypeError(
    `The worker has no call ${show(call)}. The page and the program of its worker may be of different versions of the package.`,
  );
}

export class CallServer {
  readonly #port: Port;
  readonly #signals = new Map<number, PageSignal>();
  readonly #asked = new Map<number, (message: Request) => void>();
  #asks = 0;
  /** Data that was sent once, by number. */
  readonly #kept = new Map<number, unknown>();
  #keptCount = 0;

  constructor(port: Port) {
    this.#port = port;
  }

  /** Keeps data and returns their number. */
  keep(data: unknown): number {
    this.#kept.set(this.#keptCount, data);
    return this.#keptCount++;
  }

  release(number: number): void {
    this.#kept.delete(number);
  }

  /** The options of a long call: with callbacks that send messages to the page, and a signal that the page aborts. */
  options(id: number, sent: unknown): Record<string, unknown> {
    const options = { ...(sent as Record<string, unknown>) };
    for (const [name, value] of Object.entries(options)) {
      if (value !== CALLBACK) continue;
      options[name] = (record: unknown) =>
        new Promise((resolve, reject) => {
          const ask = this.#asks++;
          this.#asked.set(ask, (message) => {
            if ("error" in message) reject(message.error);
            else resolve((message as { value?: unknown }).value);
          });
          this.#port.post({ ask, id, callback: name, record }, []);
        });
    }
    const signal = new PageSignal();
    this.#signals.set(id, signal);
    return { ...options, signal };
  }

  /** Removes the signal of a call that has ended. */
  forget(id: number): void {
    this.#signals.delete(id);
  }

  /** Starts to answer calls. The signals of the calls in `open` are kept after the call. */
  serve({ run, state }: Service, open: readonly string[] = []): void {
    this.#port.post({ ready: true }, []);
    this.#port.listen(async (message) => {
      if (!isRequest(message)) return;
      if ("answer" in message) {
        this.#asked.get(message.answer)?.(message);
        this.#asked.delete(message.answer);
      } else if ("abort" in message) {
        this.#signals.get(message.abort)?.abort();
      } else {
        const { id, call, args } = message;
        try {
          const value = await run(id, call, args.map(this.#withKept));
          this.#port.post({ id, value, state: state(call) }, [...buffersIn(value)]);
        } catch (thrown) {
          this.#refuse(id, thrown, stateOrNone(state, call));
        }
        if (!open.includes(call)) this.#signals.delete(id);
      }
    });
  }

  /** Answers a call with an error. A page would wait forever for one that cannot be cloned, so it gets a description. */
  #refuse(id: number, thrown: unknown, state: ModelState | undefined): void {
    try {
      this.#port.post({ id, error: sentError(thrown), state }, []);
    } catch {
      const error = new InvalidTypeError(
        `The worker threw ${show(thrown)}, which cannot be sent to the page.`,
      );
      this.#port.post({ id, error: sentError(error), state }, []);
    }
  }

  /** Replaces references to data that was sent before by the data. */
  readonly #withKept = (value: unknown): unknown => {
    if (Object.prototype.toString.call(value) !== "[object Object]") return value;
    const entries = value as Record<string, unknown>;
    const number = entries[SENT_DATA];
    if (typeof number === "number") return this.#kept.get(number);
    return Object.fromEntries(
      Object.entries(entries).map(([key, each]) => [key, this.#withKept(each)]),
    );
  };
}

/** The state after a failed call. A disposed model has none. */
function stateOrNone(state: Service["state"], call: string): ModelState | undefined {
  try {
    return state(call);
  } catch {
    return undefined;
  }
}
