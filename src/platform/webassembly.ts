// The host's WebAssembly. It is typed here and not by the DOM library, so that the package's types work in programs without
// that library.

/** A WebAssembly memory: the arena that kernels and TypeScript share. */
export interface HostMemory {
  /** A SharedArrayBuffer if threads share the memory. Some APIs of the host refuse views of it. */
  readonly buffer: ArrayBufferLike;
  /** Adds pages of 64 KiB and returns the old number of pages. Detaches views of `buffer` if it is not shared. */
  grow(pages: number): number;
}

/** A compiled module. It is opaque. `isModule` recognizes it. */
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

/** The host's WebAssembly namespace, or `undefined` if there is none. */
export function hostWebAssembly(): HostWebAssembly | undefined {
  return (globalThis as { WebAssembly?: HostWebAssembly }).WebAssembly;
}

/** Whether `value` is a compiled module of any realm. `instanceof` only recognizes modules of its own realm. */
export function isModule(value: unknown): value is HostModule {
  return Object.prototype.toString.call(value) === "[object WebAssembly.Module]";
}
