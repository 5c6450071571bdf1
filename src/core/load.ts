// Chooses a build of the core and instantiates it over a new linear memory. Importing this file has no
// effect. The first model loads and compiles a build. Compiled modules are kept, so a later model only
// instantiates one.

import {
  InvalidTypeError,
  InvalidValueError,
  MemoryLimitError,
  readmeLink,
  show,
  UnsupportedHostError,
} from "../errors.ts";
import {
  type HostMemory,
  type HostModule,
  type HostWebAssembly,
  hostWebAssembly,
  isModule,
} from "../platform/webassembly.ts";
import { MAXIMUM_PAGES } from "./arena.ts";
import { chooseBuild } from "./builds/choose.ts";
import { builds } from "./builds/package.ts";
import type { Build, BuildCode, Simd } from "./builds/source.ts";
import type { KernelExports } from "./generated/exports.ts";
import { decodeHex } from "./hex.ts";

export type { Build, Simd };

/** The forms in which a caller may supply the core's module. A Response is any object with `arrayBuffer()`. */
export type WasmSource =
  | HostModule
  | ArrayBuffer
  | ArrayBufferView
  | {
      /** The bytes of the module. */
      arrayBuffer(): Promise<ArrayBuffer>;
    };

/** Options for loading the core. */
export interface CoreOptions {
  /** Which build to run. Default `"auto"`: relaxed SIMD where the host has it and runs it faster. */
  simd?: Simd;
  /** The core's module. Default: a build that the package carries. */
  wasm?: WasmSource | PromiseLike<WasmSource> | (() => WasmSource | PromiseLike<WasmSource>);
}

/** An instance of the core: its kernels, and the memory that they share with TypeScript. */
export interface Core {
  readonly build: Build;
  readonly kernels: KernelExports;
  readonly memory: HostMemory;
  /** Threads that work on a call. */
  readonly threads: number;
  /** Terminates the workers, if there are any. */
  dispose(): void;
  /**
   * Registers a block of memory that holds weights or the optimizer's state. When threads share the kernels, a
   * ThreadError then says whether the failed call was writing there. Without a registered block, all memory counts.
   */
  guard(address: number, bytes: number): void;
}

/** The ABI version that this source needs. See assembly/abi.ts. */
const ABI_VERSION = 1;
const RELAXED_BIT = 1;

// The smallest module with a SIMD instruction. The host validates it if it supports SIMD.
const SIMD_PROBE = "0061736d01000000010401600000030201000a090107004100fd0f1a0b";

/** Compiled builds by name. The key of a build for shared memory is, for example, "baseline shared". */
const compiled = new Map<string, HostModule>();

/**
 * Loads the core: one of the package's builds, or `wasm`. It compiles asynchronously, off the main thread where
 * the host can do that.
 * @throws UnsupportedHostError where WebAssembly SIMD is missing or refused. MemoryLimitError where the host
 * has no memory left. InvalidTypeError and InvalidValueError for invalid options.
 */
export async function loadCore(options: CoreOptions): Promise<Core> {
  const module = await loadModule(options);
  return instantiate(requireSimd(), module, options.simd);
}

/**
 * Loads the core synchronously, on hosts where a build is available synchronously.
 * @throws as loadCore, and UnsupportedHostError where a build is only available asynchronously.
 */
export function loadCoreSync(options: CoreOptions): Core {
  const host = requireSimd();
  const { wasm } = options;
  if (wasm === undefined) {
    const build = chooseBuild(host, builds.has, options.simd);
    const module = compiled.get(build) ?? compileNow(host, builds.now(build) ?? mustWait());
    compiled.set(build, module);
    return instantiate(host, module, options.simd);
  }
  const source = isModule(wasm) ? wasm : bytesOf(wasm);
  if (!source) {
    throw new InvalidTypeError(
      `createSync takes wasm as a WebAssembly.Module or bytes; got ${show(wasm)}. Responses, promises and functions need create.`,
    );
  }
  return instantiate(host, compileNow(host, source), options.simd);
}

/**
 * The package's build for the option `simd`, not compiled. A worker gets it and compiles it.
 * @throws UnsupportedHostError where WebAssembly SIMD is missing.
 */
export function loadBuild(simd: unknown): BuildCode | Promise<BuildCode> {
  return builds.later(chooseBuild(requireSimd(), builds.has, simd));
}

/** Changes the bytes of a module before they are compiled. */
type Change = (bytes: Uint8Array) => Uint8Array;

/**
 * The module that the options ask for. `change` is applied to its bytes before they are compiled. A module that
 * the host or the caller compiled is used unchanged.
 */
export async function loadModule(
  { simd, wasm }: CoreOptions,
  change?: Change,
): Promise<HostModule> {
  const host = requireSimd();
  if (wasm === undefined) return compiledBuild(host, chooseBuild(host, builds.has, simd), change);
  return moduleFrom(host, await (typeof wasm === "function" ? wasm() : wasm), change);
}

/**
 * The host's WebAssembly.
 * @throws UnsupportedHostError where it is missing or has no SIMD.
 */
export function requireSimd(): HostWebAssembly {
  const host = hostWebAssembly();
  if (!host) {
    throw new UnsupportedHostError(
      "This runtime has no WebAssembly, which tied-autoencoder needs for its numerics. " +
        readmeLink("where-it-runs"),
    );
  }
  if (!host.validate(decodeHex(SIMD_PROBE))) {
    throw new UnsupportedHostError(
      "This runtime's WebAssembly has no SIMD. tied-autoencoder needs Chrome 91, Firefox 89, Safari 16.4, Node 20 or newer. " +
        readmeLink("where-it-runs"),
    );
  }
  return host;
}

