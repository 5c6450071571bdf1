// The worker's side of calls: takes them as they arrive, keeps data that was sent once, and asks the page's callbacks.
// Every call is answered, whatever it holds. What is no message of this package is ignored.

import { InvalidStateError, InvalidTypeError, show } from "../errors.ts";
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

/** What a worker holds. */
export interface Service {
  /** Runs a call. */
  run(id: number, call: string, args: readonly unknown[]): unknown;
  /** What the page is told of the state with the answer to a call. */
  state(call: string): ModelState | undefined;
}

/** A signal that the page aborts. The page knows the reason. */
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

/** A call that the worker has beside the methods of what it holds. */
export type OwnCall = (id: number, ...args: never[]) => unknown;

/**
 * Runs a call: one of `own`, or else a method of the class of `held`.
 * @throws InvalidTypeError for a call that there is not; InvalidStateError where nothing is held yet
 */
export function runCall(
  own: Readonly<Record<string, OwnCall>>,
  held: object | undefined,
  id: number,
  call: string,
  args: readonly unknown[],
): unknown {
  if (Object.hasOwn(own, call)) return own[call]?.(id, ...(args as never[]));
  if (!held) throw new InvalidStateError(`${call} needs something made or loaded before it.`);
  const method = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(held), call)?.value;
  if (typeof method === "function" && call !== "constructor") return method.apply(held, args);
  throw new InvalidTypeError(
    `The worker has no call ${show(call)}. The page and the program of its worker may be of different versions of the package.`,
  );
}

export class Desk {
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

  /** Keeps data; returns their number. */
  keep(data: unknown): number {
    this.#kept.set(this.#keptCount, data);
    return this.#keptCount++;
  }

  release(number: number): void {
    this.#kept.delete(number);
  }

  /** The options of a long call as the page meant them: callbacks that ask it, a signal that it sets. */
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

  /** Forgets the signal of a call that has ended. */
  forget(id: number): void {
    this.#signals.delete(id);
  }

  /** Answers calls from now on. The signals of calls named in `open` outlast them. */
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
          this.#port.post({ id, error: sentError(thrown), state: stateOrNone(state, call) }, []);
        }
        if (!open.includes(call)) this.#signals.delete(id);
      }
    });
  }

  /** Puts data that was sent before in the places where the page named it. */
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

/** The state after a call that failed; what was disposed of has none. */
function stateOrNone(state: Service["state"], call: string): ModelState | undefined {
  try {
    return state(call);
  } catch {
    return undefined;
  }
}
