// The ABI: what a compiled module exports. Re-exports only.

export { abi } from "./abi";
export { fill } from "./vector";
