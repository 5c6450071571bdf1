// The worker's side of tied-autoencoder/worker: one model, and the calls on it as they arrive. Calls run
// in their order; while fit runs, those that come in are answered between its steps.

import { TiedAutoencoder } from "../autoencoder.ts";
import { InvalidStateError } from "../errors.ts";
import type { ModelConfig } from "../model/config.ts";
import type { EpochRecord, StepRecord } from "../training/fit-options.ts";
import type { History } from "../training/trainer.ts";
import { Desk, type OwnCall, type Port, runCall } from "./desk.ts";
import type { ModelState } from "./messages.ts";

type Steps = AsyncGenerator<StepRecord, History>;

export function serve(port: Port): void {
  let model: TiedAutoencoder | undefined;
  const desk = new Desk(port);
  const runs = new Map<number, Steps>();
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

  /** The options of fit as the page meant them. */
  const fitOptions = (id: number, sent: unknown): Record<string, unknown> => {
    const options = desk.options(id, sent);
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
      need().initializeFrom(x, desk.options(id, options) as never),
    fit: (id, x: never, options: unknown) => need().fit(x, fitOptions(id, options)),
    startSteps: (id, x: never, options: unknown) => {
      runs.set(id, need().fitSteps(x, fitOptions(id, options)));
      return id;
    },
    nextStep: (_, run: number) => runs.get(run)?.next(),
    endSteps: async (_, run: number) => {
      await runs.get(run)?.return({} as History);
      runs.delete(run);
      desk.forget(run);
    },
    send: (_, data: unknown) => desk.keep(data),
    release: (_, number: number) => desk.release(number),
    setLearningRate: (_, value: number) => {
      need().learningRate = value;
    },
  };

  desk.serve({ run: (id, call, args) => runCall(special, model, id, call, args), state }, [
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
