// The second worker, for files, the detector and reports. It starts when it is first needed. Its program is the file helper.js
// beside the page.

import { signal } from "@preact/signals";
import { Client } from "./client.ts";
import type { DataSet, HelperCalls } from "./protocol.ts";

declare global {
  /** What helper.js sets. */
  var playgroundHelper: string | undefined;
}

/** The progress of the detector's learning, from 0 to 1. Null before and after. */
export const learning = signal<number | null>(null);

let helper: Promise<Client<HelperCalls>> | undefined;
/** The data of the detector, and a promise that resolves when it has learned them. */
let known: { readonly data: DataSet; readonly ready: Promise<number> } | undefined;

export function helperClient(): Promise<Client<HelperCalls>> {
  helper ??= load().catch((error) => {
    helper = undefined; // the next call tries again
    throw error;
  });
  return helper;
}

async function load(): Promise<Client<HelperCalls>> {
  // A classic script, because browsers refuse modules from file: addresses.
  await new Promise<void>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "./helper.js";
    script.onload = () => resolve();
    script.onerror = () =>
      reject(new Error("a part of this page, helper.js, could not be loaded."));
    document.head.append(script);
  });
  return new Client<HelperCalls>(globalThis.playgroundHelper ?? "", (share) => {
    learning.value = share;
  });
}

/** The detector's p-value of a row. The first call for a data set fits the detector. */
export async function detectorPValue(data: DataSet, values: Float32Array): Promise<number> {
  const client = await helperClient();
  if (known?.data !== data) {
    learning.value = 0;
    const { columns } = data;
    const ready = client.ask("detect", { values: data.values, columns }).finally(() => {
      learning.value = null;
    });
    known = { data, ready };
    ready.catch(() => {
      if (known?.ready === ready) known = undefined;
    });
  }
  await known?.ready;
  return client.ask("pValue", { values });
}
