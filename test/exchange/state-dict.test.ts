import { describe, expect, test } from "vitest";
import { decodeSafetensors } from "../../src/formats/safetensors.ts";
import type { NamedTensor } from "../../src/formats/safetensors-types.ts";
import { encodeSafetensors } from "../../src/formats/safetensors-write.ts";
import {
  FormatError,
  fromStateDict,
  InvalidTypeError,
  InvalidValueError,
  type ModelConfig,
  TiedAutoencoder,
} from "../../src/index.ts";
import { relativeDistance } from "../support/distance.ts";
import { randomRows } from "../support/random.ts";

const model = TiedAutoencoder.createSync({ layers: [6, 4, 3], activation: "tanh" });
const weights = model.weights();
const x = randomRows(5, 6, 1);

const f32 = (name: string, shape: readonly number[], data: Float32Array): NamedTensor => ({
  name,
  dtype: "F32",
  shape,
  data: new Float32Array(data),
});

function transposed([rows, columns]: readonly number[], data: Float32Array): Float32Array {
  return data.map((_, at) => data[(at % rows!) * columns! + Math.floor(at / rows!)]!);
}

/** The tensors of a model under other names, with decoder weights if there are names for them. */
function file(names: Record<string, string>, source = model): NamedTensor[] {
  const all = source.weights();
  return Object.entries(names).map(([ours, theirs]) => {
    const i = ours.split(".")[1];
    const { shape, data } = all[ours] ?? all[`encoder.${i}.weight`]!;
    if (all[ours]) return f32(theirs, shape, data);
    return f32(theirs, [...shape].reverse(), transposed(shape, data));
  });
}

const sequential = {
  "encoder.0.weight": "encoder.0.weight",
  "encoder.0.bias": "encoder.0.bias",
  "encoder.1.weight": "encoder.2.weight",
  "encoder.1.bias": "encoder.2.bias",
  "decoder.1.weight": "decoder.0.weight",
  "decoder.1.bias": "decoder.0.bias",
  "decoder.0.weight": "decoder.10.weight",
  "decoder.0.bias": "decoder.10.bias",
};
const withoutDecoderWeights = Object.fromEntries(
  Object.entries(sequential).filter(([ours]) => !/^decoder.*weight/.test(ours)),
);
const prefixed = Object.fromEntries(
  Object.entries(sequential).map(([ours, theirs]) => [ours, `module.net2.${theirs}`]),
);

describe("names that are recognized", () => {
  test.each<[string, Record<string, string>]>([
    ["our own", Object.fromEntries(Object.keys(weights).map((name) => [name, name]))],
    ["nn.Sequential's, the decoder's weights among them", sequential],
    ["nn.Sequential's, from the code, without the decoder's weights", withoutDecoderWeights],
    ["those below a prefix", prefixed],
    [
      "W, b and c by number",
      {
        "encoder.0.weight": "W.0",
        "encoder.0.bias": "b.0",
        "decoder.0.bias": "c.0",
        "encoder.1.weight": "W.1",
        "encoder.1.bias": "b.1",
        "decoder.1.bias": "c.1",
      },
    ],
    [
      "numbers of one digit and of two, in their order as numbers",
      {
        "encoder.0.weight": "enc.9.weight",
        "encoder.0.bias": "enc.9.bias",
        "encoder.1.weight": "enc.10.weight",
        "encoder.1.bias": "enc.10.bias",
        "decoder.1.bias": "dec.9.bias",
        "decoder.0.bias": "dec.11.bias",
      },
    ],
    [
      "nested and shortened ones",
      {
        "encoder.0.weight": "enc_layers.0.0.weight",
        "encoder.0.bias": "enc_layers.0.0.bias",
        "decoder.0.bias": "dec_layers.1.0.bias",
        "encoder.1.weight": "enc_layers.1.0.weight",
        "encoder.1.bias": "enc_layers.1.0.bias",
        "decoder.1.bias": "dec_layers.0.0.bias",
      },
    ],
  ])("%s", async (_, names) => {
    for (const tensors of [file(names), file(names).reverse()]) {
      const read = await fromStateDict(encodeSafetensors(tensors), {
        config: { activation: "tanh" },
      });
      expect(read.config.layers).toEqual([6, 4, 3]);
      expect(read.weights()).toEqual(weights);
      expect(read.reconstruct(x)).toEqual(model.reconstruct(x));
    }
  });

  test.each([
    ["encoder.weight", "encoder.bias", "decoder.bias"],
    ["weight", "encoder_bias", "decoder_bias"],
    ["W", "b", "c"],
    ["encoderWeight", "encoderBias", "decoderBias"],
  ])("a single layer's: %s, %s, %s", async (weight, encoderBias, decoderBias) => {
    const single = TiedAutoencoder.createSync({ layers: [6, 3] });
    const names = {
      "encoder.0.weight": weight,
      "encoder.0.bias": encoderBias,
      "decoder.0.bias": decoderBias,
    };
    const read = await fromStateDict(encodeSafetensors(file(names, single)));
    expect(read.weights()).toEqual(single.weights());
  });

  test("with square layers the values of the decoder's weights determine its order", async () => {
    const square = TiedAutoencoder.createSync({ layers: [4, 4, 4] });
    const read = await fromStateDict(encodeSafetensors(file(sequential, square)));
    expect(read.weights()).toEqual(square.weights());
    const blind = encodeSafetensors(file(withoutDecoderWeights, square));
    await expect(fromStateDict(blind)).rejects.toThrow(/the shapes fit both ways.*option map/);
    const mapped = await fromStateDict(blind, { map: withoutDecoderWeights });
    expect(mapped.weights()).toEqual(square.weights());
  });

  test("without biases in the file the model has none", async () => {
    const bare = TiedAutoencoder.createSync({ layers: [6, 4], bias: false, decoderBias: false });
    const read = await fromStateDict(
      encodeSafetensors(file({ "encoder.0.weight": "encoder.0.weight" }, bare)),
    );
    expect([read.config.bias, read.config.decoderBias]).toEqual([false, false]);
    expect(read.weights()).toEqual(bare.weights());
  });
});

