// Engines out of configurations and files: the way to a model, for every form of it.

import { onlyKeys, record } from "./checks.ts";
import { Arena } from "./core/arena.ts";
import type { Core } from "./core/load.ts";
import { bytesOfFile, type ModelBytes } from "./exchange/model-bytes.ts";
import {
  type ModelConfig,
  type ResolvedConfig,
  resolveConfig,
  runtimeKeys,
  runtimeOptions,
} from "./model/config.ts";
import { Engine } from "./model/engine.ts";
import { yieldToEventLoop } from "./platform/yield.ts";
import { loadThreadedCore, loadThreadedCoreSync } from "./threads/load.ts";
import type { ThreadedCoreOptions } from "./threads/options.ts";
import type { RunState } from "./training/run-state.ts";

/** Where a model runs: the part of the configuration that is not saved with it. */
export type RuntimeOptions = ThreadedCoreOptions;

/** An engine, and the run that it was in when it was saved. */
export interface MadeEngine {
  readonly engine: Engine;
  readonly run: RunState | undefined;
}

/** An engine with fresh weights. */
export async function freshEngine(config: ModelConfig): Promise<MadeEngine> {
  const resolved = resolveConfig(config);
  return onCore(await loadThreadedCore(runtimeOptions(config)), (core) => fresh(resolved, core));
}

/** The same without waiting. */
export function freshEngineSync(config: ModelConfig): MadeEngine {
  const resolved = resolveConfig(config);
  return onCore(loadThreadedCoreSync(runtimeOptions(config)), (core) => fresh(resolved, core));
}

/** An engine as a file has it. */
export async function loadedEngine(
  file: ModelBytes | PromiseLike<ModelBytes>,
  runtime: RuntimeOptions,
): Promise<MadeEngine> {
  onlyKeys("load's runtime", record("load's runtime", runtime), runtimeKeys);
  const bytes = await bytesOfFile(await file);
  const [{ decodeCheckpoint }, loaded] = await Promise.all([
    import("./exchange/checkpoint-read.ts"),
    loadThreadedCore(runtime),
  ]);
  try {
    const { snapshot, network, run } = decodeCheckpoint(bytes); // copies all that it keeps
    await yieldToEventLoop();
    const engine = new Engine(snapshot.config, loaded, network);
    engine.state.restore(snapshot);
    return { engine, run };
  } catch (error) {
    loaded.dispose();
    throw error;
  }
}

/**
 * Engines of several files on one core and in one arena, for inference alone: they share one workspace, which begins
 * behind what `make` reserves. Gives the core and what `make` made.
 */
export async function engineEnsemble<Made>(
  files: readonly Uint8Array[],
  runtime: RuntimeOptions,
  make: (engines: readonly Engine[], arena: Arena) => Made,
): Promise<{ core: Core; made: Made }> {
  const [{ decodeCheckpoint }, core] = await Promise.all([
    import("./exchange/checkpoint-read.ts"),
    loadThreadedCore(runtime),
  ]);
  try {
    const arena = new Arena(core.memory);
    const engines = files.map((bytes) => {
      const { snapshot, network } = decodeCheckpoint(bytes);
      const engine = new Engine(snapshot.config, core, network, arena);
      engine.state.restore(snapshot);
      return engine;
    });
    const made = make(engines, arena);
    for (const { workspace } of engines) workspace.startAt(arena.top);
    return { core, made };
  } catch (error) {
    core.dispose();
    throw error;
  }
}

function fresh(config: ResolvedConfig, core: Core): MadeEngine {
  const engine = new Engine(config, core);
  engine.initialize();
  return { engine, run: undefined };
}

/** What `make` makes of a core, whose workers end when it fails. */
function onCore(core: Core, make: (core: Core) => MadeEngine): MadeEngine {
  try {
    return make(core);
  } catch (error) {
    core.dispose();
    throw error;
  }
}
