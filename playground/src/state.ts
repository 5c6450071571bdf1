// The state of the page, as signals, and its actions. Components read signals and call these functions.

import workerProgram from "virtual:worker";
import { batch, computed, effect, type Signal, signal } from "@preact/signals";
import { Client, LabError } from "./client.ts";
import { makeData } from "./data/sets.ts";
import { detectorPValue, helperClient } from "./helper.ts";
import { LESSONS, type Lesson } from "./lessons.ts";
import type { Calls, DataSet, Frame, Score, View } from "./protocol.ts";
import {
  forgetSession,
  keepPlace,
  keepSession,
  type Place,
  type Unfinished,
  unfinishedSession,
} from "./session.ts";
import { type Change, DEFAULTS, type LiveKey, type Settings, SUITED } from "./settings.ts";
import { linkFor, readLink } from "./share.ts";

/** A message of the page: a problem, a hint, or the result of a replay. */
export interface Notice {
  readonly kind: "info" | "good" | "problem";
  readonly text: string;
}

/** The settings that the controls show. */
export const settings = signal<Settings>(DEFAULTS);
/** The settings with which the model was made. Links and programs begin with them. */
export const origin = signal<Settings>(DEFAULTS);
export const data = signal<DataSet>(makeData("digits"));
export const frame = signal<Frame | null>(null);
/** A frame eight times a second, for text: people cannot read what changes in every frame. */
export const slowFrame = signal<Frame | null>(null);
export const floor = signal(Number.NaN);
export const playing = signal(false);
export const busy = signal<string | null>("Starting");
export const tied = signal(true);
export const speed = signal(4);
export const sample = signal(0);
export const axes = signal<readonly [number, number] | null>(null);
export const hoveredUnit = signal(-1);
export const pinnedUnit = signal(-1);
export const past = signal<number | null>(null);
export const lesson = signal<Lesson | null>(null);
export const notices = signal<readonly Notice[]>([]);
export const changes = signal<readonly Change[]>([]);
export const threshold = signal<number | null>(null);
export const fatal = signal<string | null>(null);

export const drawn = signal<Float32Array>(new Float32Array(64));
export const score = signal<Score | null>(null);
/** The detector's p-value of the drawing. Null until the detector has learned the data. */
export const detected = signal<number | null>(null);

/** The point that is dragged over the map, and the decoding of its code. */
export const marker = signal<readonly [number, number] | null>(null);
export const decoded = signal<Float32Array | null>(null);
/** Rows that were selected, and the strip of images under the map. */
export const selected = signal<ReadonlySet<number>>(new Set());
export const strip = signal<{ readonly title: string; readonly images: Float32Array } | null>(null);

export const unit = computed(() => (hoveredUnit.value >= 0 ? hoveredUnit.value : pinnedUnit.value));
export const prefersStill = signal(false);
export const dark = signal(false);
/** The page has one column with tabs. */
export const narrow = signal(false);

/** Points of the loss chart. Every second point is dropped when there are too many. */
export const curve = {
  steps: [] as number[],
  loss: [] as number[],
  heldOut: [] as number[],
  twin: [] as number[],
  drift: [] as number[],
};
const MOST_POINTS = 1200;
let curveEvery = 1;

let client: Client<Calls> | undefined;
let generation = 0;
/** The generation of the model that the worker has. */
let frameOfOpen = 0;
let opening: Promise<boolean> = Promise.resolve(true);
/** Restores the state of the model that the worker has. */
let goBack = () => {};

const view = (): View => ({ sample: sample.value, axes: axes.value, unit: unit.value });

export function say(text: string, kind: Notice["kind"] = "info"): void {
  notices.value = [...notices.value.filter((notice) => notice.text !== text), { kind, text }].slice(
    -3,
  );
}

export function dismiss(notice: Notice): void {
  notices.value = notices.value.filter((each) => each !== notice);
}

