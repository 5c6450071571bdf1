// The ABI: what a compiled module exports. Re-exports only.

export { abi } from "./abi";
export { activationGradient, biasActivation } from "./activation";
export { clamp, projectRows, setRowNorms } from "./constraints";
export { gaussianGradient, gaussianKl, gaussianSample } from "./gaussian";
export { gemmNN, gemmNT, gemmTN, gemmWorkspace, gramNT, gramTN, transpose } from "./gemm";
export { gramGradient } from "./gram";
export {
  lossGradient,
  lossValue,
  rowErrors,
  squaredErrors,
  sumF64,
} from "./loss";
export { mixedErrors, mixedGradient, mixedKnown, softmaxBlocks } from "./mixed";
export { leastDistances } from "./nearest";
export { adagrad, adam, rmsprop, sgd } from "./optimizer";
export {
  addScaledRows,
  contraction,
  klSparsity,
  rowSquares,
  subtractIdentity,
} from "./penalties";
export {
  addNormal,
  permutation,
  randomBits,
  randomMask,
  randomNormal,
  randomUniform,
  saltPepper,
} from "./random";
export { scaleColumns, unscaleColumns } from "./scaling";
export {
  countIdle,
  invertLists,
  listIdle,
  sampledNT,
  sparseColumnSums,
  sparseGather,
  sparseNN,
  sparseScatter,
  sparseTN,
} from "./sparse";
export {
  keepAbove,
  rowStarts,
  smallestPositive,
  topK,
  topKAmong,
  topKWorkspace,
} from "./topk";
export {
  addPenaltyGradient,
  affineColumns,
  axpy,
  columnSums,
  countNaN,
  dot,
  fill,
  firstOutside,
  gatherRows,
  scale,
  sumAbs,
  sumSquares,
} from "./vector";
