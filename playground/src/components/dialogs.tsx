// Sharing, code and downloads.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { commandLine, javascript, pytorch, type Recipe } from "../code.ts";
import {
  changes,
  checksum,
  data,
  frame,
  modelFile,
  modelReport,
  origin,
  say,
  shareLink,
} from "../state.ts";

type Kind = "share" | "code" | null;
const open = signal<Kind>(null);
const link = signal("");
const sum = signal("");
const tab = signal<"JavaScript" | "Command line" | "PyTorch">("JavaScript");

const recipe = (): Recipe => ({
  settings: origin.value,
  changes: changes.value,
  step: frame.value?.step ?? 0,
  columns: data.value.columns,
  isTable: data.value.kind === "table",
});

async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied.`, "good");
  } catch {
    say(
      "The browser does not let this page copy. Select the text and copy it yourself.",
      "problem",
    );
  }
}

async function share(): Promise<void> {
  link.value = await shareLink();
  sum.value = await checksum();
  open.value = "share";
}

const TYPES = {
  safetensors: "application/octet-stream",
  onnx: "application/octet-stream",
  html: "text/html",
} as const;

async function download(kind: keyof typeof TYPES): Promise<void> {
  try {
    const content = kind === "html" ? await modelReport() : (await modelFile(kind)).slice();
    const url = URL.createObjectURL(new Blob([content], { type: TYPES[kind] }));
    const anchor = document.createElement("a");
    anchor.href = url;
    anchor.download = `tied-autoencoder.${kind}`;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), "problem");
  }
}

export function Exits() {
  return (
    <div class="exits">
      <button type="button" onClick={() => void share()}>
        Share
      </button>
      <button
        type="button"
        onClick={() => {
          open.value = "code";
        }}
      >
        Copy as code
      </button>
      <details class="downloads">
        <summary>Download</summary>
        <div>
          <button type="button" onClick={() => void download("safetensors")}>
            Model, safetensors
          </button>
          <button type="button" onClick={() => void download("onnx")}>
            Model, ONNX
          </button>
          <button type="button" onClick={() => void download("html")}>
            Report, HTML
          </button>
        </div>
      </details>
    </div>
  );
}

export function Dialogs() {
  const element = useRef<HTMLDialogElement>(null);
  const kind = open.value;
  useEffect(() => {
    if (kind) element.current?.showModal();
    else element.current?.close();
  }, [kind]);
  const close = () => {
    open.value = null;
  };
  return (
    <dialog ref={element} onClose={close} aria-labelledby="dialog-title">
      {kind === "share" && <Share />}
      {kind === "code" && <Code />}
      <button type="button" class="action" onClick={close}>
        Close
      </button>
    </dialog>
  );
}

function Share() {
  const isOwn = ["own", "mnist"].includes(origin.value.data);
  return (
    <>
      <h2 id="dialog-title">Share this model</h2>
      {isOwn ? (
        <p>
          Your data stay on your device, so this link opens the same settings on the digits.
          Download the model to share what it learned.
        </p>
      ) : (
        <p>
          The link repeats this training up to step {frame.value?.step ?? 0}. In every browser it
          gives the same weights, bit for bit. Their checksum is <code>{sum.value}</code>.
        </p>
      )}
      <textarea readOnly rows={4} aria-label="Link" value={link.value} />
      <button type="button" class="action strong" onClick={() => void copy(link.value, "Link")}>
        Copy the link
      </button>
    </>
  );
}

function Code() {
  const writers = { JavaScript: javascript, "Command line": commandLine, PyTorch: pytorch };
  const text = writers[tab.value](recipe());
  return (
    <>
      <h2 id="dialog-title">The same as code</h2>
      <div class="tools" role="group" aria-label="Language">
        {(Object.keys(writers) as (keyof typeof writers)[]).map((name) => (
          <button
            type="button"
            key={name}
            aria-pressed={tab.value === name}
            onClick={() => {
              tab.value = name;
            }}
          >
            {name}
          </button>
        ))}
      </div>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <button type="button" class="action strong" onClick={() => void copy(text, "Code")}>
        Copy
      </button>
    </>
  );
}
