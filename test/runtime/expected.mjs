// The SHA-256 of all weights after 200 steps of each optimizer (see `trainedDigest`), the same on every
// host with the baseline build. They change when a kernel sums in another order, and then on purpose:
// `node test/runtime/hosts.mjs --digests` prints those of the present build.

export const EXPECTED = {
  sgd: "29ce60767e5adaee3f446c05e2ae095d2f1a17b2f40289d0bee5a990055c5f6b",
  adam: "78d85ea7057e1232efa7f713aa2804648fe2f89054c6d80c10fd577441ef197e",
  adamw: "a8960923392fb72c50baaf28e27ff2d0164cf09e3f2136d66644ef4a3b65e677",
  rmsprop: "2765168ef547e1611a361b4bb07e250c872b571f74831f565d2b37c538daab8a",
  adagrad: "90cbf519dde7df9eba6297eb209a9d63f7bb860665379758ecfb538b9466c537",
};
