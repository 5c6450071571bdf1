// Times a peer that runs in this process. Such a peer implements only
//   load(rows)     a batch in the form that it trains on; not timed, so that it can store data in its own form
//   step(batch)    one training step
//   loss()         the last step's loss before its update, once the step is complete
//   encode(rows)   Float32Array to Float32Array, or a promise of one
//   weights()      by the names that it was given
//   dispose()
// A peer that cannot train omits load, step, loss and weights. PyTorch runs in a process of its own, which answers the same
// requests as the object that `timed` returns.

/** Starts a clock. A call of it returns the seconds since then, by the wall clock and of this process. */
function watch() {
  const wall = performance.now();
  const usage = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(usage);
    return { wall: (performance.now() - wall) / 1e3, cpu: (user + system) / 1e6 };
  };
}

export function timed(peer, ring) {
  let batches;
  let trained = 0;
  let encoded = 0;

  return {
    /** Runs this many steps with the batches of the ring. Returns seconds for all of them, and the last one's loss. */
    async train(steps) {
      batches ??= ring.map((rows) => peer.load(rows));
      const elapsed = watch();
      for (let i = 0; i < steps; i++) peer.step(batches[trained++ % batches.length]);
      const loss = await peer.loss();
      return { ...elapsed(), loss };
    },

    /** Encodes this many batches of the ring. Returns seconds for all of them. */
    async encode(calls) {
      const elapsed = watch();
      for (let i = 0; i < calls; i++) {
        const code = peer.encode(ring[encoded++ % ring.length]);
        if (code instanceof Promise) await code;
      }
      return elapsed();
    },

    code: async () => peer.encode(ring[0]),
    weights: async () => peer.weights(),
    dispose: async () => peer.dispose(),
  };
}
