// The worker's side of tied-autoencoder/worker: one model, and the calls on it as they arrive. Calls run
// in their order; while fit runs, those that come in are answered between its steps.

import { TiedAutoencoder } from "../autoencoder.ts";
import type { ModelConfig } from "../model/config.ts";
import type { EpochRecord, StepRecord } from "../training/fit-options.ts";
import type { History } from "../training/trainer.ts";
import {
  buffersIn,
  CALLBACK,
  type ModelState,
  type Reply,
  type Request,
  SENT_DATA,
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
  /** Data that was sent once, by number. */
  const kept = new Map<number, unknown>();
  let keptCount = 0;
  /** Losses of the last run's finished epochs. */
  let lastHistory: History | undefined;

  const state = (call: string): ModelState | undefined =>
    model && {
      stepCount: model.stepCount,
      learningRate: model.learningRate,
      byteLength: model.byteLength,
      threads: model.threads,
      ...(isBatchTopK(model) ? { codeThreshold: model.codeThreshold } : {}),
      // Once a run, not with every step of it.
      ...(lastHistory && (call === "fit" || call === "endSteps") ? { lastHistory } : {}),
    };

  /** Puts data that was sent before in the places where the page named it. */
  const withKept = (value: unknown): unknown => {
    if (Object.prototype.toString.call(value) !== "[object Object]") return value;
    const entries = value as Record<string, unknown>;
    const number = entries[SENT_DATA];
    if (typeof number === "number") return kept.get(number);
    return Object.fromEntries(Object.entries(entries).map(([key, each]) => [key, withKept(each)]));
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
    const epochs: EpochRecord[] = [];
    lastHistory = historyOf(epochs);
    const { onEpoch } = options as { onEpoch?: (record: EpochRecord) => unknown };
    const keepingHistory = (record: EpochRecord) => {
      epochs.push(record);
      lastHistory = historyOf(epochs);
      return onEpoch?.(record);
    };
    return { ...options, signal, onEpoch: keepingHistory };
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
    send: (_, data: unknown) => {
      kept.set(keptCount, data);
      return keptCount++;
    },
    release: (_, number: number) => {
      kept.delete(number);
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

  port.post({ ready: true }, []);
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
        const value = await run(id, call, args.map(withKept));
        port.post({ id, value, state: state(call) }, [...buffersIn(value)]);
      } catch (thrown) {
        port.post({ id, error: sentError(thrown), state: state(call) }, []);
      }
      if (call !== "startSteps") signals.delete(id);
    }
  });
}

function isBatchTopK({ config: { code } }: TiedAutoencoder): boolean {
  return typeof code === "object" && code.type === "batchTopK";
}

function historyOf(epochs: readonly EpochRecord[]): History {
  const loss = epochs.map((record) => record.loss);
  const valLoss = epochs.flatMap((record) => record.valLoss ?? []);
  return {
    epoch: epochs.map(({ epoch }) => epoch),
    history: valLoss.length > 0 ? { loss, valLoss } : { loss },
  };
}
