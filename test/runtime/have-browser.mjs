// Finds a browser on the machine, or installs Debian's package of it where that is allowed.

import { spawnSync } from "node:child_process";

/** Whether the command is there now. */
export function haveBrowser(name) {
  const isThere = () => spawnSync("which", [name]).status === 0;
  if (isThere()) return true;
  if (process.getuid?.() !== 0) return false;
  const apt = (...words) =>
    spawnSync("apt-get", words, { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  const install = () => apt("install", "-y", "-q", "--no-install-recommends", name);
  install();
  if (isThere()) return true;
  apt("update", "-q"); // a new machine has no list of packages
  install();
  return isThere();
}
