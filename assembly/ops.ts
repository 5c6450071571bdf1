// The op codes that the core and the TypeScript sources share. The file is valid in both languages and imports
// nothing. Public names derive from these enums, and files store the names. So renumbering a code breaks no
// file, but it requires a new ABI version (abi.ts), because programs that call the modules directly use the
// numbers.

/** Elementwise activations. `leakyRelu` and `elu` take a parameter (slope, alpha). */
export enum Activation {
  linear,
  relu,
  leakyRelu,
  elu,
  selu,
  gelu,
  geluTanh,
  silu,
  softplus,
  sigmoid,
  tanh,
}

/** Losses. `huber` and `smoothL1` take a parameter (delta, beta); `bce` reads logits. */
export enum Loss {
  mse,
  mae,
  bce,
  huber,
  smoothL1,
}

/** Elements that one partial sum of a loss covers. */
export const LOSS_BLOCK = 4096;

/** Elements that the sums of a vector add as one block. A block takes 8 us, which is long enough to share. */
export const SUM_BLOCK = 32768;

/**
 * Whether the derivative of an activation is computed from its input z and not from its output y. Where it
 * is computed from y, a model does not need to keep z.
 */
export function gradientNeedsInput(activation: Activation, parameter: number): boolean {
  if (activation === Activation.linear || activation === Activation.relu) return false;
  if (activation === Activation.sigmoid || activation === Activation.tanh) return false;
  // The output of a leaky relu has the sign of its input if the slope is not negative.
  if (activation === Activation.leakyRelu) return !(parameter >= 0);
  return true;
}
