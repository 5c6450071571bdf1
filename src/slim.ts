// `tied-autoencoder/slim`: the package for those who count bytes. No build of the core is in it: they serve
// a `.wasm` file themselves and give it as `wasm` (builds/none.ts stands where builds/embedded.ts is in
// the main entry). And what few pages call are functions that a bundler leaves out, not methods.

export * from "./common.ts";
export { createSync, fromStateDict, TiedAutoencoder } from "./model/autoencoder-slim.ts";
export { toOnnx } from "./model/exchange/onnx.ts";
export { summary } from "./model/summary.ts";
