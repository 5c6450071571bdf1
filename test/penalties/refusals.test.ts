// Penalties where they have no meaning: each error names the given value and what to use instead.

import { expect, test } from "vitest";
import { InvalidValueError, type ModelConfig, TiedAutoencoder } from "../../src/index.ts";

const klSparsity = { type: "klSparsity", rho: 0.1, weight: 1 } as const;
const contraction = { type: "contraction", weight: 0.1 } as const;

test.each<[string, Partial<ModelConfig>, RegExp]>([
  [
    "KL on a code without bounds",
    { penalties: [klSparsity] },
    /"klSparsity" needs .* sigmoid or tanh units; got "relu"\..*"codeL1"/,
  ],
  [
    "KL on a sparse code",
    { penalties: [klSparsity], activation: "tanh", code: { type: "topK", k: 1 } },
    /"klSparsity".*the code is "topK"/,
  ],
  [
    "rho of 0",
    { penalties: [{ ...klSparsity, rho: 0 }], activation: "sigmoid" },
    /penalties\[0\]\.rho must be greater than 0 and less than 1; got 0/,
  ],
  [
    "rho of 1",
    { penalties: [{ ...klSparsity, rho: 1 }], activation: "sigmoid" },
    /less than 1; got 1/,
  ],
  [
    "contraction of an unsupported activation",
    { penalties: [contraction], activation: "gelu" },
    /"contraction" knows the activations "linear", .*; got "gelu"\. Take one/,
  ],
  [
    "contraction of a sparse code",
    { penalties: [contraction], code: { type: "topK", k: 1 } },
    /"contraction" is for dense codes; the code is "topK"\. Take/,
  ],
  [
    "l1 of a gaussian code",
    { penalties: [{ type: "codeL1", weight: 1 }], code: "gaussian" },
    /"codeL1" has no meaning on a gaussian code.*beta/,
  ],
  ["a weight below 0", { penalties: [{ type: "l2", weight: -1 }] }, /penalties\[0\]\.weight/],
  [
    "a penalty that is none",
    { penalties: [{ type: "entropy" } as never] },
    /penalties\[0\].*"klSparsity"/,
  ],
])("%s", (_, config, message) => {
  const make = () => TiedAutoencoder.createSync({ layers: [5, 4, 3], ...config });
  expect(make).toThrow(InvalidValueError);
  expect(make).toThrow(message);
});
