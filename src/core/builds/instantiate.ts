// Stands in for @assemblyscript/loader where the caller or the host supplies modules: the core needs
// nothing of it but an instance, and 2.4 KB of every page go to what it does beside.

import { type HostModule, hostWebAssembly } from "../../platform/webassembly.ts";

export function instantiateSync(module: HostModule, imports: object): { instance: object } {
  const host = hostWebAssembly();
  if (!host) throw new TypeError("This runtime has no WebAssembly.");
  return { instance: new host.Instance(module, imports) };
}
