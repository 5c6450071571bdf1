// The SHA-256 of all weights after 200 steps of each optimizer (see `trainedDigest`) and of the scores of a detector (see
// `detectorDigest`), the same on every host with the baseline build. They change when a kernel sums in another order, and then on purpose:
// `node test/runtime/hosts.mjs --digests` prints those of the present build.

export const EXPECTED = {
  sgd: "29ce60767e5adaee3f446c05e2ae095d2f1a17b2f40289d0bee5a990055c5f6b",
  adam: "a5cce6acf0fceab00a17fd41c0a9124ee6021f4ebc2e342cde2552dd1d98ae68",
  adamw: "ade3ac78297c4ba1c4cb5d96e2254d0ebdf3f70309686acfa387f4031392ecf2",
  rmsprop: "81593954eea38009ba1b784635d576a95dc23322273da8c780290ca80c974814",
  adagrad: "90cbf519dde7df9eba6297eb209a9d63f7bb860665379758ecfb538b9466c537",
  detector: "7b5485bb90fb9c313f9ca5a7d7f58f760ae0517bbcc2f8752ffa8d6203d69e8c",
};
