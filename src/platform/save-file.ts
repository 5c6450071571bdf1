// Saving a file so that nobody ever finds half of it: the new content is written beside the old file under another
// name, brought to the disk, and renamed over it. What is under the file's name is the old content or the new one,
// whatever happens in between. For Node, Deno and Bun; a page has no files.
// The reasons, and what SQLite, editors and others do: docs/decisions/080-saving.md.

/** What the host knows of a file. */
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

/** The parts of Node that are needed, typed here so that the package's types work without Node's. */
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

/** Not imported: bundlers for pages would look for the module. */
function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  const found = nodeProcess()?.getBuiltinModule?.(name);
  if (found) return found;
  throw new Error(`this runtime has no ${name}`);
}

/** Where a path leads. */
export interface Target {
  /** The file itself, behind symbolic links. It need not exist. */
  readonly path: string;
  /** What is there now. */
  readonly stats: FileStats | undefined;
}

/** New content for a file, which takes the file's name with `commit`. */
export interface Replacement {
  readonly target: Target;
  /** Appends. */
  write(data: Uint8Array | string): Promise<void>;
  /** Writes over the first bytes. */
  writeStart(data: Uint8Array): Promise<void>;
  /** Brings the content to the disk and puts it in the file's place. After an error the old file is still there. */
  commit(): Promise<void>;
  /** Removes what was written. Does nothing after `commit`. */
  discard(): Promise<void>;
  /** The same at once, for a process that is about to end. */
  discardSync(): void;
}

const MAX_LINKS = 40; // as Linux

/** Follows symbolic links to the file they stand for, which need not exist. */
export async function resolveTarget(path: string): Promise<Target> {
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

/** Begins a replacement of a regular file, or a new file, which gets `newMode` less what the process masks. */
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
      // The folder went away, and the file with it.
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

/** Saves a file whole. */
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

/** Temporary files of this process that are not yet in their places. */
const temporaries = new Set<string>();

/** Removes all of this process's temporary files; for its last moments. */
export function discardAllSync(): void {
  const { unlinkSync } = builtin("node:fs");
  for (const name of temporaries) {
    try {
      unlinkSync(name);
    } catch {
      // Not there any more.
    }
  }
  temporaries.clear();
}

const PREFIX = ".tied-autoencoder-";
const TEMPORARY = /^\.tied-autoencoder-([0-9a-f]{8})-(\d{1,10})-[0-9a-f]{16}\.tmp$/;

/** The name is short and of a fixed length: a folder that takes the file's own name takes this one as well. */
async function openTemporary(
  folder: string,
  mode: number,
): Promise<{ handle: FileHandle; name: string }> {
  const { open } = builtin("node:fs/promises");
  const random = builtin("node:crypto").randomBytes(8).toString("hex");
  const file = `${PREFIX}${machine()}-${nodeProcess()?.pid}-${random}.tmp`;
  const name = builtin("node:path").join(folder, file);
  // "x": a name that exists is an error, a symbolic link that somebody planted included.
  const handle = await open(name, "wx", mode);
  temporaries.add(name);
  return { handle, name };
}

/**
 * Stands for the machine and, in containers, for its own set of process numbers: a number tells whether a process is
 * alive only there.
 */
function machine(): string {
  let numbers = "";
  try {
    numbers = builtin("node:fs").readlinkSync("/proc/self/ns/pid");
  } catch {
    // Not Linux: one set of process numbers.
  }
  const text = `${builtin("node:os").hostname()}\n${numbers}`;
  return builtin("node:crypto").createHash("sha256").update(text).digest("hex").slice(0, 8);
}

const DAY = 86_400_000; // milliseconds
const cleaned = new Set<string>();

/**
 * Removes what killed processes of this program left in a folder, the first time that it is written to. What another
 * machine or container left is removed after a day without a write.
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
      // Gone already, or another user's.
    }
  }
}

function isAlive(pid: number): boolean {
  // A file with our number that is not ours: in containers every run may have the same number.
  if (pid === nodeProcess()?.pid) return false;
  try {
    return nodeProcess()?.kill(pid, 0) ?? false;
  } catch (error) {
    return (error as CodedError).code !== "ESRCH"; // EPERM: alive, and another user's
  }
}

/**
 * Gives the new file the old one's owner, group and mode, except its set-id bits. Where the group cannot be kept, the new group gets no more
 * than everybody has, as in Vim: it is not the group that was meant.
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
    // File systems without modes, as on memory cards.
    if (error.code !== "EPERM" && error.code !== "ENOTSUP") throw error;
  });
}

/** Brings a rename to the disk. Some systems cannot open or sync a folder; there it is the file system's business. */
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
