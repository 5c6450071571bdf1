// Saves a model as a download. A page cannot read it back.

import { StorageError } from "./errors.ts";
import { hostPart, type Place } from "./place.ts";

interface PageHost {
  readonly document?: {
    createElement(name: "a"): { href: string; download: string; click(): void };
  };
  readonly Blob?: new (parts: Uint8Array[], options: { type: string }) => object;
  readonly URL?: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void };
  setTimeout(callback: () => void, milliseconds: number): unknown;
}

/** How long the URL of a download stays valid. Browsers may first ask the user where to save the file. */
const KEPT = 60_000;

export function downloadPlace(name: string): Place {
  const oneWay = () => {
    throw new StorageError(
      `download://${name} went to the user's files. Give the file's bytes to the model's load.`,
    );
  };
  return {
    read: async () => oneWay(),
    remove: async () => oneWay(),
    async write(bytes) {
      const host = globalThis as unknown as PageHost;
      const page = hostPart(host.document, "download://", "a page");
      const Blob = hostPart(host.Blob, "download://", "a page");
      const URL = hostPart(host.URL, "download://", "a page");
      const url = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
      const link = page.createElement("a");
      link.href = url;
      link.download = name.includes(".") ? name : `${name}.safetensors`;
      link.click();
      host.setTimeout(() => URL.revokeObjectURL(url), KEPT);
    },
  };
}
