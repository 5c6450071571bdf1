// The host's WebAssembly, typed here rather than by the DOM library, so that the package's types work
// in a program without it.

/** A WebAssembly memory: the arena that kernels and TypeScript share. */
export interface HostMemory {
  /** A SharedArrayBuffer where threads share the memory: some APIs of the host refuse views of it. */
  readonly buffer: ArrayBufferLike;
  /** Adds pages of 64 KiB and returns how many there were. Detaches views of `buffer` where it is not shared. */
  grow(pages: number): number;
}

/** A compiled module. Opaque; told from other objects by `isModule`. */
export type HostModule = object;

interface HostInstance {
  readonly exports: object;
}

/** The part of the WebAssembly namespace that the package uses. */
export interface HostWebAssembly {
  readonly Memory: new (limits: {
    initial: number;
    maximum: number;
    shared?: boolean;
  }) => HostMemory;
  readonly Module: new (bytes: Uint8Array) => HostModule;
  readonly Instance: new (module: HostModule, imports: object) => HostInstance;
  readonly validate: (bytes: Uint8Array) => boolean;
  readonly compile: (bytes: Uint8Array) => Promise<HostModule>;
}

/** The host's WebAssembly namespace, or `undefined` where there is none. Read when it is needed. */
export function hostWebAssembly(): HostWebAssembly | undefined {
  return (globalThis as { WebAssembly?: HostWebAssembly }).WebAssembly;
}

/** Whether `value` is a compiled module, of this realm or another (`instanceof` tells only the first). */
export function isModule(value: unknown): value is HostModule {
  return Object.prototype.toString.call(value) === "[object WebAssembly.Module]";
}