describe("a map of names", () => {
  const names = {
    "encoder.0.weight": "fc1.weight",
    "encoder.0.bias": "fc1.bias",
    "encoder.1.weight": "fc2.weight",
    "encoder.1.bias": "fc2.bias",
    "decoder.1.weight": "fc3.weight",
    "decoder.1.bias": "fc3.bias",
    "decoder.0.bias": "fc4.bias",
  };
  const head = f32("head.weight", [2, 3], new Float32Array(6));
  const bytes = encodeSafetensors([...file(names), head]);

  test("uses the tensors in the map and ignores the others", async () => {
    const read = await fromStateDict(bytes, { map: names });
    expect(read.weights()).toEqual(weights);
  });

  test("without a map such names are refused", async () => {
    await expect(fromStateDict(bytes)).rejects.toThrow(FormatError);
    await expect(fromStateDict(bytes)).rejects.toThrow(/"fc1.weight" has a name that says too/);
  });

  test("must use names of the package and of the file", async () => {
    const wrong = (map: Record<string, string>) => fromStateDict(bytes, { map });
    await expect(wrong({ "enc.0.weight": "fc1.weight" })).rejects.toThrow(/got "enc.0.weight"/);
    await expect(wrong({ "encoder.0.weight": "fc9" })).rejects.toThrow(
      /"fc9", which the file does/,
    );
    await expect(wrong({ "encoder.1.weight": "fc2.weight" })).rejects.toThrow(/no encoder weights/);
    await expect(
      wrong({ "encoder.0.weight": "fc1.weight", "decoder.1.bias": "fc3.bias" }),
    ).rejects.toThrow(/"fc3.bias" belongs to layer 1/);
  });
});

describe("element types", () => {
  const halves: Record<string, [number, number]> = {
    // value: its bits as F16, as BF16
    "0.5": [0x3800, 0x3f00],
    "-2": [0xc000, 0xc000],
    "1.25": [0x3d00, 0x3fa0],
  };
  const values = [0.5, -2, 1.25, 1.25, 0.5, -2];
  test.each(["F16", "BF16", "F64", "F32"] as const)("%s", async (dtype) => {
    const bits = (which: 0 | 1) => new Uint16Array(values.map((v) => halves[String(v)]![which]));
    const data = {
      F16: bits(0),
      BF16: bits(1),
      F64: new Float64Array(values),
      F32: new Float32Array(values),
    }[dtype];
    const tensor = { name: "encoder.weight", dtype, shape: [2, 3], data };
    const read = await fromStateDict(encodeSafetensors([tensor]));
    expect(read.weights()["encoder.0.weight"]).toEqual({
      shape: [2, 3],
      data: new Float32Array(values),
    });
  });

  test("whole numbers are refused", async () => {
    const data = new Int32Array(6);
    const tensor: NamedTensor = { name: "encoder.weight", dtype: "I32", shape: [2, 3], data };
    await expect(fromStateDict(encodeSafetensors([tensor]))).rejects.toThrow(
      /"encoder.weight" is I32; weights are F32, F64/,
    );
  });
});

