// Measures how cost grows with the input, on machines that do other work too: processor time instead of
// the clock's, the best of several tries, and a limit far from both of what it tells apart.

const FACTOR = 8;
/** Linear work takes 8 times as long on 8 times the input, work with the square of it 64 times. */
const LIMIT = 24;
const TRIES = 8;
/** What is quicker than this is taken for as long: the first thousandths of a second say little. */
const FLOOR_MS = 3;

async function milliseconds(work: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/**
 * How many times as long work takes on 8 times the input, and the limit for linear work. Tries again while
 * it is beyond the limit.
 * @param make Makes an input of a size, and gives the work on it.
 */
export async function growth(
  make: (size: number) => () => unknown,
  size: number,
): Promise<{ ratio: number; limit: number }> {
  const small = make(size);
  const large = make(size * FACTOR);
  await small(); // compiled by now
  let [quick, slow] = [Infinity, Infinity];
  for (let i = 0; i < TRIES; i++) {
    quick = Math.min(quick, await milliseconds(small));
    slow = Math.min(slow, await milliseconds(large));
    if (slow <= LIMIT * Math.max(quick, FLOOR_MS)) break;
  }
  return { ratio: slow / Math.max(quick, FLOOR_MS), limit: LIMIT };
}
