// Types of arrays over an ArrayBuffer that is not shared, as `new Blob([…])` and other functions of the host require.
// TypeScript has a type parameter for that since 5.7. The result type of `slice` has this parameter where it exists, so
// earlier versions compile these types too.

export type OwnBytes = ReturnType<Uint8Array["slice"]>;
export type OwnFloats = ReturnType<Float32Array["slice"]>;
export type OwnDoubles = ReturnType<Float64Array["slice"]>;
