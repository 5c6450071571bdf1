// The worker's side of tied-autoencoder/worker: one model, and the calls to it. Calls run in order. While `fit` runs, other
// calls are answered between its steps.

import { TiedAutoencoder } from "../autoencoder.ts";
import { InvalidStateError } from "../errors.ts";
import type { ModelConfig } from "../model/config.ts";
import type { EpochRecord, StepRecord } from "../training/fit-options.ts";
import type { History } from "../training/trainer.ts";
import { CallServer, type OwnCall, type Port, runCall } from "./call-server.ts";
import type { ModelState } from "./messages.ts";

type Steps = AsyncGenerator<StepRecord, History>;

export function serve(port: Port): void {
  let model: TiedAutoencoder | undefined;
  const server = new CallServer(port);
  const runs = new Map<number, Steps>();
  /** The losses of the finished epochs of the last run. */
  let lastHistory: History | undefined;

  const state = (call: string): ModelState | undefined =>
    model && {
      stepCount: model.stepCount,
      learningRate: model.learningRate,
      byteLength: model.byteLength,
      threads: model.threads,
      ...(isBatchTopK(model) ? { codeThreshold: model.codeThreshold } : {}),
      // Sent once per run, not with every step.
      ...(lastHistory && (call === "fit" || call === "endSteps") ? { lastHistory } : {}),
    };

  /** The options of `fit`, with callbacks and a signal. Also records the losses. */
  const fitOptions = (id: number, sent: unknown): Record<string, unknown> => {
    const options = server.options(id, sent);
    const epochs: EpochRecord[] = [];
    lastHistory = historyOf(epochs);
    const { onEpoch } = options as { onEpoch?: (record: EpochRecord) => unknown };
    const keepingHistory = (record: EpochRecord) => {
      epochs.push(record);
      lastHistory = historyOf(epochs);
      return onEpoch?.(record);
    };
    return { ...options, onEpoch: keepingHistory };
  };

  /** The model, for a call that needs one. */
  const need = (): TiedAutoencoder => {
    if (model) return model;
    throw new InvalidStateError("The worker has no model yet: create or load comes first.");
  };

  const stepsOf = (run: number): Steps => {
    const steps = runs.get(run);
    if (steps) return steps;
    throw new InvalidStateError("This run of fitSteps has ended; start another one.");
  };

  const special: Record<string, OwnCall> = {
    create: async (_, config: ModelConfig) => {
      model = await TiedAutoencoder.create(config);
      return { config: model.config, build: model.build };
    },
    load: async (_, bytes: Uint8Array, runtime: object) => {
      model = await TiedAutoencoder.load(bytes, runtime);
      return { config: model.config, build: model.build };
    },
    initializeFrom: (id, x: never, options: unknown) =>
      need().initializeFrom(x, server.options(id, options) as never),
    fit: (id, x: never, options: unknown) => need().fit(x, fitOptions(id, options)),
    startSteps: (id, x: never, options: unknown) => {
      runs.set(id, need().fitSteps(x, fitOptions(id, options)));
      return id;
    },
    nextStep: (_, run: number) => stepsOf(run).next(),
    endSteps: async (_, run: number) => {
      await stepsOf(run).return({} as History);
      runs.delete(run);
      server.forget(run);
    },
    send: (_, data: unknown) => server.keep(data),
    release: (_, number: number) => server.release(number),
    setLearningRate: (_, value: number) => {
      need().learningRate = value;
    },
  };

  server.serve({ run: (id, call, args) => runCall(special, need, id, call, args), state }, [
    "startSteps",
  ]);
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
