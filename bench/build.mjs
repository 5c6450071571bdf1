// Compiles bench/assembly/peak.ts into build/, once a build: `node bench/build.mjs`.

import asc from "assemblyscript/asc";

const common =
  "-O3 --converge --noAssert --runtime stub --importMemory --noExportMemory --initialMemory 1 " +
  "--maximumMemory 65536 --enable simd";

for (const build of ["baseline", "relaxed"]) {
  const flags = build === "relaxed" ? `${common} --enable relaxed-simd` : common;
  // A base directory of its own keeps asc from the core's asconfig.json and its entries.
  const { error, stderr } = await asc.main([
    "peak.ts",
    ...["--baseDir", "bench/assembly"],
    ...["--outFile", `../../build/peak-${build}.wasm`],
    ...flags.split(" "),
  ]);
  if (error) {
    console.error(stderr.toString());
    throw error;
  }
}
