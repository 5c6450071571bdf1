// What `import … from "tied-autoencoder"` gives. Importing it compiles, fetches and spawns nothing.

export * from "./common.ts";
export { TiedAutoencoder } from "./model/autoencoder.ts";
export { fromStateDict } from "./model/exchange/from-state-dict.ts";
