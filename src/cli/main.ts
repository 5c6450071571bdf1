// `tied-autoencoder`, as it is started: the program with the process's streams, signals and words.

import { guardStreams } from "./console.ts";
import { runProgram } from "./program.ts";
import { listenForSignals } from "./signals.ts";

guardStreams();
listenForSignals();
void runProgram(process.argv.slice(2));
