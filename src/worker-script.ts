// The program of a model's worker. tied-autoencoder/worker contains it as text and starts it. A page whose policy forbids
// that serves this file and starts the worker itself.

import { serve } from "./worker/host.ts";
import { portOfWorker } from "./worker/port.ts";

serve(portOfWorker());
