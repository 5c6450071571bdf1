import { defineConfig } from "vitest/config";

// Attacks: hostile files, killed processes, full disks. Bounded to a few minutes; ASSAULT_SECONDS gives each attack
// that runs by the clock more time than its 15 seconds.
export default defineConfig({
  test: { include: ["test/assault/**/*.test.ts"], maxWorkers: 2, testTimeout: 3_600_000 },
});
