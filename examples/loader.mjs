// Uses the numerics core without the package's JavaScript: @assemblyscript/loader instantiates the module, and this
// program lays out the memory. Computes one layer, relu(x·Wᵀ + b). docs/abi.md documents each kernel.
//
//   npm install @assemblyscript/loader tied-autoencoder
//   node examples/loader.mjs

import { readFileSync } from "node:fs";
import { instantiateSync } from "@assemblyscript/loader";

const file = new URL(import.meta.resolve("tied-autoencoder/wasm/baseline.wasm"));
const memory = new WebAssembly.Memory({ initial: 1, maximum: 65535 });
const { exports, instance } = instantiateSync(readFileSync(file), { env: { memory } });

const version = exports.abi() >>> 16;
if (version !== 1) throw new Error(`This program was written for version 1, not ${version}.`);

// The loader wraps its exports, which takes time at each call. The exports of the instance are the plain kernels.
const core = instance.exports;

const [rows, inputs, units] = [2, 3, 2];
const RELU = 1;

let top = 1024; // address 0 means "none", so nothing may be stored there
const reserve = (bytes) => {
  const address = top;
  top += Math.ceil(bytes / 16) * 16;
  return address;
};
const put = (values) => {
  const address = reserve(4 * values.length);
  new Float32Array(memory.buffer, address, values.length).set(values);
  return address;
};

const x = put([1, 2, 3, -1, 0, 1]); // [rows, inputs]
const weight = put([1, 0, -1, 0.5, 0.5, 0.5]); // [units, inputs]
const bias = put([0.5, -1]); // [units]
const z = reserve(4 * rows * units);
const workspace = reserve(core.gemmWorkspace(rows, units, inputs) >>> 0);

const missing = top - memory.buffer.byteLength;
if (missing > 0) memory.grow(Math.ceil(missing / 65536));

core.gemmNT(rows, units, inputs, x, inputs, weight, inputs, 0, z, units, workspace);
core.biasActivation(RELU, 0, rows, units, z, bias, z);

// Growing the memory has detached all views, so a new one is made here.
const y = new Float32Array(memory.buffer, z, rows * units);
for (let row = 0; row < rows; row++) {
  console.log(Array.from(y.subarray(row * units, (row + 1) * units)).join(" "));
}
