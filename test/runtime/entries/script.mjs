// For pages with scripts and no modules, file:// among them: the package is the global tiedAutoencoder.

import { run } from "./cases.mjs";
import { report } from "./report.mjs";

report(() => run({ main: globalThis.tiedAutoencoder }));
