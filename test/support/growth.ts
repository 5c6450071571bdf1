// Measures how cost grows with the input, also on busy machines. It uses processor time instead of
// wall time, the best of several tries, and a limit between linear and quadratic growth.

const FACTOR = 8;
/**
 * Quadratic work takes 64 times as long on 8 times the input. Linear work takes 8 times as long, and up to 27 times if it
 * keeps many objects, which the collector of garbage moves and visits again.
 */
const LIMIT = 44;
const TRIES = 8;
/** Shorter times are replaced by this one, because they are not precise. */
const FLOOR_MS = 3;

async function milliseconds(work: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/**
 * The ratio of the times for 8 times the input, and the limit for linear work. Tries again while
 * it is beyond the limit.
 * @param make Makes an input of a size, and returns the work on it.
 */
export async function growth(
  make: (size: number) => () => unknown,
  size: number,
): Promise<{ ratio: number; limit: number }> {
  const small = make(size);
  const large = make(size * FACTOR);
  await small(); // compiles the code
  let [quick, slow] = [Infinity, Infinity];
  for (let i = 0; i < TRIES; i++) {
    quick = Math.min(quick, await milliseconds(small));
    slow = Math.min(slow, await milliseconds(large));
    if (slow <= LIMIT * Math.max(quick, FLOOR_MS)) break;
  }
  return { ratio: slow / Math.max(quick, FLOOR_MS), limit: LIMIT };
}
