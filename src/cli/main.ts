// The entry of the command `tied-autoencoder`: runs the program with the streams, signals and arguments of the process.

import { guardStreams } from "./console.ts";
import { runProgram } from "./program.ts";
import { listenForSignals } from "./signals.ts";

guardStreams();
listenForSignals();
void runProgram(process.argv.slice(2));
