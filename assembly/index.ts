// The ABI: what a compiled module exports. Re-exports only.

export { abi } from "./abi";
export { gemmNN, gemmNT, gemmTN, gemmWorkspace, gramNT, gramTN } from "./gemm";
export { fill } from "./vector";
