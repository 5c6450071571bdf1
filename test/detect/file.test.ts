import { describe, expect, it } from "vitest";
import { AnomalyDetector } from "../../src/detect/detector.ts";
import { FormatError } from "../../src/formats/errors.ts";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import type { NamedTensor } from "../../src/formats/safetensors-types.ts";
import { encodeSafetensors } from "../../src/formats/safetensors-write.ts";
import { faultyRows, plant, quick } from "./support/plant.ts";

const rows = [...plant(30, 2), ...faultyRows(10, 3).rows];
const detector = await AnomalyDetector.fit(plant(300, 1), quick);
const bytes = detector.save();

const objects = plant(300, 4).map(([a = 0, b = 0, c = 0], i) => ({
  a: i % 7 ? a : null,
  b,
  time: i,
  side: c > 0 ? "up" : "down",
  unit: "bar",
  price: `${b.toFixed(2).replace(".", ",")} €`,
}));

describe("a saved detector", () => {
  it("has the same results as the original", async () => {
    const loaded = await AnomalyDetector.load(bytes);
    expect(loaded.detect(rows)).toEqual(detector.detect(rows));
    expect(loaded.explain(rows.slice(0, 3))).toEqual(detector.explain(rows.slice(0, 3)));
    expect(loaded.training).toEqual(detector.training);
    expect(loaded.notes).toEqual(detector.notes);
    expect(loaded.schema).toEqual(detector.schema);
    expect(loaded.save()).toEqual(bytes);
    loaded.dispose();
  });

  it("keeps schema, cells, masks and windows", async () => {
    const mixed = await AnomalyDetector.fit(objects, {
      ...quick,
      window: { length: 4, stride: 2 },
      cells: { decimal: ",", units: ["€"] },
    });
    const loaded = await AnomalyDetector.load(mixed.save());
    expect(loaded.schema.map(({ kind }) => kind)).toEqual([
      "number",
      "number",
      "time",
      "category",
      "constant",
      "number",
    ]);
    const more = objects.map((row, i) => (i === 50 ? { ...row, side: "left", unit: "psi" } : row));
    expect(loaded.detect(more)).toEqual(mixed.detect(more));
    expect(loaded.explain(more)[50]).toEqual(mixed.explain(more)[50]);
    mixed.dispose();
    loaded.dispose();
  });

  it("keeps the state of drift", async () => {
    const watched = await AnomalyDetector.load(bytes);
    const stream = watched.stream();
    for (const row of plant(50, 6)) stream.push(row.map((value) => 3 * value));
    const loaded = await AnomalyDetector.load(watched.save());
    expect(watched.drift().rows).toBe(50);
    expect(loaded.drift()).toEqual(watched.drift());
    const [one, other] = [watched.stream(), loaded.stream()];
    for (const row of plant(20, 7)) expect(other.push(row)).toEqual(one.push(row));
    expect(loaded.drift()).toEqual(watched.drift());
    watched.dispose();
    loaded.dispose();
  });

  it("is read from a Blob, a Response, a promise or an ArrayBuffer", async () => {
    const sources = [
      new Blob([bytes]),
      new Response(bytes),
      Promise.resolve(new Response(bytes)),
      bytes.buffer,
    ];
    for (const source of sources) {
      const loaded = await AnomalyDetector.load(source);
      expect(loaded.score(rows.slice(0, 1))).toEqual(detector.score(rows.slice(0, 1)));
      loaded.dispose();
    }
    await expect(AnomalyDetector.load("detector.bin" as never)).rejects.toThrow(
      'The file of a detector must be given as bytes; got "detector.bin". loadFrom of tied-autoencoder/store reads "file:" places.',
    );
  });
});

describe("a file of another kind, or a damaged file", () => {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const named = (change: Record<string, NamedTensor | undefined> = {}): NamedTensor[] => {
    const all = new Map([...tensors].map(([name, tensor]) => [name, { name, ...tensor }]));
    for (const [name, tensor] of Object.entries(change)) {
      if (tensor) all.set(name, tensor);
      else all.delete(name);
    }
    return [...all.values()];
  };
  interface Header {
    encoder: { fields: object[] };
    drift: { martingale: object };
  }
  const header = (change: (header: Header) => void) => {
    const own: Header = JSON.parse(metadata.detector ?? "");
    change(own);
    return encodeSafetensors(named(), { ...metadata, detector: JSON.stringify(own) });
  };
  const list = (name: string, values: number[]): NamedTensor => ({
    name,
    dtype: "F64",
    shape: [values.length],
    data: Float64Array.from(values),
  });

  it.each<[string, () => Uint8Array, string]>([
    ["a cut", () => bytes.slice(0, -100), ""],
    [
      "another file",
      () => encodeSafetensors([], { format: "pt" }),
      "AnomalyDetector.load expects a file that save() wrote for a detector; got a safetensors file that this package did not write",
    ],
    [
      "a model",
      () => encodeSafetensors([], { format: "tied-autoencoder" }),
      "; got a model, use TiedAutoencoder.load.",
    ],
    ["a table", () => new TextEncoder().encode("a;b\n1;2\n"), "; got text that looks like CSV."],
    [
      "a newer one",
      () => encodeSafetensors(named(), { ...metadata, version: "2" }),
      "reads version 1",
    ],
    [
      "no description",
      () => encodeSafetensors(named(), { ...metadata, detector: "{" }),
      "description",
    ],
    [
      "a tensor too few",
      () => encodeSafetensors(named({ "calibration.scores": undefined }), metadata),
      'lacks the tensor "calibration.scores"',
    ],
    [
      "a tensor too many",
      () => encodeSafetensors(named({ more: list("more", [1]) }), metadata),
      'a tensor "more" that a detector has no place for',
    ],
    [
      "NaN in the calibration",
      () =>
        encodeSafetensors(
          named({ "calibration.scores": list("calibration.scores", [1, Number.NaN]) }),
          metadata,
        ),
      "element 1 is NaN",
    ],
    [
      "errors of another width",
      () => encodeSafetensors(named({ "errors.mean": list("errors.mean", [1, 2]) }), metadata),
      "holds 2 values; the detector asks for 6",
    ],
    [
      "models too few",
      () => encodeSafetensors(named(), { ...metadata, models: "4" }),
      'lacks the tensor "code.3.mean"',
    ],
    [
      "a huge window",
      () => header((h) => Object.assign(h, { series: { length: 1e9, stride: 1 } })),
      "asks for",
    ],
    [
      "a scale of 0",
      () => header((h) => Object.assign(h.encoder.fields[0] ?? {}, { scale: 0 })),
      "encoder.fields[0].scale must be greater than 0",
    ],
    [
      "a field of no column",
      () => header((h) => Object.assign(h.encoder.fields[5] ?? {}, { column: 17 })),
      "a column that there is not",
    ],
    [
      "a negative capital",
      () => header((h) => Object.assign(h.drift.martingale, { capital: [-1, 1, 1] })),
      "drift.capital[0]",
    ],
    [
      "notes that are none",
      () => header((h) => Object.assign(h, { notes: [3] })),
      "notes[0] must be text",
    ],
  ])("%s", async (_, make, message) => {
    const error = await AnomalyDetector.load(make()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toContain(message);
  });
});
