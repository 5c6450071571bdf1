// Types of arrays over an ArrayBuffer, never over memory that threads share: what `new Blob([…])` and other
// functions of the host ask for. TypeScript has had a parameter for that since 5.7. The result of `slice`
// has it where it exists, and earlier versions compile these types as well.

export type OwnBytes = ReturnType<Uint8Array["slice"]>;
export type OwnFloats = ReturnType<Float32Array["slice"]>;
export type OwnDoubles = ReturnType<Float64Array["slice"]>;
