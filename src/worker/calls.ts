// Calls from this thread to the model or the detector in a worker. Each call returns a promise. Results are transferred.

import { loadBuild } from "../core/load.ts";
import { DisposedError, InvalidTypeError, show } from "../errors.ts";
import type { RuntimeOptions } from "../make.ts";
import { prepareArguments } from "./arguments.ts";
import { CALLBACK, type Reply, receivedError } from "./messages.ts";
import { SentData } from "./sent-data.ts";
import { type Channel, openChannel, type WorkerLike } from "./start.ts";

/** Options for starting a worker. */
export interface WorkerOptions {
  /**
   * Starts a worker with tied-autoencoder/worker-script, or for a detector with tied-autoencoder/detector-script. For pages
   * whose policy forbids blob: workers. Default: the package starts it.
   */
  createWorker?: () => WorkerLike;
  /** The time in milliseconds within which the worker must report that it runs. Default 10,000. */
  startTimeout?: number;
}

/** Options for sending the arguments of a call to the worker. */
export interface TransferOptions {
  /**
   * Whether to transfer the buffers of the arguments to the worker instead of copying them. The caller's arrays and all
   * other views of these buffers are empty afterwards. Default false.
   */
  transfer?: boolean;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  readonly callbacks: Callbacks;
}

/** The caller's callbacks, which the worker calls by messages. */
export interface Callbacks {
  readonly byName: ReadonlyMap<string, (record: never) => unknown>;
  /** The value that a callback threw. The call rejects with this value. */
  thrown?: { readonly value: unknown };
}

export class WorkerCalls {
  /** The callbacks of runs that take more than one call. */
  readonly running = new Map<number, Callbacks>();
  readonly #owner: object;
  readonly #gone: string;
  readonly #takeState: (state: object) => void;
  #channel: Channel | undefined;
  readonly #pending = new Map<number, Pending>();
  #calls = 0;

  /**
   * @param owner the object that makes the calls. Only it can use the data that it sent.
   * @param program the text of the worker's program
   * @param gone the message of errors of calls after `end`
   * @param takeState called with the state that the worker sends with an answer
   */
  constructor(
    owner: object,
    program: string,
    { createWorker, startTimeout }: WorkerOptions,
    gone: string,
    takeState: (state: object) => void,
  ) {
    this.#owner = owner;
    this.#gone = gone;
    this.#takeState = takeState;
    this.#channel = openChannel(
      program,
      createWorker,
      startTimeout,
      (message) => this.#receive(message),
      (error) => this.#end(error),
    );
  }

  /** The number of the next call. */
  get next(): number {
    return this.#calls;
  }

  get isOpen(): boolean {
    return this.#channel !== undefined;
  }

  send<Result>(call: string, args: unknown[], options?: TransferOptions): Promise<Result> {
    return this.call(call, args, options?.transfer === true) as Promise<Result>;
  }

  call(
    call: string,
    args: unknown[],
    transfer = false,
    callbacks: Callbacks = { byName: new Map() },
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const channel = this.#channel;
      if (!channel) throw new DisposedError(this.#gone);
      const prepared = prepareArguments(call, args, this.#owner, transfer, isSentData);
      const id = this.#calls++;
      try {
        channel.post({ id, call, args: prepared.args }, prepared.transfer);
      } catch (cause) {
        const { message } = cause as Error;
        throw new InvalidTypeError(
          `${call} was given something that cannot be sent to a worker (${message}). Functions and streams run in the page only.`,
          { cause },
        );
      }
      this.#pending.set(id, { resolve, reject, callbacks });
      channel.hold(true);
    });
  }

  /** Sends data that the worker keeps. */
  async keep(x: unknown, options: TransferOptions | undefined): Promise<SentData> {
    const number = await this.send<number>("send", [x], options);
    return new SentData(this.#owner, number, async (released) => {
      if (this.#channel) await this.call("release", [released]);
    });
  }

  /** Asks the worker to end a call. */
  abort(id: number): void {
    this.#channel?.post({ abort: id }, []);
  }

  /** Ends the worker and all its calls. */
  end(): void {
    this.#end(new DisposedError(this.#gone));
  }

  async #receive(message: Reply): Promise<void> {
    if ("ready" in message) return;
    if ("ask" in message) {
      const { ask, id, callback, record } = message;
      const callbacks = this.#pending.get(id)?.callbacks ?? this.running.get(id);
      try {
        const asked = callbacks?.byName.get(callback);
        const value = await asked?.(record as never);
        this.#channel?.post({ answer: ask, value: value === false ? false : undefined }, []);
      } catch (error) {
        if (callbacks) callbacks.thrown = { value: error };
        this.#channel?.post({ answer: ask, error: show(error) }, []);
      }
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.state) this.#takeState(message.state);
    if (this.#pending.size === 0) this.#channel?.hold(false);
    const thrown = pending?.callbacks.thrown;
    if ("error" in message) pending?.reject(thrown ? thrown.value : receivedError(message.error));
    else pending?.resolve(message.value);
  }

  #end(error: Error): void {
    const channel = this.#channel;
    this.#channel = undefined;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    channel?.end();
  }
}

function isSentData(value: unknown): value is SentData {
  return value instanceof SentData;
}

/** The part of an AbortSignal that is used here. */
export interface WatchedSignal {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener?(type: "abort", listener: () => void): void;
  removeEventListener?(type: "abort", listener: () => void): void;
}

/** Runs `work`. If the signal is aborted meanwhile, it calls `abort`, and a rejection of `work` has the signal's reason. */
export async function whileWatching<Result>(
  signal: WatchedSignal | undefined,
  abort: () => void,
  work: () => Promise<Result>,
): Promise<Result> {
  signal?.addEventListener?.("abort", abort);
  try {
    return await work();
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener?.("abort", abort);
  }
}

/** Splits options into the part to send, the signal, and the callbacks with these names, which stay in this thread. */
export function split(options: object & TransferOptions, names: readonly string[]) {
  const {
    signal,
    transfer = false,
    ...rest
  } = options as TransferOptions & {
    signal?: WatchedSignal;
  };
  const byName = new Map<string, (record: never) => unknown>();
  const sent: Record<string, unknown> = { ...rest };
  for (const name of names) {
    const callback: unknown = sent[name];
    if (typeof callback !== "function") continue;
    byName.set(name, callback as (record: never) => unknown);
    sent[name] = CALLBACK;
  }
  const callbacks: Callbacks = { byName };
  return { signal, transfer, sent, callbacks };
}

/**
 * A configuration in a form that can be sent. Functions and promises are resolved. It includes the core as a module or as
 * bytes, so that the program of the worker does not contain it.
 */
export async function cloneable<Options extends RuntimeOptions>(
  options: Options,
): Promise<Options> {
  if (typeof options !== "object" || options === null) return options;
  const { wasm, simd } = options;
  if (wasm === undefined) return { ...options, wasm: await loadBuild(simd) };
  const source = await (typeof wasm === "function" ? wasm() : wasm);
  const response = source as { arrayBuffer?: () => Promise<ArrayBuffer> };
  const sent = typeof response?.arrayBuffer === "function" ? await response.arrayBuffer() : source;
  return { ...options, wasm: sent };
}