describe("refuses", () => {
  /** The file of nn.Sequential's names with a tensor changed. */
  function changed(
    name: string,
    change: (tensor: NamedTensor) => Partial<NamedTensor> | undefined,
  ) {
    const tensors = file(sequential).flatMap((tensor) => {
      if (tensor.name !== name) return [tensor];
      const changes = change(tensor);
      return changes ? [{ ...tensor, ...changes }] : [];
    });
    return encodeSafetensors(tensors);
  }
  const nudged = changed("decoder.0.weight", ({ data }) => {
    const moved = new Float32Array(data as Float32Array);
    moved[5]! += 0.25;
    return { data: moved };
  });
  const square = TiedAutoencoder.createSync({ layers: [4, 4] }).weights()["encoder.0.weight"]!;
  const drop = () => undefined;

  test.each<[string, Uint8Array, RegExp]>([
    [
      "a decoder that is not tied",
      nudged,
      /not tied: "decoder.0.weight" is not the transpose of "encoder.2.weight".*up to 0.25 apart/,
    ],
    [
      "a square decoder with W instead of Wᵀ",
      encodeSafetensors([
        f32("encoder.weight", square.shape, square.data),
        f32("decoder.weight", square.shape, square.data),
      ]),
      /equals that weight itself, untransposed/,
    ],
    [
      "layers that do not follow each other",
      changed("encoder.0.weight", () => ({ shape: [3, 8] })),
      /"encoder.2.weight" takes 4 inputs, and the layer before it gives 3/,
    ],
    [
      "a weight that is not a matrix",
      changed("encoder.0.weight", () => ({ shape: [24] })),
      /"encoder.0.weight" has shape \[24\]/,
    ],
    [
      "a decoder weight of another shape",
      changed("decoder.0.weight", () => ({ shape: [3, 4] })),
      /"decoder.0.weight" has shape \[3, 4\]; the transpose of "encoder.2.weight" would have \[4, 3\]/,
    ],
    [
      "a bias of another length",
      changed("encoder.0.bias", () => ({ shape: [2], data: new Float32Array(2) })),
      /"encoder.0.bias" has shape \[2\]; encoder.0.bias of the layers \[6, 4, 3\] has \[4\]/,
    ],
    ["a bias too few", changed("encoder.2.bias", drop), /biases in 1 of 2 layers/],
    [
      "a decoder of another depth",
      encodeSafetensors(file(sequential).filter(({ name }) => !name.startsWith("decoder.10"))),
      /encoder has 2 layers and the decoder 1/,
    ],
    [
      "two names for one tensor",
      encodeSafetensors([
        ...file({ "encoder.0.weight": "encoder.0.weight" }),
        ...file({ "encoder.0.weight": "enc.0.weight" }),
      ]),
      /both look like encoder.0.weight/,
    ],
    ["an empty file", encodeSafetensors([]), /no encoder weights/],
    [
      "a name of something else",
      encodeSafetensors([f32("mean", [1], new Float32Array(1))]),
      /"mean" has a name/,
    ],
    [
      "a model of this package",
      model.save(),
      /got a model of this package, use TiedAutoencoder.load/,
    ],
    ["text", new TextEncoder().encode("<!doctype html><html>"), /got a web page/],
  ])("%s", async (_, bytes, message) => {
    await expect(fromStateDict(bytes)).rejects.toThrow(FormatError);
    await expect(fromStateDict(bytes)).rejects.toThrow(message);
  });

  test("invalid arguments, and a configuration that contradicts the file", async () => {
    const bytes = encodeSafetensors(file(sequential));
    await expect(fromStateDict("x" as unknown as Uint8Array)).rejects.toThrow(InvalidTypeError);
    await expect(fromStateDict(bytes, { names: {} } as object)).rejects.toThrow(
      /no option "names"/,
    );
    const layers = { config: { layers: [6, 4] } };
    await expect(fromStateDict(bytes, layers)).rejects.toThrow(InvalidValueError);
    await expect(fromStateDict(bytes, layers)).rejects.toThrow(/has layers \[6, 4, 3\].*\[6, 4\]/);
    await expect(fromStateDict(bytes, { config: { bias: false } })).rejects.toThrow(/bias true/);
    const fine = await fromStateDict(bytes, { config: { layers: [6, 4, 3], simd: "baseline" } });
    expect(fine.build).toBe("baseline");
  });
});