interface OpenOptions {
  readonly changes?: readonly Change[];
  readonly saved?: Uint8Array | null;
  readonly tied?: boolean;
  /** A visitor's own data. */
  readonly data?: DataSet;
}

/** Starts a new model. If it cannot be made, the page keeps the old model and its data, and says why. */
export function open(next: Settings, options: OpenOptions = {}): Promise<boolean> {
  unfinished.value = null; // the visitor has chosen something else
  if (frameOfOpen === generation) goBack = wayBack();
  generation++;
  const own = generation;
  const changed = next.data !== settings.value.data;
  batch(() => {
    origin.value = next;
    settings.value = afterChanges(next, options.changes ?? []);
    if (options.data) useData(options.data);
    else if (changed && next.data !== "own" && next.data !== "mnist") useData(makeData(next.data));
    changes.value = options.changes ?? [];
    tied.value = next.family !== "dense" || (options.tied ?? tied.value);
    past.value = null;
    marker.value = null;
    decoded.value = null;
    strip.value = null;
    selected.value = new Set();
    score.value = null;
    detected.value = null;
    pinnedUnit.value = -1;
    hoveredUnit.value = -1;
    axes.value = null;
    busy.value = "Making the model";
  });
  opening = opening.then(async () => {
    if (own !== generation) return false;
    try {
      client ??= new Client<Calls>(workerProgram);
      const first = await client.ask("open", {
        settings: next,
        data: data.value,
        changes: options.changes ?? [],
        saved: options.saved ?? null,
        view: view(),
      });
      if (own !== generation) return false;
      frameOfOpen = own;
      clearCurve();
      batch(() => {
        floor.value = Number.NaN;
        show(first);
        busy.value = null;
      });
      floor.value = await client.ask("floor", null);
      if (!tied.value) await setTied(false);
      if (drawn.value.some((value) => value > 0)) void scoreDrawing();
      return true;
    } catch (error) {
      if (own !== generation || frameOfOpen === own || isFatal(error)) {
        failed(error);
        return frameOfOpen === own;
      }
      goBack();
      frameOfOpen = own;
      busy.value = null;
      say(messageOf(error), "problem");
      void look();
      return false;
    }
  });
  return opening;
}

/** Remembers the state of the present model. The function that it returns restores this state. */
function wayBack(): () => void {
  const perModel = [settings, origin, data, frame, slowFrame, changes, tied];
  const states: readonly { value: unknown }[] = [...perModel, sample, drawn, threshold];
  const values = states.map(({ value }) => value);
  return () =>
    batch(() => {
      states.forEach((state, i) => {
        state.value = values[i];
      });
    });
}

function afterChanges(begin: Settings, made: readonly Change[]): Settings {
  const sorted = [...made].sort((a, b) => a.step - b.step);
  return { ...begin, ...Object.fromEntries(sorted.map(({ key, value }) => [key, value])) };
}

function useData(next: DataSet): void {
  frame.value = null; // it belongs to other data
  slowFrame.value = null;
  data.value = next;
  sample.value = Math.min(sample.value, next.values.length / next.columns - 1);
  drawn.value = new Float32Array(next.kind === "image" ? next.columns : 0);
  threshold.value = null;
}

