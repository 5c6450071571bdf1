import { defineConfig } from "vitest/config";

// Attacks: hostile files, killed processes, full disks. Bounded to a few minutes; ASSAULT_SECONDS gives each attack
// that runs by the clock more time than its few seconds; scripts/assault.mjs sets it. One after another, because some
// measure time.
export default defineConfig({
  test: { include: ["test/assault/**/*.test.ts"], fileParallelism: false, testTimeout: 3_600_000 },
});
