// The ABI version and the features of a module, so that a host can reject an incompatible one.

/** Raised whenever an export changes its name, its parameters or its meaning. */
const ABI_VERSION: u32 = 1;

/** Feature bit: this build uses relaxed SIMD. */
const RELAXED: u32 = 1;

/** ABI version in the high 16 bits, feature bits in the low 16. */
export function abi(): u32 {
  return (ABI_VERSION << 16) | (ASC_FEATURE_RELAXED_SIMD ? RELAXED : 0);
}