async function compiledBuild(
  host: HostWebAssembly,
  build: Build,
  change: Change | undefined,
): Promise<HostModule> {
  const key = change ? `${build} shared` : build;
  const known = compiled.get(key);
  if (known) return known;
  const code = await builds.later(build);
  const module = isModule(code) ? code : await compile(host, code, change);
  compiled.set(key, module);
  return module;
}

async function moduleFrom(
  host: HostWebAssembly,
  supplied: WasmSource,
  change: Change | undefined,
): Promise<HostModule> {
  if (isModule(supplied)) return supplied;
  const response = supplied as { arrayBuffer?: () => Promise<ArrayBuffer> };
  const bytes =
    typeof response?.arrayBuffer === "function"
      ? new Uint8Array(await response.arrayBuffer())
      : bytesOf(supplied);
  if (!bytes) {
    throw new InvalidTypeError(
      `wasm must be a WebAssembly.Module, its bytes, a Response, or a promise or function that gives one; got ${show(supplied)}.`,
    );
  }
  requireWasmMagic(bytes);
  return compile(host, bytes, change);
}

function mustWait(): never {
  throw new UnsupportedHostError(
    "createSync has no core here: in a page, a bundled program or one that may not read files, the core is loaded by waiting. Use create, which also makes later calls of createSync work, or give the core as wasm. " +
      readmeLink("where-it-runs"),
  );
}

function compileNow(host: HostWebAssembly, code: BuildCode): HostModule {
  if (isModule(code)) return code;
  requireWasmMagic(code);
  try {
    return new host.Module(code);
  } catch (cause) {
    throw notCompiled(host, code, cause);
  }
}

async function compile(
  host: HostWebAssembly,
  bytes: Uint8Array,
  change: Change | undefined,
): Promise<HostModule> {
  const code = change ? change(bytes) : bytes;
  try {
    return await host.compile(code);
  } catch (cause) {
    throw notCompiled(host, code, cause);
  }
}

/** Why bytes did not compile: they are not a module that this host can run, or the host compiles no module at all. */
function notCompiled(host: HostWebAssembly, code: Uint8Array, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (!host.validate(code)) {
    return new InvalidValueError(
      `wasm holds ${code.length} bytes that this runtime does not take for a WebAssembly module (${reason}). They are damaged, or need a feature that the runtime lacks.`,
      { cause },
    );
  }
  return new UnsupportedHostError(
    `This runtime refused to compile WebAssembly (${reason}). A page needs 'wasm-unsafe-eval' in its Content-Security-Policy; an edge runtime needs the module imported and passed as wasm. ${readmeLink("when-the-host-refuses-webassembly")}`,
    { cause },
  );
}

/** For a missing file a server usually sends an HTML page. A check of the first bytes gives a clear message for that. */
function requireWasmMagic(bytes: Uint8Array): void {
  if (bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d) return;
  const start = String.fromCharCode(...bytes.subarray(0, 16)).replace(/[^ -~]/g, ".");
  throw new InvalidValueError(
    `wasm holds ${bytes.length} bytes that are no WebAssembly module; they begin with ${show(start)}. Was it the page of a missing file?`,
  );
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  const isBuffer = Object.prototype.toString.call(value) === "[object ArrayBuffer]";
  return isBuffer ? new Uint8Array(value as ArrayBuffer) : undefined;
}

/** An instance of the core over `memory`, by default a new one. `simd` is the option of that name, for a check. */
export function instantiate(
  host: HostWebAssembly,
  module: HostModule,
  simd: unknown,
  memory: HostMemory = plainMemory(host),
): Core {
  let kernels: KernelExports;
  try {
    kernels = new host.Instance(module, { env: { memory } }).exports as KernelExports;
  } catch (cause) {
    throw linkRefused(cause, memory);
  }
  return {
    build: checkedBuild(kernels, simd),
    kernels,
    memory,
    threads: 1,
    dispose() {},
    guard() {},
  };
}

function plainMemory(host: HostWebAssembly): HostMemory {
  try {
    return new host.Memory({ initial: 1, maximum: MAXIMUM_PAGES });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MemoryLimitError(
      `The host gave no memory for another model (${reason}). Models that are disposed give theirs back; a limit on the process's address space may be too low.`,
      { cause },
    );
  }
}

function linkRefused(cause: unknown, memory: HostMemory): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const need =
    memory.buffer instanceof ArrayBuffer
      ? "one thread needs the core compiled for its own memory"
      : "several threads need the core compiled for shared memory; given as bytes instead of a Module, any build serves";
  return new InvalidValueError(`wasm is a module that does not link: ${need} (${reason}).`, {
    cause,
  });
}

/** Which build a module is. Checks its ABI version and that it is the build that the option `simd` asks for. */
function checkedBuild(kernels: KernelExports, simd: unknown): Build {
  if (typeof kernels.abi !== "function") {
    throw new InvalidValueError(
      "wasm is a module, but not this package's core: it exports no abi().",
    );
  }
  const abi = kernels.abi();
  if (abi >>> 16 !== ABI_VERSION) {
    throw new InvalidValueError(
      `wasm has version ${abi >>> 16} of the core's exports; this package needs version ${ABI_VERSION}.`,
    );
  }
  const build = abi & RELAXED_BIT ? "relaxed" : "baseline";
  if (simd !== undefined && simd !== "auto" && simd !== build) {
    throw new InvalidValueError(
      `simd is ${show(simd)}, but the module given as wasm is the ${build} build.`,
    );
  }
  return build;
}
