// The page's end of the message channel to a worker. A question returns a promise of its answer.

import type { Answered } from "./protocol.ts";

interface Waiting {
  resolve(value: never): void;
  reject(error: Error): void;
}

/** An error in a worker, with the name of its class. */
export class LabError extends Error {
  readonly kind: string;

  constructor(message: string, kind: string) {
    super(message);
    this.kind = kind;
  }
}

type Table = Record<string, { ask: unknown; answer: unknown }>;

/** A worker that answers the questions in `Calls`. */
export class Client<Calls extends { [Name in keyof Calls]: Table[string] }> {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;

  /** Starts a worker that runs a program. */
  constructor(program: string, onProgress?: (share: number) => void) {
    const blob = new Blob([program], { type: "text/javascript" });
    this.#worker = new Worker(URL.createObjectURL(blob));
    this.#worker.onmessage = ({ data }: MessageEvent<Answered>) => {
      if ("progress" in data) {
        onProgress?.(data.progress);
        return;
      }
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("error" in data) waiting?.reject(new LabError(data.error, data.name));
      else waiting?.resolve(data.answer as never);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const error = new LabError(event.message || "The worker could not start.", "WorkerError");
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
  }

  ask<Name extends keyof Calls>(
    call: Name,
    ask: Calls[Name]["ask"],
  ): Promise<Calls[Name]["answer"]> {
    return new Promise((resolve, reject) => {
      const id = this.#count++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, call, ask });
    });
  }
}
