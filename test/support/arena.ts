// A core with an arena, for tests that call a kernel through the model's own code.

import { Arena } from "../../src/core/arena.ts";
import { loadCoreSync } from "../../src/core/load.ts";

export function coreWithArena() {
  const { kernels, memory } = loadCoreSync({});
  const arena = new Arena(memory);
  return {
    kernels,
    arena,
    reserve(length: number) {
      const address = arena.reserveFloats(length);
      arena.commit();
      return address;
    },
    view: (address: number, length: number) => arena.view(address, length),
  };
}
