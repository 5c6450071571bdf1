import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/long/**"],
    // Two workers: kernels are compute-bound and the suite shares the machine with the build.
    maxWorkers: 2,
  },
});
