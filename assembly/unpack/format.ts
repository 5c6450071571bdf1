// What packer (scripts/pack.mjs) and unpacker agree on: where each kind of decision keeps its contexts
// in the table of odds. Plain TypeScript, valid in both languages; imports nothing.

/** [state]: literal or match. */
export const KIND = 0;
/** [state]: is the distance one of the last four? … the first, the second, the third of them? */
export const REPEAT = 9;
export const FIRST = 18;
export const SECOND = 27;
export const THIRD = 36;
/** [new or repeated]: 512 each. */
export const LENGTH = 48;
/** [length up to 5]: 64 each. */
export const SLOT = 1072;
/** [slot]: 16 each. */
export const DISTANCE_HIGH = 1328;
/** [slot, all far ones in one]: 16 each. */
export const DISTANCE_LOW = 1904;
/** [what literalPlace says]: 768 each. */
export const LITERAL = 2112;
/** Contexts in all. */
export const END = 11328;

/** Slots from here on have more than four extra bits, the lowest of which share one table. */
export const FAR_SLOT = 12;

/** Steps after which a context's odds stop adapting more slowly. */
export const SLOWEST = 30;

/**
 * Vector instructions that do not exist, and stand in the packed builds for the two halves of what is a
 * fused multiply-add in the relaxed build, and a product and a sum in the baseline.
 */
export const FUSED_MUL = 0xee;
export const FUSED_ADD = 0xef;
