// Saves a model during training, at regular intervals between two steps, and at the end. A failed save does not end
// training: it is reported and repeated later. If the model cannot be saved under its name at the end, it is saved in
// another folder. If that fails too, the program waits and tries again.

import { homedir, tmpdir } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { openReplacement } from "../platform/save-file.ts";
import { CommandError } from "./errors.ts";
import { type Output, writing } from "./output.ts";
import type { Reporter } from "./report.ts";
import { shellQuote } from "./text.ts";

export interface KeeperOptions {
  /** The model's file. */
  readonly path: string;
  /** Seconds between two saves; 0 for none before the end. */
  readonly every: number;
  /** The bytes of the file in pieces. */
  encode(): Uint8Array[];
  /** The number of training steps so far, for messages. */
  steps(): number;
  readonly report: Reporter;
}

/** File mode for saving in another folder, which may be shared: only the owner can read the file. */
const PRIVATE = 0o600;
/** Encoding the file interrupts training. It takes at most this share of the time. */
const SHARE = 0.1;
/** Milliseconds between two attempts if saving at the end fails. */
const RETRY = 5000;

export class Keeper {
  readonly #options: KeeperOptions;
  /** When the next save is due, on the clock of `performance.now`. */
  #due: number;
  /** The save that is running. */
  #saving: Promise<void> | undefined;
  #failed: string | undefined;
  #saved: number | undefined;
  /** Ends the wait for the reader of a pipe, or for the next attempt to save. */
  #waiting = new AbortController();

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#due = options.every > 0 ? performance.now() + options.every * 1000 : Infinity;
  }

  /** Steps of the model that was saved last. */
  get saved(): number | undefined {
    return this.#saved;
  }

  /** Called between two steps. Starts a save if it is due. Training continues while the file is written. */
  step(): void {
    if (performance.now() < this.#due) return;
    this.#due = Infinity; // one at a time
    this.#saving = this.#autosave();
  }

  async #autosave(): Promise<void> {
    const { path, every, encode, report } = this.#options;
    let next = every * 1000;
    try {
      const started = performance.now();
      const pieces = encode();
      const steps = this.#options.steps();
      next = Math.max(next, (performance.now() - started) / SHARE);
      await writing(path, (output) => writeAll(output, pieces));
      if (this.#failed !== undefined) report.say(`Saved ${path} again.`);
      this.#failed = undefined;
      this.#saved = steps;
      report.event("autosave", () => ({ file: path, steps }));
    } catch (error) {
      const reason = (error as Error).message;
      if (reason !== this.#failed) {
        report.warn(
          `the model could not be saved: ${reason}. Training continues; the next attempt is in ${every} s`,
        );
      }
      this.#failed = reason;
    }
    this.#due = performance.now() + next;
  }

  /** Called for a signal. Ends waiting, but does not interrupt a save to a disk. */
  interrupt(): void {
    this.#waiting.abort();
  }

  /** Saves at the end. @throws CommandError if the model could not be saved under its name. */
  async finish(): Promise<void> {
    this.#due = Infinity;
    await this.#saving;
    const { path, encode, report } = this.#options;
    const pieces = encode();
    const save = () =>
      writing(path, (output) => writeAll(output, pieces), { waiting: this.#waiting.signal });
    try {
      return await save();
    } catch (error) {
      const rescued = await saveElsewhere(path, pieces);
      if (rescued !== undefined) throw this.#savedElsewhere((error as Error).message, rescued);
      report.warn(
        `the model could not be saved: ${(error as Error).message}. Nothing is lost yet: this process (${process.pid}) holds it and tries again every ${RETRY / 1000} s, also in ${places(path).join(", ")}. Make room in one of them, or end the process by a signal such as Ctrl-C, which tries once more and then loses the model`,
      );
    }
    // A signal from before this wait must not end it.
    this.#waiting = new AbortController();
    for (;;) {
      const isLast = await waited(RETRY, this.#waiting.signal);
      try {
        return await save();
      } catch (error) {
        const { message } = error as Error;
        const rescued = await saveElsewhere(path, pieces);
        if (rescued !== undefined) throw this.#savedElsewhere(message, rescued);
        if (isLast) throw new CommandError(`${message}; the model is lost`, { file: path });
      }
    }
  }

  #savedElsewhere(reason: string, rescued: string): CommandError {
    const { path, report } = this.#options;
    report.event("rescued", () => ({ file: rescued, wanted: path, reason }));
    return new CommandError(
      `${reason}. The model is saved in ${rescued}. To bring it where it should be:\n  mv ${shellQuote(rescued)} ${shellQuote(path)}`,
      { file: path },
    );
  }
}

/** Folders to try if saving fails: that of the file, the current one, the home folder, the one for temporary files. */
function places(path: string): string[] {
  const folders = [() => dirname(path), () => process.cwd(), homedir, tmpdir].flatMap((folder) => {
    try {
      return [resolve(folder())];
    } catch {
      return []; // the folder in which the program was started is gone
    }
  });
  return [...new Set(folders)];
}

/** Saves under a new name in the first folder in which this succeeds; undefined if none does. */
async function saveElsewhere(path: string, pieces: Uint8Array[]): Promise<string | undefined> {
  const ending = extname(path);
  const stem = basename(path, ending).slice(0, 100);
  for (const folder of places(path)) {
    const time = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
    const name = join(
      folder,
      `${stem}-rescued-${time}-${crypto.randomUUID().slice(0, 8)}${ending.slice(0, 20)}`,
    );
    try {
      const replacement = await openReplacement(name, PRIVATE);
      try {
        await writeAll(replacement, pieces);
        await replacement.commit();
        return name;
      } finally {
        await replacement.discard();
      }
    } catch {
      // Try the next folder.
    }
  }
  return undefined;
}

async function writeAll(
  output: Pick<Output, "write">,
  pieces: readonly Uint8Array[],
): Promise<void> {
  for (const piece of pieces) await output.write(piece);
}

/** Waits. True if a signal ended the wait. */
const waited = (milliseconds: number, signal: AbortSignal): Promise<boolean> =>
  wait(milliseconds, false, { signal }).catch(() => true);
