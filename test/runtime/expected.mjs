// The SHA-256 of all weights after 200 steps of each optimizer (see `trainedDigest`), the same on every
// host with the baseline build. They change when a kernel sums in another order, and then on purpose:
// `node test/runtime/hosts.mjs --digests` prints those of the present build.

export const EXPECTED = {
  sgd: "7e4adfa6d18839840ba7e79bcb598f4980e95c44431a3a370f77ddce5fe6edf0",
  adam: "e1deec70d7d973801d13c1de386519fdc20be5c1efe2f887c77d51a1915e7ff0",
  adamw: "db90b692b51cf647e3a86162884ce29ffe37aba1d77cafc3ebfe15b2fe638fb9",
  rmsprop: "298291943ed38cd8ea8f722b0cd22ba16a10b37ade4fdf3b0ddfc8ba242c8725",
  adagrad: "4824b0e010463e5055e9a226295069f8c4753f185428c91518fbf8b1c298b08d",
};
