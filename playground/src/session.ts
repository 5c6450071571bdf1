// The unfinished session, in the browser's own storage: settings and the model with its optimizer.

import { del, get, set } from "idb-keyval";
import type { Change, Settings } from "./settings.ts";

export interface Session {
  readonly settings: Settings;
  readonly changes: readonly Change[];
  readonly step: number;
  readonly bytes: Uint8Array;
}

const KEY = "session";
let complained = false;

/** Keeps the session; returns what the visitor should know, once, where that is not possible. */
export async function keepSession(session: Session): Promise<string | null> {
  try {
    await set(KEY, session);
    return null;
  } catch (error) {
    if (complained) return null;
    complained = true;
    const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
    return isFull
      ? "The browser's storage is full, so a reload would start anew. Download the model to keep it."
      : "The browser does not let this page store anything, so a reload would start anew. Download the model to keep it.";
  }
}

export async function keptSession(): Promise<Session | undefined> {
  try {
    return await get<Session>(KEY);
  } catch {
    return undefined;
  }
}

export function forgetSession(): void {
  del(KEY).catch(() => {});
}
