// What all races need: random numbers from a seed, and promises that must settle.

const PATIENCE = 20_000; // milliseconds after which a promise counts as lost

/** Numbers in [0, 1) from a seed. */
export function generator(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

export const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The outcome of a promise. Throws if the promise does not settle in time. */
export async function outcome(promise, what) {
  let timer;
  const lost = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} never settles`)), PATIENCE);
  });
  const settled = promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
  try {
    return await Promise.race([settled, lost]);
  } finally {
    clearTimeout(timer);
  }
}

export function check(condition, what) {
  if (!condition) throw new Error(what);
}
