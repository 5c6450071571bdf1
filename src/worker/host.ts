// The worker's side of tied-autoencoder/worker: one model, and the calls on it as they arrive. Calls run
// in their order; while fit runs, those that come in are answered between its steps.

import { TiedAutoencoder } from "../autoencoder.ts";
import type { ModelConfig } from "../model/config.ts";
import type { StepRecord } from "../training/fit-options.ts";
import type { History } from "../training/trainer.ts";
import {
  buffersIn,
  CALLBACK,
  type ModelState,
  type Reply,
  type Request,
  sentError,
} from "./messages.ts";

/** The worker's end of the channel. */
export interface Port {
  post(message: Reply, transfer: ArrayBuffer[]): void;
  listen(listener: (message: Request) => void): void;
}

type Steps = AsyncGenerator<StepRecord, History>;

export function serve(port: Port): void {
  let model: TiedAutoencoder | undefined;
  const runs = new Map<number, Steps>();
  const signals = new Map<number, { aborted: boolean; reason: unknown }>();
  const asked = new Map<number, (message: Request) => void>();
  let asks = 0;

  const state = (): ModelState | undefined =>
    model && {
      stepCount: model.stepCount,
      learningRate: model.learningRate,
      byteLength: model.byteLength,
      threads: model.threads,
    };

  /** The options of fit as the page meant them: callbacks that ask it, a signal that it sets. */
  const fitOptions = (id: number, sent: unknown): Record<string, unknown> => {
    const options = { ...(sent as Record<string, unknown>) };
    for (const [name, value] of Object.entries(options)) {
      if (value !== CALLBACK) continue;
      options[name] = (record: unknown) =>
        new Promise((resolve, reject) => {
          const ask = asks++;
          asked.set(ask, (message) => {
            if ("error" in message) reject(message.error);
            else resolve((message as { value?: unknown }).value);
          });
          port.post({ ask, id, callback: name, record }, []);
        });
    }
    const signal = { aborted: false, reason: undefined };
    signals.set(id, signal);
    return { ...options, signal };
  };

  const special: Record<string, (id: number, ...args: never[]) => unknown> = {
    create: async (_, config: ModelConfig) => {
      model = await TiedAutoencoder.create(config);
      return { config: model.config, build: model.build };
    },
    load: async (_, bytes: Uint8Array, runtime: object) => {
      model = await TiedAutoencoder.load(bytes, runtime);
      return { config: model.config, build: model.build };
    },
    fit: (id, x: never, options: unknown) => model?.fit(x, fitOptions(id, options)),
    startSteps: (id, x: never, options: unknown) => {
      runs.set(id, (model as TiedAutoencoder).fitSteps(x, fitOptions(id, options)));
      return id;
    },
    nextStep: (_, run: number) => runs.get(run)?.next(),
    endSteps: async (_, run: number) => {
      await runs.get(run)?.return({} as History);
      runs.delete(run);
      signals.delete(run);
    },
    setLearningRate: (_, value: number) => {
      if (model) model.learningRate = value;
    },
  };

  const run = (id: number, call: string, args: readonly unknown[]): unknown => {
    const own = special[call];
    if (own) return own(id, ...(args as never[]));
    const methods = model as unknown as Record<string, (...args: unknown[]) => unknown>;
    return methods[call]?.(...args);
  };

  port.listen(async (message) => {
    if ("answer" in message) {
      asked.get(message.answer)?.(message);
      asked.delete(message.answer);
    } else if ("abort" in message) {
      const signal = signals.get(message.abort);
      if (signal) signal.aborted = true;
    } else {
      const { id, call, args } = message;
      try {
        const value = await run(id, call, args);
        port.post({ id, value, state: state() }, [...buffersIn(value)]);
      } catch (thrown) {
        port.post({ id, error: sentError(thrown), state: state() }, []);
      }
      if (call !== "startSteps") signals.delete(id);
    }
  });
}
