// The op codes that the core and the TypeScript layer share. Plain TypeScript, valid in both
// languages; everything public derives its names from these enums, and files store the names. A code
// that is renumbered therefore breaks no file, but it raises the version of the ABI (abi.ts): programs
// that call the modules themselves use the numbers. This file imports nothing.

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

/** Elements a partial sum of a loss covers. */
export const LOSS_BLOCK = 4096;

/** Elements summed as one block by the sums of a vector: 8 us of work, worth a thread's attention. */
export const SUM_BLOCK = 32768;

/**
 * Whether an activation's derivative is taken from its input z rather than from its output y. A
 * model that knows can let z go where the derivative reads y.
 */
export function gradientNeedsInput(activation: Activation, parameter: number): boolean {
  if (activation === Activation.linear || activation === Activation.relu) return false;
  if (activation === Activation.sigmoid || activation === Activation.tanh) return false;
  // The output of a leaky relu tells the sign of its input unless the slope turns it over.
  if (activation === Activation.leakyRelu) return !(parameter >= 0);
  return true;
}
