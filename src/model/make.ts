// Engines out of configurations and files: the way to a model, for every form of it.

import { onlyKeys, record } from "../checks.ts";
import type { Carried } from "../core/builds/carried.ts";
import type { Core } from "../core/load.ts";
import { InvalidTypeError, show } from "../errors.ts";
import { loadThreadedCore, loadThreadedCoreSync } from "../threads/load.ts";
import type { ThreadedCoreOptions } from "../threads/options.ts";
import {
  type ModelConfig,
  type ResolvedConfig,
  resolveConfig,
  runtimeKeys,
  runtimeOptions,
} from "./config.ts";
import { Engine } from "./engine.ts";
import type { Parts } from "./parts.ts";

/** Where a model runs: the part of the configuration that is not saved with it. */
export type RuntimeOptions = ThreadedCoreOptions;

/** What an entry of the package makes its models with. */
export interface Entry {
  readonly carried: Carried;
  /** Finds the parts that a configuration needs. */
  parts(config: ResolvedConfig): Partial<Parts> | Promise<Partial<Parts>>;
}

/** An engine with fresh weights. */
export async function freshEngine(config: ModelConfig, entry: Entry): Promise<Engine> {
  const resolved = resolveConfig(config);
  const [parts, core] = await Promise.all([
    entry.parts(resolved),
    loadThreadedCore(runtimeOptions(config), entry.carried),
  ]);
  return onCore(core, () => fresh(resolved, core, parts));
}

/** The same without waiting. */
export function freshEngineSync(config: ModelConfig, carried: Carried, parts: Parts): Engine {
  const resolved = resolveConfig(config);
  return fresh(resolved, loadThreadedCoreSync(runtimeOptions(config), carried), parts);
}

/** An engine as a file has it. */
export async function loadedEngine(
  bytes: Uint8Array,
  runtime: RuntimeOptions,
  entry: Entry,
): Promise<Engine> {
  onlyKeys("load's runtime", record("load's runtime", runtime), runtimeKeys);
  if (!(bytes instanceof Uint8Array)) {
    throw new InvalidTypeError(`load needs the file's bytes as a Uint8Array; got ${show(bytes)}.`);
  }
  const [{ decodeCheckpoint }, core] = await Promise.all([
    import("./exchange/checkpoint-read.ts"),
    loadThreadedCore(runtime, entry.carried),
  ]);
  return onCore(core, async () => {
    const { config, parameters, training, preparation } = decodeCheckpoint(bytes);
    const engine = new Engine(config, core, await entry.parts(config));
    engine.restore(parameters, training, preparation);
    return engine;
  });
}

function fresh(config: ResolvedConfig, core: Core, parts: Partial<Parts>): Engine {
  const engine = new Engine(config, core, parts);
  engine.initialize(parts);
  return engine;
}

/** What `make` makes of a core, whose workers end if that is nothing. */
async function onCore(core: Core, make: () => Engine | Promise<Engine>): Promise<Engine> {
  try {
    return await make();
  } catch (error) {
    core.dispose();
    throw error;
  }
}
