// One cell of the tables: a workload, training or encoding, and a number of rows. All peers start
// from the same weights and are checked; then every round runs one slice of each, one after another,
// so that a slow minute of the machine is slow for all.

import { check, truth } from "./check.mjs";
import { compare } from "./report.mjs";
import { ringOf, startingWeights } from "./workloads.mjs";

const WARM_UP_SECONDS = 0.3;
const SLICE_SECONDS = 0.025;

/** Times every peer that `does` this kind; those that fail are left out and told to `onFailure`. */
export async function measure({ kind, workload, rows, rounds, images }, peers, onFailure) {
  const ring = ringOf(images, rows);
  const expected = truth(kind, workload, ring);
  const running = [];
  for (const { name, does, start } of peers) {
    if (!does.includes(kind)) continue;
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
      seconds.push((await session[kind](calls)).seconds / calls);
    }
  }
  for (const { session } of running) await session.dispose();
  const seconds = Object.fromEntries(running.map((peer) => [peer.name, peer.seconds]));
  const { id, layers } = workload;
  return { workload: id, layers, kind, rows, peers: compare(seconds, peers[0].name) };
}

/** Runs until the engine has compiled what it will; returns how many calls fill one slice. */
async function warmUp(session, kind) {
  let calls = 1;
  for (let spent = 0; spent < WARM_UP_SECONDS; ) {
    const { seconds } = await session[kind](calls);
    spent += seconds;
    calls = Math.max(1, Math.round((SLICE_SECONDS * calls) / seconds));
  }
  return calls;
}
