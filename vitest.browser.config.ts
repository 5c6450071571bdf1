import { defineConfig } from "vitest/config";

// Pages in real browsers, driven as a person would. One after another: two browsers at once would wait for each other.
export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
