// One cell of the tables: a workload, training or encoding, and a number of rows. All peers start with the same weights and
// are checked. Then every round runs one slice of each, one after another, so that other work on the machine slows all.

import { setTimeout as sleep } from "node:timers/promises";
import { check, truth } from "./check.mjs";
import { compare } from "./report.mjs";
import { ringOf, startingWeights } from "./workloads.mjs";

const WARM_UP_SECONDS = 0.3;
const SLICE_SECONDS = 0.025;

/**
 * Times every peer that `does` this kind. Peers that fail are omitted and reported to `onFailure`. The `clock` is "wall", or
 * "cpu" for a machine with other work.
 */
export async function measure({ kind, workload, rows, rounds, images, clock }, peers, onFailure) {
  const ring = ringOf(images, rows);
  const expected = truth(kind, workload, ring);
  const running = [];
  for (const { name, does, start, takesTopK = false } of peers) {
    if (!does.includes(kind) || (workload.topK && !takesTopK)) continue;
    try {
      const session = await start(workload, startingWeights(workload), ring);
      await check(session, expected);
      running.push({ name, session, calls: await warmUp(session, kind), seconds: [] });
    } catch (error) {
      onFailure(name, error);
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const { session, calls, seconds } of running) {
      await settle();
      seconds.push((await session[kind](calls))[clock] / calls);
    }
  }
  for (const { session } of running) await session.dispose();
  const seconds = Object.fromEntries(running.map((peer) => [peer.name, peer.seconds]));
  const { id, layers, topK } = workload;
  return { workload: id, layers, topK, kind, rows, peers: compare(seconds, peers[0].name) };
}

/**
 * Waits until this process is idle. On the one core, its helper threads may still clean up after the last peer, which would
 * add to the next peer's time. PyTorch's step at 1024 rows took 27 ms instead of 15 after a peer with much to clean up.
 */
async function settle() {
  for (let i = 0; i < 40; i++) {
    const usage = process.cpuUsage();
    await sleep(5);
    const { user, system } = process.cpuUsage(usage);
    if (user + system < 500) return;
  }
}

/** Warms up until the engine has compiled the code. Returns the number of calls that fill one slice. */
async function warmUp(session, kind) {
  let calls = 1;
  for (let spent = 0; spent < WARM_UP_SECONDS; ) {
    const { wall } = await session[kind](calls);
    spent += wall;
    calls = Math.max(1, Math.round((SLICE_SECONDS * calls) / wall));
  }
  return calls;
}
