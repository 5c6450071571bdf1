// The model of tied-autoencoder/slim: what few pages call is a function here, which a bundler leaves out
// where nobody calls it, and what few configurations need comes on demand.

import { none } from "../core/builds/none.ts";
import { Autoencoder } from "./autoencoder-base.ts";
import type { ModelConfig } from "./config.ts";
import type { Engine } from "./engine.ts";
import { modelFromStateDict, type StateDictOptions } from "./exchange/state-dict.ts";
import {
  type Entry,
  freshEngine,
  freshEngineSync,
  loadedEngine,
  type RuntimeOptions,
} from "./make.ts";
import { everyPart } from "./parts-at-once.ts";
import { partsOnDemand } from "./parts-on-demand.ts";

const entry: Entry = { carried: none, parts: partsOnDemand };

/**
 * An autoencoder whose decoder multiplies by the transposes of the encoder's weights. Each weight
 * exists once; its gradient is the sum of both uses.
 *
 * As in the main entry, but for `createSync`, `toOnnx` and `summary`, which are functions of this one.
 */
export class TiedAutoencoder extends Autoencoder {
  /** @internal */
  static of(engine: Engine): TiedAutoencoder {
    return new TiedAutoencoder(engine);
  }

  /** Makes a model with fresh weights, as in the main entry. */
  static async create(config: ModelConfig): Promise<TiedAutoencoder> {
    return new TiedAutoencoder(await freshEngine(config, entry));
  }

  /** Makes a model from what `save` wrote, as in the main entry. */
  static async load(bytes: Uint8Array, runtime: RuntimeOptions = {}): Promise<TiedAutoencoder> {
    return new TiedAutoencoder(await loadedEngine(bytes, runtime, entry));
  }
}

/** As `create`, for runtimes that may compile synchronously (Node, workers; not every page). */
export function createSync(config: ModelConfig): TiedAutoencoder {
  return TiedAutoencoder.of(freshEngineSync(config, none, everyPart));
}

/** Makes a model from a PyTorch state dict, as in the main entry. */
export function fromStateDict(
  bytes: Uint8Array,
  options?: StateDictOptions,
): Promise<TiedAutoencoder> {
  return modelFromStateDict(TiedAutoencoder.create, bytes, options);
}
