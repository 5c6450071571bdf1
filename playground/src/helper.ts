// The second worker, started when it is first needed: its program is the file helper.js beside the page.

import { signal } from "@preact/signals";
import { Client } from "./client.ts";
import type { DataSet, HelperCalls } from "./protocol.ts";

declare global {
  /** What helper.js sets. */
  var playgroundHelper: string | undefined;
}

/** How far the detector has learned, from 0 to 1; null before and after. */
export const learning = signal<number | null>(null);

let helper: Promise<Client<HelperCalls>> | undefined;
/** The data that the detector knows, and the promise of its having learned them. */
let known: { readonly data: DataSet; readonly ready: Promise<number> } | undefined;

export function helperClient(): Promise<Client<HelperCalls>> {
  helper ??= load().catch((error) => {
    helper = undefined; // the next wish tries again
    throw error;
  });
  return helper;
}

async function load(): Promise<Client<HelperCalls>> {
  // A script and not a module, which file: addresses would refuse.
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

/** The detector's p-value of a row, after it has learned the data once. */
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
