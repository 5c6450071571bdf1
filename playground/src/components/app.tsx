// The page: its head, the controls, three columns, and the messages.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { attribution } from "tied-autoencoder/digits";
import { openFiles } from "../data/files.ts";
import {
  busy,
  data,
  dismiss,
  fatal,
  floor,
  forgetUnfinished,
  frame,
  narrow,
  notices,
  playing,
  tied,
  unfinished,
} from "../state.ts";
import { Controls } from "./controls.tsx";
import { DataPanel, Doing } from "./data.tsx";
import { Dialogs, Exits } from "./dialogs.tsx";
import { Loss } from "./loss.tsx";
import { CodeMap } from "./map.tsx";
import { Network } from "./network.tsx";
import { Scrub } from "./scrub.tsx";
import { Lessons, lookAt, Story } from "./story.tsx";
import { TABS, type TabName, tab } from "./tabs.ts";
import { UnitPanel } from "./unit.tsx";

const dropping = signal(false);

export function App() {
  useFileDrop();
  if (fatal.value) return <Fatal message={fatal.value} />;
  return (
    <>
      <header class="top">
        <div class="title">
          <h1>One weight, used twice</h1>
          <p>
            An autoencoder is a network that compresses each row of data to a few numbers, its code,
            and reconstructs the row from the code. A tied autoencoder does both with the same
            weights. This one is learning in your browser.
          </p>
        </div>
        {!narrow.value && <Exits />}
      </header>
      <Story />
      <Controls />
      <Said />
      {narrow.value && <Tabs />}
      <main class="columns" data-tab={tab.value} data-look={lookAt.value}>
        <div class="column" {...panelOf("data")}>
          <DataPanel />
          <Doing />
        </div>
        <div class="column" {...panelOf("network")}>
          <section class="panel centre" aria-label="The network">
            <div class="panel-head">
              <h2>Network</h2>
              <Steps />
            </div>
            <Network />
            <UnitPanel />
            <Scrub />
          </section>
          <Lessons />
        </div>
        <div class="column" {...panelOf("map")}>
          <CodeMap />
          <Loss />
        </div>
      </main>
      {narrow.value && <Exits />}
      <footer>
        <p>
          Digits: {attribution}. Nothing you draw or drop leaves this page. Made with{" "}
          <a href="https://www.npmjs.com/package/tied-autoencoder">tied-autoencoder</a>.
        </p>
      </footer>
      <Dialogs />
      {dropping.value && <div class="drop">Drop a CSV, images or MNIST files</div>}
    </>
  );
}

const panelOf = (name: TabName) => ({
  id: `part-${name}`,
  "data-part": name,
  ...(narrow.value ? { role: "tabpanel" as const, "aria-labelledby": `tab-${name}` } : {}),
});

/** Tabs for the keyboard: Tab reaches the chosen one, arrows choose another. */
function Tabs() {
  const keyed = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const at = TABS.findIndex(([name]) => name === tab.value);
    const [next] = TABS[(at + by + TABS.length) % TABS.length] ?? TABS[0];
    tab.value = next;
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Parts of the page" onKeyDown={keyed}>
      {TABS.map(([name, word]) => (
        <button
          type="button"
          role="tab"
          key={name}
          id={`tab-${name}`}
          aria-controls={`part-${name}`}
          aria-selected={tab.value === name}
          tabIndex={tab.value === name ? 0 : -1}
          onClick={() => {
            tab.value = name;
          }}
        >
          {word}
        </button>
      ))}
    </div>
  );
}

function Steps() {
  const { value: now } = frame;
  return (
    <p class="step-count" id="steps" data-step={now?.step ?? 0} aria-hidden="true">
      step <b>{(now?.step ?? 0).toLocaleString("en")}</b> epoch <b>{(now?.epoch ?? 0) + 1}</b>
    </p>
  );
}

/** The messages of the page: progress, problems, and a summary for screen readers at most every two seconds. */
function Said() {
  return (
    <div class="said">
      {busy.value && (
        <p class="notice busy" role="status">
          {busy.value}
        </p>
      )}
      {unfinished.value && (
        <p class="notice info" role="status">
          {unfinished.value.file === null
            ? `You were at step ${unfinished.value.step.toLocaleString("en")} when you left.`
            : `You were at step ${unfinished.value.step.toLocaleString("en")} on \u201c${unfinished.value.file}\u201d when you left. This page does not store your data: choose the same file, and training continues from there.`}{" "}
          <button type="button" class="quiet" onClick={() => unfinished.value?.resume()}>
            {unfinished.value.file === null ? "Continue from there" : "Choose the file"}
          </button>{" "}
          <button type="button" class="quiet" onClick={forgetUnfinished}>
            Start again
          </button>
        </p>
      )}
      {notices.value.map((notice) => (
        <p
          class={`notice ${notice.kind}`}
          role={notice.kind === "problem" ? "alert" : "status"}
          key={notice.text}
        >
          {notice.text}{" "}
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => dismiss(notice)}>
            ×
          </button>
        </p>
      ))}
      <Summary />
    </div>
  );
}

const summary = signal("");

function Summary() {
  useEffect(() => {
    const timer = setInterval(() => {
      const now = frame.value;
      if (!now) return;
      const number = (value: number) => value.toPrecision(2);
      const floorText = Number.isFinite(floor.value) ? `; PCA has ${number(floor.value)}` : "";
      const twin = tied.value || !now.twin ? "" : `; the untied twin has ${number(now.twin.loss)}`;
      const next = `${playing.value ? "Training" : "Paused"} on ${data.value.title}: step ${now.step}, held-out loss ${number(now.heldOut)}${floorText}${twin}.`;
      if (next !== summary.value) summary.value = next;
    }, 2000);
    return () => clearInterval(timer);
  }, []);
  return (
    <p class="visually-hidden" aria-live="polite" id="summary">
      {summary.value}
    </p>
  );
}

function Fatal({ message }: { readonly message: string }) {
  return (
    <main class="fatal">
      <h1>One weight, used twice</h1>
      <p role="alert">This page cannot train here: {message}</p>
      <p>
        It needs WebAssembly with SIMD, which every browser since 2023 has, and a worker. A strict
        security setting or an extension can forbid them.
      </p>
    </main>
  );
}

function useFileDrop(): void {
  useEffect(() => {
    const over = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      dropping.value = true;
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) dropping.value = false;
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      dropping.value = false;
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length > 0) void openFiles(files);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, []);
}
