// The page's end of the channel to the worker: questions become promises.

import workerProgram from "virtual:worker";
import type { Answered, CallName, Calls } from "./protocol.ts";

interface Waiting {
  resolve(value: never): void;
  reject(error: Error): void;
}

/** An error that the worker reports, with the name of its class there. */
export class LabError extends Error {
  constructor(
    message: string,
    readonly kind: string,
  ) {
    super(message);
  }
}

export class Client {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;

  constructor() {
    const program = new Blob([workerProgram], { type: "text/javascript" });
    this.#worker = new Worker(URL.createObjectURL(program));
    this.#worker.onmessage = ({ data }: MessageEvent<Answered>) => {
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

  ask<Name extends CallName>(call: Name, ask: Calls[Name]["ask"]): Promise<Calls[Name]["answer"]> {
    return new Promise((resolve, reject) => {
      const id = this.#count++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, call, ask });
    });
  }
}
