// Times a peer that lives in this process. Such a peer writes only
//   load(rows)     a batch in the form it trains on; not timed, so that it may keep data at hand
//   step(batch)    one training step
//   loss()         the last step's loss before its update, once the step is complete
//   encode(rows)   Float32Array to Float32Array, or a promise of one
//   weights()      by the names that it was given
//   dispose()
// and leaves out load, step, loss and weights when it cannot train. PyTorch, which runs in a
// process of its own, answers the same questions as the object that `timed` returns.

/** Starts a watch; asked again it gives the seconds since then, by the wall and of this process. */
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
    /** Runs so many steps along the ring; seconds for all of them, and the last one's loss. */
    async train(steps) {
      batches ??= ring.map((rows) => peer.load(rows));
      const elapsed = watch();
      for (let i = 0; i < steps; i++) peer.step(batches[trained++ % batches.length]);
      const loss = await peer.loss();
      return { ...elapsed(), loss };
    },

    /** Encodes so many batches of the ring; seconds for all of them. */
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
