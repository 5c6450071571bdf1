// For tied-autoencoder/slim: no build is carried, the caller gives one as `wasm`.

import { InvalidValueError, readmeLink } from "../../errors.ts";
import type { Carried } from "./carried.ts";

export const none: Carried = {
  compiled: false,
  choose: (_, simd) => (simd === "relaxed" ? simd : "baseline"),
  module(build) {
    throw new InvalidValueError(
      `tied-autoencoder/slim carries no core: give one as wasm, such as tied-autoencoder/wasm/${build}.wasm. ${readmeLink("bring-your-own-wasm")}`,
    );
  },
};
