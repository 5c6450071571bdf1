// Makes engines from configurations and from files.

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
import { inTurns } from "./platform/turns.ts";
import { loadThreadedCore, loadThreadedCoreSync } from "./threads/load.ts";
import type { ThreadedCoreOptions } from "./threads/options.ts";
import type { RunState } from "./training/run-state.ts";

/** The options that configure where a model runs. They are not saved with the model. */
export type RuntimeOptions = ThreadedCoreOptions;

/** An engine, and the state of its run when it was saved. */
export interface MadeEngine {
  readonly engine: Engine;
  readonly run: RunState | undefined;
}

/** An engine with new initial weights. */
export async function freshEngine(config: ModelConfig): Promise<MadeEngine> {
  const resolved = resolveConfig(config);
  return onCore(await loadThreadedCore(runtimeOptions(config)), (core) => fresh(resolved, core));
}

/** The same synchronously. */
export function freshEngineSync(config: ModelConfig): MadeEngine {
  const resolved = resolveConfig(config);
  return onCore(loadThreadedCoreSync(runtimeOptions(config)), (core) => fresh(resolved, core));
}

/** An engine with the state that a file holds. */
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
    const work = inTurns();
    const { snapshot, network, run } = await work(decodeCheckpoint(bytes));
    const engine = new Engine(snapshot.config, loaded, network);
    await work(engine.state.restoring(snapshot));
    return { engine, run };
  } catch (error) {
    loaded.dispose();
    throw error;
  }
}

/**
 * Engines of several files on one core and in one arena, for inference only. They share one workspace, which begins after
 * the memory that `make` reserves. Returns the core and the result of `make`.
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
    const engines: Engine[] = [];
    const work = inTurns();
    for (const bytes of files) {
      const { snapshot, network } = await work(decodeCheckpoint(bytes));
      const engine = new Engine(snapshot.config, core, network, arena);
      await work(engine.state.restoring(snapshot));
      engines.push(engine);
    }
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

/** Calls `make` with a core. Ends the workers of the core if it throws. */
function onCore(core: Core, make: (core: Core) => MadeEngine): MadeEngine {
  try {
    return make(core);
  } catch (error) {
    core.dispose();
    throw error;
  }
}
