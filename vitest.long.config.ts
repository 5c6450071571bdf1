import { defineConfig } from "vitest/config";

// The long checks: what is worth knowing on every change but takes more than a moment.
export default defineConfig({
  test: { include: ["test/long/**/*.test.ts"], maxWorkers: 2, testTimeout: 600_000 },
});
