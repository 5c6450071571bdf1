import { defineConfig } from "vitest/config";
import tests from "./vitest.config.ts";

// Attacks: hostile files, killed processes, full disks. Bounded to a few minutes; ASSAULT_SECONDS gives each attack
// that runs by the clock more time than its few seconds; scripts/assault.mjs sets it. One after another, because some
// measure time.
export default defineConfig({
  // The attack on links imports the playground, which imports the built package by its name.
  resolve: tests.resolve ?? {},
  test: { include: ["test/assault/**/*.test.ts"], fileParallelism: false, testTimeout: 3_600_000 },
});
