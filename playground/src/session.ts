// The unfinished session, in the browser's own storage. The model and its optimizer are stored every few seconds. The last step
// is stored when the page is left, which leaves no time for more. The steps between the two are taken again: training is
// deterministic, so they give the same weights.

import { del, get, set } from "idb-keyval";
import type { Change, Settings } from "./settings.ts";

/** Where training was when the page was left. */
export interface Place {
  /** The settings with which training began. */
  readonly settings: Settings;
  readonly changes: readonly Change[];
  readonly step: number;
  /** Title and checksum of a visitor's own data, which are not stored. */
  readonly title?: string | undefined;
  readonly checksum?: string | undefined;
}

/** A place, and the model at that step. */
export interface Session extends Place {
  readonly bytes: Uint8Array;
}

/** The place to continue from, with the last stored model on the way there, if any. */
export interface Unfinished extends Place {
  readonly bytes: Uint8Array | null;
}

const KEY = "session";
const PLACE_KEY = "tied-autoencoder-playground";
/** From step 0, more steps than this would take too long. */
const MOST_REPEATED = 20_000;
let complained = false;

/** Stores the session. If that is impossible, returns what the visitor should know, once. */
export async function keepSession(session: Session): Promise<string | null> {
  try {
    await set(KEY, session);
    return null;
  } catch (error) {
    if (complained) return null;
    complained = true;
    const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
    return isFull
      ? "The browser's storage is full, so a reload would start from the beginning. Download the model to keep it."
      : "The browser does not let this page store anything, so a reload would start from the beginning. Download the model to keep it.";
  }
}

/** Stores the place at once, because the page is being left. */
export function keepPlace(place: Place): void {
  try {
    localStorage.setItem(PLACE_KEY, JSON.stringify(place));
  } catch {
    // keepSession reports that storage is full or denied.
  }
}

async function keptSession(): Promise<Session | undefined> {
  try {
    return await get<Session>(KEY);
  } catch {
    return undefined;
  }
}

function keptPlace(): Place | undefined {
  try {
    return JSON.parse(localStorage.getItem(PLACE_KEY) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

const areSameRun = (a: Place, b: Place) =>
  JSON.stringify([a.settings, a.checksum]) === JSON.stringify([b.settings, b.checksum]);

/** What was left unfinished. */
export async function unfinishedSession(): Promise<Unfinished | undefined> {
  const place = keptPlace();
  const session = await keptSession();
  if (!place) return session;
  if (session && areSameRun(session, place)) {
    return session.step <= place.step ? { ...place, bytes: session.bytes } : session;
  }
  return place.step <= MOST_REPEATED ? { ...place, bytes: null } : session;
}

export function forgetSession(): void {
  try {
    del(KEY).catch(() => {});
    localStorage.removeItem(PLACE_KEY);
  } catch {
    // Nothing is stored there.
  }
}