describe("state dicts of our own PyTorch module", () => {
  const rows = x.map((value) => 10 * value + 3);

  /** Its state_dict: the tensors of the file under their names, without the metadata of the package. */
  function stateDictOf(source: TiedAutoencoder, prefix = ""): Uint8Array {
    const { tensors } = decodeSafetensors(source.save());
    const named = [...tensors].map(([name, tensor]) => ({ name: prefix + name, ...tensor }));
    return encodeSafetensors(named as NamedTensor[], { format: "pt" });
  }

  test.each<[string, Partial<ModelConfig>, Partial<ModelConfig>]>([
    ["scaled", { scaler: "standard" }, {}],
    ["scaled to a range, which config says", { scaler: "minMax" }, { scaler: "minMax" }],
    ["filled in", { missing: "mean" }, {}],
    ["scaled and masked", { scaler: "standard", missing: "mask" }, { missing: "mask" }],
    ["gaussian", { code: "gaussian" }, {}],
    ["batchTopK", { code: { type: "batchTopK", k: 2 } }, { code: { type: "batchTopK", k: 2 } }],
    [
      "topK, centered",
      { code: { type: "topK", k: 1, centered: true } },
      { code: { type: "topK", k: 1, centered: true } },
    ],
  ])("%s: come back whole", async (_, config, said) => {
    const source = TiedAutoencoder.createSync({ layers: [6, 4, 3], activation: "tanh", ...config });
    await source.fit(rows, { epochs: 2 });
    for (const prefix of ["", "module."]) {
      const read = await fromStateDict(stateDictOf(source, prefix), {
        config: { activation: "tanh", ...said },
      });
      expect(read.config).toEqual(source.config);
      expect(read.save()).toEqual(source.save());
      expect(read.reconstruct(rows)).toEqual(source.reconstruct(rows));
    }
  });

  test("counts may be int64", async () => {
    const code = { type: "topK", k: 2 } as const;
    const source = TiedAutoencoder.createSync({ layers: [6, 4], code });
    source.trainOnBatch(rows);
    const { tensors } = decodeSafetensors(source.save());
    const named = [...tensors].map(([name, tensor]) =>
      tensor.dtype === "U32"
        ? { name, dtype: "I64", shape: tensor.shape, data: BigInt64Array.from(tensor.data, BigInt) }
        : { name, ...tensor },
    );
    const read = await fromStateDict(encodeSafetensors(named as NamedTensor[]), {
      config: { code },
    });
    expect(read.save()).toEqual(source.save());
  });

  test("a sparse one needs the number of kept units", async () => {
    const source = TiedAutoencoder.createSync({ layers: [6, 4], code: { type: "topK", k: 2 } });
    await expect(fromStateDict(stateDictOf(source))).rejects.toThrow(
      /sparse code .*config: \{ code: \{ type: "topK", k \} \}/,
    );
  });
});

