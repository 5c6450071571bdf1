// The op codes that the core and the TypeScript layer share. Plain TypeScript, valid in both
// languages; everything public derives its names from these enums and files store the names, so a
// code may be renumbered at any time. This file imports nothing.

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
