// `tied-autoencoder/slim`: the whole package but for the two builds of the core, for those who serve a
// `.wasm` file themselves and give it as `wasm`. The bundle has no build in it: builds/none.ts stands
// where builds/embedded.ts is in the main entry.

export * from "./index.ts";
