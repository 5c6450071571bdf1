// The program that runs in the worker: tied-autoencoder/worker carries it as text and starts it from
// there; a page whose policy forbids that serves this file and gives a worker made of it.

import { serve } from "./worker/host.ts";
import { portOfWorker } from "./worker/port.ts";

serve(portOfWorker());