describe("top-k dictionaries of other programs", () => {
  const [inputs, units, k] = [6, 10, 3];
  const weight = randomRows(units, inputs, 31).map((value) => value - 0.5);
  const flipped = transposed([units, inputs], weight);
  const encoderBias = randomRows(1, units, 32);
  const decoderBias = randomRows(1, inputs, 33);
  const openai = [
    f32("pre_bias", [inputs], decoderBias),
    f32("encoder.weight", [units, inputs], weight),
    f32("latent_bias", [units], encoderBias),
    f32("latents_mean_square", [units], encoderBias),
  ];
  const eleuther = [
    f32("encoder.weight", [units, inputs], weight),
    f32("encoder.bias", [units], encoderBias),
    f32("b_dec", [inputs], decoderBias),
  ];
  const code = { type: "topK", k } as const;

  /** The formulas of both programs in float64: relu of W (x − c) + b, the k largest, Wᵀ back, plus c. */
  function expected(row: Float32Array): number[] {
    const h = Array.from({ length: units }, (_, u) => {
      let z = encoderBias[u]!;
      for (let j = 0; j < inputs; j++) z += weight[u * inputs + j]! * (row[j]! - decoderBias[j]!);
      return Math.max(0, z);
    });
    const least = [...h].sort((a, b) => b - a)[k - 1]!;
    return Array.from(decoderBias, (c, j) =>
      h.reduce((sum, v, u) => sum + (v >= least ? v * weight[u * inputs + j]! : 0), c),
    );
  }

  test.each<[string, NamedTensor[]]>([
    ["OpenAI, tied", [...openai, f32("decoder.linear.weight", [units, inputs], weight)]],
    [
      "OpenAI, tied, saved with one name for the shared tensor",
      [
        ...openai.filter(({ name }) => name !== "encoder.weight"),
        f32("decoder.linear.weight", [units, inputs], weight),
      ],
    ],
    ["OpenAI, equal weights", [...openai, f32("decoder.weight", [inputs, units], flipped)]],
    ["OpenAI without its decoder", openai],
    ["EleutherAI", [...eleuther, f32("W_dec", [units, inputs], weight)]],
    [
      "EleutherAI, saved with one name for the shared tensor",
      [...eleuther.slice(1), f32("W_dec", [units, inputs], weight)],
    ],
  ])("%s", async (_, tensors) => {
    const model = await fromStateDict(encodeSafetensors(tensors), { config: { code } });
    expect(model.config.layers).toEqual([inputs, units]);
    expect(model.config.code).toEqual({ ...code, centered: true, auxiliary: null });
    const rows = randomRows(5, inputs, 34);
    const out = model.reconstruct(rows);
    for (let r = 0; r < 5; r++) {
      const row = rows.subarray(r * inputs, (r + 1) * inputs);
      const got = out.subarray(r * inputs, (r + 1) * inputs);
      expect(relativeDistance(got, expected(row))).toBeLessThan(1e-6);
    }
  });

  const moved = (values: Float32Array) =>
    values.map((value, i) => (i === 7 ? value + 0.25 : value));
  test.each<[string, NamedTensor[], object, RegExp]>([
    [
      "an untied decoder of OpenAI",
      [...openai, f32("decoder.weight", [inputs, units], moved(flipped))],
      { code },
      /not tied: "decoder\.weight".*up to 0\.25 apart/,
    ],
    [
      "an untied decoder of EleutherAI",
      [...eleuther, f32("W_dec", [units, inputs], moved(weight))],
      { code },
      /not tied: "W_dec".*up to 0\.25 apart/,
    ],
    [
      "a skip connection",
      [...eleuther, f32("W_skip", [inputs, inputs], new Float32Array(inputs * inputs))],
      { code },
      /EleutherAI's.*"W_skip".*no place/,
    ],
    ["no code", openai, {}, /number of kept units.*\{ code: \{ type: "topK", k \} \}/],
    [
      "a code that is not centered",
      openai,
      { code: { ...code, centered: false } },
      /centered false/,
    ],
    [
      "a missing bias",
      openai.filter(({ name }) => name !== "latent_bias"),
      { code },
      /lacks.*latent_bias/,
    ],
    [
      "a shape that does not fit",
      [...eleuther, f32("W_dec", [inputs, units], flipped)],
      { code },
      /"W_dec" has shape \[6, 10\].*\[10, 6\]/,
    ],
  ])("%s is refused", async (_, tensors, config, message) => {
    await expect(fromStateDict(encodeSafetensors(tensors), { config })).rejects.toThrow(message);
  });
});

test.each(["weight_ih_l0", "weight_hh_l0", "weight_orig", "weight.quantized"])(
  "a recurrent or otherwise other layer's encoder.%s is refused",
  async (name) => {
    const { shape, data } = weights["encoder.0.weight"]!;
    const file = encodeSafetensors([f32(`encoder.${name}`, shape, data)]);
    await expect(fromStateDict(file)).rejects.toThrow(/says too little.*map/);
  },
);
