// The ABI: what a compiled module exports. Re-exports only.

export { abi } from "./abi";
export { gemmNN, gemmNT, gemmTN, gemmWorkspace, gramNT, gramTN } from "./gemm";
export { adagrad, adam, rmsprop, sgd } from "./optimizer";
export {
  addPenaltyGradient,
  affineColumns,
  axpy,
  columnSums,
  countNaN,
  dot,
  fill,
  firstNonFinite,
  gatherRows,
  scale,
  sumAbs,
  sumSquares,
} from "./vector";
