// Compiles bench/assembly/peak.ts into build/, once a build: `node bench/build.mjs`.

import asc from "assemblyscript/asc";

const common =
  "-O3 --converge --noAssert --runtime stub --importMemory --noExportMemory --initialMemory 1 " +
  "--maximumMemory 65536 --enable simd";

for (const build of ["baseline", "relaxed"]) {
  const flags = build === "relaxed" ? `${common} --enable relaxed-simd` : common;
  const { error, stderr } = await asc.main([
    "bench/assembly/peak.ts",
    "--outFile",
    `build/peak-${build}.wasm`,
    ...flags.split(" "),
  ]);
  if (error) {
    console.error(stderr.toString());
    throw error;
  }
}
