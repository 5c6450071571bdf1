import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: {
    // The playground imports the built package by its name, as any page does.
    alias: [
      {
        find: /^tied-autoencoder$/,
        replacement: fileURLToPath(new URL("dist/index.js", import.meta.url)),
      },
      {
        find: /^tied-autoencoder\/(.*)$/,
        replacement: fileURLToPath(new URL("dist/$1.js", import.meta.url)),
      },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/long/**", "test/assault/**", "test/browser/**"],
    // Two workers: kernels are compute-bound and the suite shares the machine with the build.
    maxWorkers: 2,
    // A test takes milliseconds; a machine that is busy with other work may take much longer.
    testTimeout: 30_000,
  },
});
