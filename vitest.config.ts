import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/long/**", "test/assault/**"],
    // Two workers: kernels are compute-bound and the suite shares the machine with the build.
    maxWorkers: 2,
    // A test takes milliseconds; a machine that is busy with other work may take much longer.
    testTimeout: 30_000,
  },
});
