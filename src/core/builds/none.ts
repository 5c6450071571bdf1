// For tied-autoencoder/slim: no build is carried, the caller gives one as `wasm`.

import type { CarriedBuild } from "./carried.ts";

export const carriedBuild: CarriedBuild = () => undefined;

/** Nothing is carried that was compiled beforehand. */
export const carriesModules: boolean = false;
