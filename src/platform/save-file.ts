// Saves a file atomically. The new content is written to a temporary file in the same folder, synced to the disk, and
// renamed over the old file. At any time, the file has either the complete old content or the complete new content. For
// Node, Deno and Bun; a page has no files. The reasons, and what SQLite, editors and others do, are in
// docs/decisions/080-saving.md.

/** The properties of a file. */
export interface FileStats {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

interface FileHandle {
  writeFile(data: Uint8Array | string): Promise<void>;
  write(data: Uint8Array, offset: number, length: number, position: number): Promise<unknown>;
  stat(): Promise<FileStats>;
  chown(uid: number, gid: number): Promise<void>;
  chmod(mode: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

interface Hash {
  update(text: string): Hash;
  digest(encoding: "hex"): string;
}

/** The parts of Node that are used. They are typed here, so that the package's types work without the types of Node. */
interface Builtins {
  "node:fs": { readlinkSync(path: string): string; unlinkSync(path: string): void };
  "node:fs/promises": {
    lstat(path: string): Promise<FileStats>;
    open(path: string, flags: string, mode?: number): Promise<FileHandle>;
    readdir(path: string): Promise<string[]>;
    readlink(path: string): Promise<string>;
    realpath(path: string): Promise<string>;
    rename(from: string, to: string): Promise<void>;
    unlink(path: string): Promise<void>;
  };
  "node:path": {
    basename(path: string): string;
    dirname(path: string): string;
    join(...parts: string[]): string;
    resolve(...parts: string[]): string;
  };
  "node:os": { hostname(): string };
  "node:crypto": {
    createHash(name: string): Hash;
    randomBytes(count: number): { toString(encoding: "hex"): string };
  };
}

interface NodeProcess {
  readonly pid: number;
  kill(pid: number, signal: 0): boolean;
  getBuiltinModule?<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined;
}

/** An error of the host with its code, such as "ENOENT". */
type CodedError = Error & { readonly code?: string };

const nodeProcess = () => (globalThis as unknown as { process?: NodeProcess }).process;

/** A module of Node. It is not imported, because bundlers for pages would look for it. */
function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  const found = nodeProcess()?.getBuiltinModule?.(name);
  if (found) return found;
  throw new Error(`this runtime has no ${name}`);
}

/** The file that a path refers to. */
export interface Target {
  /** The path of the file itself, after following symbolic links. It need not exist. */
  readonly path: string;
  /** The properties of the existing file. */
  readonly stats: FileStats | undefined;
}

/** New content for a file. `commit` replaces the file by it. */
export interface Replacement {
  readonly target: Target;
  /** Appends data. */
  write(data: Uint8Array | string): Promise<void>;
  /** Overwrites the first bytes. */
  writeStart(data: Uint8Array): Promise<void>;
  /** Syncs the content to the disk and replaces the file. After an error the old file is unchanged. */
  commit(): Promise<void>;
  /** Removes the new content. Does nothing after `commit`. */
  discard(): Promise<void>;
  /** The same synchronously, for a process that is about to end. */
  discardSync(): void;
}

const MAX_LINKS = 40; // as in Linux

/** Follows symbolic links to the file, which need not exist. */
async function resolveTarget(path: string): Promise<Target> {
  const { lstat, readlink, realpath } = builtin("node:fs/promises");
  const { basename, dirname, join, resolve } = builtin("node:path");
  let place = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    place = join(await realpath(dirname(place)), basename(place));
    const stats = await lstat(place).catch(ifMissing);
    if (!stats?.isSymbolicLink()) return { path: place, stats };
    place = resolve(dirname(place), await readlink(place));
  }
  throw Object.assign(new Error(`too many symbolic links: ${path}`), { code: "ELOOP" });
}

/** Begins a replacement of a regular file, or a new file with the mode `newMode` without the bits of the umask. */
export async function openReplacement(path: string, newMode = 0o666): Promise<Replacement> {
  const { rename } = builtin("node:fs/promises");
  const { unlinkSync } = builtin("node:fs");
  const { dirname } = builtin("node:path");
  const target = await resolveTarget(path);
  const { stats } = target;
  if (stats && !stats.isFile()) {
    const code = stats.isDirectory() ? "EISDIR" : "EINVAL";
    throw Object.assign(new Error("not a regular file"), { code });
  }
  const folder = dirname(target.path);
  await cleanOnce(folder);
  const mode = stats ? stats.mode & 0o777 : newMode;
  const { handle, name } = await openTemporary(folder, mode);
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await handle.close();
  };
  const removeSync = () => {
    if (!temporaries.delete(name)) return;
    try {
      unlinkSync(name);
    } catch {
      // The folder was removed, and the file with it.
    }
  };
  return {
    target,
    write: (data) => handle.writeFile(data),
    async writeStart(data) {
      await handle.write(data, 0, data.length, 0);
    },
    async commit() {
      if (stats) await keepOwnerAndMode(handle, stats);
      await handle.sync();
      await close();
      await rename(name, target.path);
      temporaries.delete(name);
      await syncFolder(folder);
    },
    async discard() {
      await close().catch(() => {});
      removeSync();
    },
    discardSync: removeSync,
  };
}

