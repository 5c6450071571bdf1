// The program of a detector's worker. tied-autoencoder/worker contains it as text and starts it. A page whose policy forbids
// that serves this file and starts the worker itself.

import { serveDetector } from "./worker/detector-host.ts";
import { portOfWorker } from "./worker/port.ts";

serveDetector(portOfWorker());
