import { afterEach, expect, test, vi } from "vitest";
import { spawn } from "../../src/platform/workers.ts";

afterEach(() => vi.unstubAllGlobals());

class WebWorker {
  readonly url: string;
  constructor(url: string) {
    this.url = url;
  }
}

/** A host whose node:worker_threads refuses workers, as in a page of Electron. */
function stubElectron() {
  const Worker = class {
    constructor() {
      throw new Error("this platform does not support creating Workers");
    }
  };
  vi.stubGlobal("process", { ...process, getBuiltinModule: () => ({ Worker }) });
}

test("the web's worker is used if node:worker_threads refuses one", () => {
  stubElectron();
  vi.stubGlobal("Worker", WebWorker);
  const worker = spawn("program");
  expect(worker).toBeInstanceOf(WebWorker);
  expect((worker as unknown as WebWorker).url).toMatch(/^blob:/);
});

test("without another worker the error is the refusal", () => {
  stubElectron();
  vi.stubGlobal("Worker", undefined);
  expect(() => spawn("program")).toThrow(/does not support creating Workers/);
});

test("a host without workers throws a clear error", () => {
  vi.stubGlobal("process", undefined);
  vi.stubGlobal("Worker", undefined);
  expect(() => spawn("program")).toThrow("the host has no workers");
});