/** Opens a visitor's own data. The same data as before a reload continue where they were. */
export async function openOwn(next: DataSet, name: "own" | "mnist"): Promise<void> {
  const left = leftWithOwn;
  leftWithOwn = undefined;
  if (left && left.checksum === next.checksum) {
    await continueFrom(left, next);
    return;
  }
  const suited = { ...settings.value, ...SUITED[name], data: name };
  const code = Math.min(suited.code, next.columns);
  if (await open({ ...suited, code }, { data: next })) play();
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** The host cannot train at all. */
const isFatal = (error: unknown) =>
  error instanceof LabError && ["UnsupportedHostError", "WorkerError"].includes(error.kind);

function failed(error: unknown): void {
  playing.value = false;
  busy.value = null;
  if (isFatal(error)) fatal.value = messageOf(error);
  else say(messageOf(error), "problem");
}

// Training: one question a frame. The next question waits until the answer is drawn.

let looping = false;

export function play(): void {
  if (fatal.value) return;
  if (past.value !== null) backToNow();
  playing.value = true;
  if (looping) return;
  looping = true;
  requestAnimationFrame(turn);
}

export function pause(): void {
  playing.value = false;
  void keep();
}

async function turn(): Promise<void> {
  if (!playing.value || !client) {
    looping = false;
    return;
  }
  if (busy.value === null) {
    const own = generation;
    try {
      const next = await client.ask("run", {
        steps: speed.value,
        until: Number.MAX_SAFE_INTEGER,
        milliseconds: 14,
        view: view(),
      });
      if (own === generation && past.value === null) show(next);
    } catch (error) {
      failed(error);
    }
  }
  requestAnimationFrame(turn);
}

export async function step(): Promise<void> {
  if (!client || busy.value !== null || fatal.value) return;
  playing.value = false;
  if (past.value !== null) backToNow();
  const request = { steps: 1, until: Number.MAX_SAFE_INTEGER, milliseconds: 1000, view: view() };
  await client.ask("run", request).then(show, failed);
}

export async function reset(): Promise<void> {
  forgetSession();
  await open(settings.value, { tied: tied.value });
}

const SLOW = 125;
let slowSince = 0;

function show(next: Frame): void {
  if (next.diverged && playing.value) {
    playing.value = false;
    say(next.diverged, "problem");
  }
  if (Number.isFinite(next.loss)) {
    const last = curve.steps.at(-1) ?? -1;
    if (next.step > last && (next.step - Math.max(last, 0) >= curveEvery || last < 0)) {
      curve.steps.push(next.step);
      curve.loss.push(next.loss);
      curve.heldOut.push(next.heldOut);
      curve.twin.push(next.twin?.loss ?? Number.NaN);
      curve.drift.push(next.twin?.distance ?? Number.NaN);
      if (curve.steps.length > MOST_POINTS) thinCurve();
    }
  }
  frame.value = next;
  const now = performance.now();
  if (!playing.value || now - slowSince > SLOW) {
    slowSince = now;
    slowFrame.value = next;
  }
  if (marker.value) void decodeMarker();
}

function clearCurve(): void {
  for (const list of Object.values(curve)) list.length = 0;
  curveEvery = 1;
}

function thinCurve(): void {
  const keep = <Value>(list: Value[]) => {
    const kept = list.filter((_, i) => i % 2 === 0);
    list.length = 0;
    list.push(...kept);
  };
  keep(curve.steps);
  keep(curve.loss);
  keep(curve.heldOut);
  keep(curve.twin);
  keep(curve.drift);
  curveEvery = Math.max(1, ((curve.steps.at(-1) ?? 0) / MOST_POINTS) * 1.5);
}

/** Draws the model again after the visitor looks at something else while training is paused. */
export async function look(): Promise<void> {
  if (!client || busy.value !== null || (playing.value && past.value === null)) return;
  const own = generation;
  const next = await client.ask("look", { view: view(), past: past.value }).catch(() => undefined);
  if (next && own === generation) show(next);
}

export function lookBack(at: number | null): void {
  playing.value = false;
  past.value = at;
  void look();
}

function backToNow(): void {
  past.value = null;
}

/** Changes a setting. Learning rate and noise change while training runs; other settings make a new model. */
export async function change(next: Partial<Settings>): Promise<void> {
  const before = settings.value;
  const live = (["learningRate", "noise"] as const).filter(
    (key) => next[key] !== undefined && next[key] !== before[key],
  );
  const isLive = Object.keys(next).every((key) => (live as readonly string[]).includes(key));
  lesson.value = null;
  if (!isLive || !client || (frame.value?.step ?? 0) === 0) {
    if (
      Object.keys(next).every(
        (key) => next[key as keyof Settings] === before[key as keyof Settings],
      )
    )
      return;
    const wasPlaying = playing.value;
    await open({ ...before, ...next });
    if (wasPlaying) play();
    return;
  }
  settings.value = { ...before, ...next };
  for (const key of live) await changeLive(key, next[key] ?? before[key]);
}

async function changeLive(key: LiveKey, value: number): Promise<void> {
  const made = await client?.ask("change", { key, value });
  // A slider passes many values at one step. Only the last one has an effect.
  const others = changes.value.filter((each) => each.key !== key || each.step !== made?.step);
  if (made) changes.value = [...others, made];
}

export async function setTied(next: boolean): Promise<void> {
  tied.value = next;
  if (!client || busy.value !== null) return;
  await client.ask("tie", { tied: next, view: view() }).then(show, failed);
}

// Drawing, dragging, selecting

let scoring = false;
let scoreAgain = false;

/** Scores the drawing. While a score is computed, only the newest drawing waits. */
export async function scoreDrawing(): Promise<void> {
  if (!client || busy.value !== null) return;
  if (scoring) {
    scoreAgain = true;
    return;
  }
  scoring = true;
  try {
    do {
      scoreAgain = false;
      score.value = await client.ask("score", { values: drawn.value.slice() });
    } while (scoreAgain);
  } catch (error) {
    failed(error);
  } finally {
    scoring = false;
  }
}

let detecting = false;
let detectAgain = false;

/** Asks the detector about the drawing, at the end of a stroke: it takes longer than a frame. */
export async function detectDrawing(): Promise<void> {
  if (detecting) {
    detectAgain = true;
    return;
  }
  detecting = true;
  try {
    do {
      detectAgain = false;
      const [asked, about] = [drawn.value, data.value];
      const pValue = await detectorPValue(about, asked.slice());
      if (drawn.value === asked && data.value === about) detected.value = pValue;
      else detectAgain = drawn.value.some((value) => value > 0);
    } while (detectAgain);
  } catch (error) {
    failed(error);
  } finally {
    detecting = false;
  }
}

export function clearDrawing(): void {
  drawn.value = new Float32Array(drawn.value.length);
  score.value = null;
  detected.value = null;
}

/** The code at a place of the map. */
function codeAt(x: number, y: number): Float32Array {
  const plane = frame.value?.plane;
  if (!plane) return new Float32Array(settings.value.code);
  const { origin, across, up } = plane;
  return origin.map((value, i) => value + x * (across[i] ?? 0) + y * (up[i] ?? 0));
}

let decoding = false;

export function moveMarker(x: number, y: number): void {
  marker.value = [x, y];
  void decodeMarker();
}

async function decodeMarker(): Promise<void> {
  const at = marker.value;
  if (!client || !at || decoding) return;
  decoding = true;
  try {
    decoded.value = await client.ask("decode", { codes: codeAt(...at) });
  } catch (error) {
    failed(error);
  } finally {
    decoding = false;
  }
  if (marker.value && marker.value !== at) void decodeMarker();
}

/** Shows the mean of the selected rows beside the decoding of their mean code. The two differ. */
export async function showMean(rows: readonly number[]): Promise<void> {
  selected.value = new Set(rows);
  strip.value = null;
  if (!client || rows.length === 0) return;
  const codes = await client.ask("codesOf", { rows });
  const size = codes.length / rows.length;
  const code = new Float32Array(size);
  codes.forEach((value, i) => {
    code[i % size] = (code[i % size] ?? 0) + value / rows.length;
  });
  const { values, columns } = data.value;
  const pixels = new Float32Array(columns);
  for (const row of rows) {
    for (let c = 0; c < columns; c++) {
      pixels[c] = (pixels[c] ?? 0) + (values[row * columns + c] ?? 0) / rows.length;
    }
  }
  const image = await client.ask("decode", { codes: code });
  const both = new Float32Array(columns * 2);
  both.set(pixels);
  both.set(image, columns);
  const kind = data.value.kind === "image" ? "pixels" : "values";
  const [own, ofCode] =
    rows.length === 1
      ? [`1 row: its ${kind}`, "its code"]
      : [`${rows.length} rows: the mean of their ${kind}`, "their mean code"];
  strip.value = {
    title: `${own}, and the decoding of ${ofCode}`,
    images: both,
  };
}

const WALK = 9;

/** Decodes the straight line between the codes of two rows. */
export async function walk(from: number, to: number): Promise<void> {
  selected.value = new Set([from, to]);
  if (!client) return;
  const codes = await client.ask("codesOf", { rows: [from, to] });
  const size = codes.length / 2;
  const line = Float32Array.from({ length: WALK * size }, (_, i) => {
    const share = Math.floor(i / size) / (WALK - 1);
    return (codes[i % size] ?? 0) * (1 - share) + (codes[size + (i % size)] ?? 0) * share;
  });
  strip.value = {
    title: `From row ${from} to row ${to} on a straight line through the code`,
    images: await client.ask("decode", { codes: line }),
  };
}

export function chooseSample(row: number): void {
  const count = data.value.values.length / data.value.columns;
  sample.value = ((row % count) + count) % count;
  void look();
}

// Sharing

export async function shareLink(): Promise<string> {
  playing.value = false;
  const checksum = (await client?.ask("checksum", null)) ?? null;
  const hash = linkFor({
    settings: origin.value,
    changes: changes.value,
    step: frame.value?.step ?? 0,
    checksum,
    tied: tied.value,
    lesson: lesson.value?.id ?? null,
  });
  return location.href.replace(/#.*$/, "") + hash;
}

export async function checksum(): Promise<string> {
  return (await client?.ask("checksum", null)) ?? "";
}

/** The package's report on the model as it is, as HTML. */
export async function modelReport(): Promise<string> {
  const model = await modelFile("safetensors");
  const { steps, loss, heldOut } = curve;
  const request = { model, data: data.value, steps, loss, heldOut, floor: floor.value };
  return (await helperClient()).ask("report", request);
}

export async function modelFile(kind: "safetensors" | "onnx"): Promise<Uint8Array> {
  const bytes = await client?.ask("file", { kind });
  return bytes ?? new Uint8Array();
}

/** Trains up to a step as fast as possible, with the progress in words. Returns whether it got there. */
async function trainTo(until: number): Promise<boolean> {
  const own = generation;
  while (client && own === generation && (frame.value?.step ?? 0) < until) {
    busy.value = `Replaying: step ${frame.value?.step ?? 0} of ${until}`;
    const request = { steps: until, until, milliseconds: 60, view: view() };
    const next = await client.ask("run", request);
    if (own !== generation) return false;
    show(next);
    if (next.diverged) break;
  }
  busy.value = null;
  return own === generation;
}

/** Repeats the training of a link and compares the checksum of the weights. */
async function replay(until: number, expected: string | null): Promise<void> {
  if (!(await trainTo(until))) return;
  const sum = await checksum();
  const where = `step ${frame.value?.step ?? 0}, checksum ${sum}`;
  if (expected === null) say(`Replayed to ${where}.`);
  else if (sum === expected) say(`Replayed to ${where}: the same weights, bit for bit.`, "good");
  else {
    const text = `Replayed to ${where}, but the link says ${expected}. The link was edited, or made by another version.`;
    say(text, "problem");
  }
}

export async function openLesson(chosen: Lesson): Promise<void> {
  lesson.value = chosen;
  await open(chosen.settings, { tied: chosen.tied });
  if (!prefersStill.value) play();
}

/** Opens the link in the address. Returns false if there is none. */
async function follow(hash: string): Promise<boolean> {
  const link = readLink(hash);
  if (!link) return false;
  const { shared, problems } = link;
  if (problems.length > 0) say(problems.join(" "), "problem");
  lesson.value = LESSONS.find(({ id }) => id === shared.lesson) ?? null;
  playing.value = false;
  if (!(await open(shared.settings, { changes: shared.changes, tied: shared.tied }))) return true;
  if (shared.step === null) {
    if (!prefersStill.value) play();
  } else await replay(shared.step, shared.checksum).catch(failed);
  return true;
}

// Sessions: a reload in the middle of training loses nothing.

/** A session that was left unfinished, offered until it is taken or refused. */
export const unfinished = signal<{
  readonly step: number;
  /** The visitor's own files, which have to be chosen again. */
  readonly file: string | null;
  resume(): void;
} | null>(null);
/** The session of a visitor's own data, until data are opened. */
let leftWithOwn: Unfinished | undefined;

function place(): Place | undefined {
  const step = frame.value?.step ?? 0;
  // While an older session is offered, it stays in the storage.
  if (step === 0 || past.value !== null || unfinished.value) return undefined;
  const { title, checksum } = data.value;
  const own = checksum === undefined ? {} : { title, checksum };
  return { settings: origin.value, changes: changes.value, step, ...own };
}

async function keep(): Promise<void> {
  if (!client || busy.value !== null || !place()) return;
  const own = generation;
  const bytes = await client.ask("file", { kind: "resume" }).catch(() => undefined);
  // The step of the bytes: an earlier request for a frame has been answered by now.
  const now = place();
  if (!bytes || !now || own !== generation) return;
  const problem = await keepSession({ ...now, bytes });
  if (problem) say(problem, "problem");
}

async function continueFrom(left: Unfinished, own?: DataSet): Promise<void> {
  const { settings: begun, changes: made, step, bytes } = left;
  const given = own ? { data: own } : {};
  if (!(await open(begun, { changes: made, saved: bytes, ...given }))) return;
  if (await trainTo(step).catch(failed)) play();
}

/** The visitor does not want the unfinished session. */
export function forgetUnfinished(): void {
  unfinished.value = null;
  leftWithOwn = undefined;
  forgetSession();
}

async function offerUnfinished(): Promise<void> {
  const left = await unfinishedSession();
  if (!left || left.step <= 200) return;
  const isOwn = left.checksum !== undefined;
  if (isOwn) leftWithOwn = left;
  unfinished.value = {
    step: left.step,
    file: isOwn ? (left.title ?? "your file") : null,
    resume() {
      if (isOwn) document.getElementById("files")?.click();
      else void continueFrom(left);
    },
  };
}

const KEEP_EVERY = 5000;

function followQuery(query: string, into: Signal<boolean>): void {
  const media = matchMedia(query);
  into.value = media.matches;
  media.addEventListener("change", () => {
    into.value = media.matches;
  });
}

export async function start(): Promise<void> {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  prefersStill.value = still.matches;
  followQuery("(prefers-color-scheme: dark)", dark);
  followQuery("(max-width: 999px)", narrow); // as in styles.css
  addEventListener("hashchange", () => void follow(location.hash));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) void keep();
    else if (playing.value) say("Training paused while this tab was hidden. It continues now.");
  });
  addEventListener("pagehide", () => {
    const now = place();
    if (now) keepPlace(now);
  });
  setInterval(() => {
    if (playing.value) void keep();
  }, KEEP_EVERY);
  // What the visitor looks at while training is paused.
  effect(() => {
    void unit.value;
    void axes.value;
    void look();
  });
  if (await follow(location.hash)) return;
  await open(DEFAULTS);
  if (!prefersStill.value) play();
  else say("Your system asks for less motion, so nothing moves until you press Play.");
  await offerUnfinished();
}
