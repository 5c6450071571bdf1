// The entry of the command `tied-autoencoder`: runs the program with the streams, signals and arguments of the process.

import module from "node:module";

// Node keeps the compiled code of the program in the folder for temporary files, so the second run starts sooner. Node 20 cannot.
const { enableCompileCache } = module as { enableCompileCache?(): unknown };
enableCompileCache?.();

// Only what is imported after that call is kept.
const { start } = await import("./program.ts");
start(process.argv.slice(2));
