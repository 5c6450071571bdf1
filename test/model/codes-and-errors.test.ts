import { describe, expect, it } from "vitest";
import { TiedAutoencoder } from "../../src/autoencoder.ts";

describe("codes and errors in one pass", () => {
  it.each([
    { layers: [7, 5, 3], rows: 20 },
    { layers: [7, 5], rows: 3000 },
  ])("are those of encode and featureErrors, for $layers", async ({ layers, rows }) => {
    const model = await TiedAutoencoder.create({ layers, activation: "tanh", missing: "mask" });
    const x = Float32Array.from({ length: rows * 7 }, (_, i) =>
      i % 13 === 5 ? Number.NaN : Math.sin(i * i),
    );
    model.fitScaler(x);
    const { codes, errors } = model.codesAndErrors(x);
    expect(codes).toEqual(model.encode(x));
    expect(errors).toEqual(model.featureErrors(x));
    expect(errors[5]).toBeNaN();
    model.dispose();
  });
});