/** Saves a file atomically. */
export async function saveFile(
  path: string,
  pieces: readonly (Uint8Array | string)[],
): Promise<void> {
  const replacement = await openReplacement(path);
  try {
    for (const piece of pieces) await replacement.write(piece);
    await replacement.commit();
  } finally {
    await replacement.discard();
  }
}

/** The temporary files of this process that are not committed yet. */
const temporaries = new Set<string>();

/** Removes all temporary files of this process. For a process that is about to end. */
export function discardAllSync(): void {
  const { unlinkSync } = builtin("node:fs");
  for (const name of temporaries) {
    try {
      unlinkSync(name);
    } catch {
      // It was removed already.
    }
  }
  temporaries.clear();
}

const PREFIX = ".tied-autoencoder-";
const TEMPORARY = /^\.tied-autoencoder-([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{16}\.tmp$/;

/** Opens a temporary file. Its name has a fixed, short length, because some folders limit the length of names. */
async function openTemporary(
  folder: string,
  mode: number,
): Promise<{ handle: FileHandle; name: string }> {
  const { open } = builtin("node:fs/promises");
  const random = builtin("node:crypto").randomBytes(8).toString("hex");
  const file = `${PREFIX}${machine()}-${nodeProcess()?.pid}-${random}.tmp`;
  const name = builtin("node:path").join(folder, file);
  // "x": an existing name is an error, including a symbolic link that another user created.
  const handle = await open(name, "wx", mode);
  temporaries.add(name);
  return { handle, name };
}

/**
 * Identifies the machine and, in containers, the namespace of process ids. A process id only tells whether a process is
 * alive within the same namespace.
 */
function machine(): string {
  let numbers = "";
  try {
    numbers = builtin("node:fs").readlinkSync("/proc/self/ns/pid");
  } catch {
    // Not Linux: there is only one namespace.
  }
  const text = `${builtin("node:os").hostname()}\n${numbers}`;
  return builtin("node:crypto").createHash("sha256").update(text).digest("hex").slice(0, 8);
}

const DAY = 86_400_000; // milliseconds
const cleaned = new Set<string>();

/**
 * Removes temporary files of killed processes from a folder, the first time that this process writes to it. Temporary
 * files of another machine or container are removed after a day without a write.
 */
async function cleanOnce(folder: string): Promise<void> {
  if (cleaned.has(folder)) return;
  cleaned.add(folder);
  const { lstat, readdir, unlink } = builtin("node:fs/promises");
  const { join } = builtin("node:path");
  const here = machine();
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names) {
    const [, where, pid] = TEMPORARY.exec(name) ?? [];
    if (where === undefined) continue;
    const path = join(folder, name);
    try {
      const { mtimeMs } = await lstat(path);
      const dead =
        where === here
          ? !temporaries.has(path) && !isAlive(Number(pid))
          : Date.now() - mtimeMs > DAY;
      if (dead) await unlink(path);
    } catch {
      // It was removed already, or belongs to another user.
    }
  }
}

function isAlive(pid: number): boolean {
  // The file has the id of this process but is not in its list. In containers every run may have the same process id.
  if (pid === nodeProcess()?.pid) return false;
  try {
    return nodeProcess()?.kill(pid, 0) ?? false;
  } catch (error) {
    return (error as CodedError).code !== "ESRCH"; // EPERM: it is alive and belongs to another user
  }
}

/**
 * Gives the new file the owner, the group and the mode of the old one, except its set-id bits. If the group cannot be
 * kept, the new group gets no more permissions than others have, because it is another group. Vim does the same.
 */
async function keepOwnerAndMode(handle: FileHandle, old: FileStats): Promise<void> {
  const own = await handle.stat();
  let mode = old.mode & 0o777;
  if (own.uid !== old.uid || own.gid !== old.gid) {
    const kept = await handle.chown(old.uid, old.gid).then(
      () => true,
      () => false,
    );
    const groupKept =
      kept ||
      own.gid === old.gid ||
      (await handle.chown(own.uid, old.gid).then(
        () => true,
        () => false,
      ));
    if (!groupKept) mode = (mode & 0o707) | (mode & (mode << 3) & 0o070);
  }
  await handle.chmod(mode).catch((error: CodedError) => {
    // Some file systems have no modes, for example on memory cards.
    if (error.code !== "EPERM" && error.code !== "ENOTSUP") throw error;
  });
}

/** Syncs a rename to the disk. Some systems cannot open or sync a folder. Then this does nothing. */
async function syncFolder(folder: string): Promise<void> {
  const unsupported = ["EISDIR", "EPERM", "EACCES", "EINVAL", "ENOTSUP", "EBADF"];
  try {
    const handle = await builtin("node:fs/promises").open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!unsupported.includes((error as CodedError).code ?? "")) throw error;
  }
}

function ifMissing(error: CodedError): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}
