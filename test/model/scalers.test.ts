// The scalers of a configuration, and the forms in which a file can be given to load.

import { describe, expect, test } from "vitest";
import {
  FormatError,
  InvalidTypeError,
  InvalidValueError,
  TiedAutoencoder,
} from "../../src/index.ts";

describe("the range scaler", () => {
  const scaler = { type: "range", min: 0, max: 255 } as const;
  const bytes = { data: Uint8Array.of(0, 255, 51, 102), shape: [2, 2] } as const;

  test("maps min to 0 and max to 1 without seeing data", () => {
    using scaled = TiedAutoencoder.createSync({ layers: [2, 2], activation: "linear", scaler });
    using plain = TiedAutoencoder.createSync({ layers: [2, 2], activation: "linear" });
    expect(scaled.encode(bytes)).toEqual(plain.encode(Float32Array.of(0, 1, 0.2, 0.4)));
    expect(scaled.config.scaler).toEqual(scaler);
  });

  test("works with files and bce, and reconstructions are in the data's units", async () => {
    using model = TiedAutoencoder.createSync({
      layers: [2, 1],
      outputActivation: "sigmoid",
      loss: "bce",
      scaler,
    });
    expect(model.trainOnBatch(bytes)).toBeGreaterThan(0);
    const rebuilt = model.reconstruct(bytes);
    expect(rebuilt.every((value) => value > 0 && value < 255)).toBe(true);
    using same = await TiedAutoencoder.load(model.save());
    expect(same.reconstruct(bytes)).toEqual(rebuilt);
  });

  test("requires min below max", () => {
    const make = (min: number, max: number) =>
      TiedAutoencoder.createSync({ layers: [2, 1], scaler: { type: "range", min, max } });
    expect(() => make(1, 1)).toThrow(InvalidValueError);
    expect(() => make(Number.NaN, 1)).toThrow(/scaler.min/);
  });
});

describe("load", () => {
  test("takes bytes, buffers, blobs, responses and promises of them", async () => {
    using model = TiedAutoencoder.createSync({ layers: [2, 1] });
    const bytes = model.save();
    const buffer = bytes.slice().buffer;
    const files = [bytes, buffer, new Blob([bytes]), new Response(bytes), Promise.resolve(buffer)];
    for (const file of files) {
      using same = await TiedAutoencoder.load(file);
      expect(same.weights()).toEqual(model.weights());
    }
  });

  test("has clear errors for other values", async () => {
    const missing = new Response("not here", { status: 404 });
    await expect(TiedAutoencoder.load(missing)).rejects.toThrow(/status 404/);
    await expect(TiedAutoencoder.load("model" as never)).rejects.toThrow(InvalidTypeError);
    await expect(TiedAutoencoder.load(new Blob(["<html>"]))).rejects.toThrow(FormatError);
  });
});
