// Undoes scripts/pack.mjs: matches against what came before, coded by an adaptive range coder, in the
// manner of Igor Pavlov's LZMA with half its machinery. Written because hosts give no synchronous
// decompressor. Both builds of the core are one stream, as they share most of their text: together
// they take under half of what gzip makes of them one by one. Unpacking takes a few milliseconds.

/** Where each kind of decision keeps its contexts in the table of odds. */
export const Context = {
  kind: 0, // [state]: literal or match
  repeat: 9, // [state]: is the distance one of the last four?
  first: 18, // [state]: … the last one?
  second: 27,
  third: 36,
  length: 48, // [new or repeated]: 512 each
  slot: 1072, // [length up to 5]: 64 each
  high: 1328, // [slot]: 16 each
  low: 1904, // [slot, all far ones in one]: 16 each
  literal: 2112, // [three bits of the byte before]: 768 each
  end: 2112 + 8 * 768,
} as const;

/** Slots from here on have more than four extra bits, the lowest of which share one table. */
export const FAR_SLOT = 12;

declare function atob(text: string): string;

/** The first `length` bytes of what was packed. */
export function unpack(text: string, length: number): Uint8Array {
  const packed = atob(text);
  const out = new Uint8Array(length);
  const odds = new Uint16Array(Context.end).fill(0x8000); // that the next bit is 0
  const seen = new Uint8Array(Context.end);
  const distances = [1, 1, 1, 1];
  let next = 0;
  let range = -1 >>> 0;
  let code = 0;

  const bit = (context: number): number => {
    while (range < 0x100_0000) shift();
    const odd = odds[context] as number;
    const bound = (range >>> 12) * (odd >>> 4);
    const one = code >= bound ? 1 : 0;
    if (one) {
      code -= bound;
      range -= bound;
    } else range = bound;
    odds[context] = adapted(odd, one, seen[context] as number);
    if ((seen[context] as number) < SLOWEST) seen[context] = (seen[context] as number) + 1;
    return one;
  };
  const shift = () => {
    range = (range << 8) >>> 0;
    code = ((code << 8) | packed.charCodeAt(next++)) >>> 0;
  };
  /** `bits` bits, each in the context of those above it. */
  const tree = (context: number, bits: number): number => {
    let node = 1;
    for (let i = 0; i < bits; i++) node = 2 * node + bit(context + node);
    return node - (1 << bits);
  };
  const matchLength = (context: number): number => {
    if (!bit(context)) return tree(context + 16, 3);
    if (!bit(context + 1)) return 8 + tree(context + 32, 3);
    return 16 + tree(context + 256, 8);
  };
  const literal = (at: number, expected: number): number => {
    const context = Context.literal + 768 * ((out[at - 1] ?? 0) >> 5);
    let node = 1;
    // After a match the byte that would have followed it is known not to come: code against it.
    for (let i = 7; i >= 0 && expected >= 0; i--) {
      const wish = (expected >> i) & 1;
      const got = bit(context + 256 + 256 * wish + node);
      node = 2 * node + got;
      if (got !== wish) expected = -1;
    }
    while (node < 256) node = 2 * node + bit(context + node);
    return node - 256;
  };
  const newDistance = (span: number): number => {
    const slot = tree(Context.slot + 64 * Math.min(span, 3), 6);
    if (slot < 4) return slot + 1;
    const extra = (slot >> 1) - 1;
    let distance = 2 + (slot & 1);
    for (let i = 0; i < extra - 4; i++) {
      distance = 2 * distance + bit(Context.high + 16 * slot + i);
    }
    const bits = Math.min(extra, 4);
    return (distance << bits) + tree(Context.low + 16 * Math.min(slot, FAR_SLOT), bits) + 1;
  };

  for (let i = 0; i < 4; i++) shift();
  range = -1 >>> 0;
  let state = 0;
  for (let at = 0; at < length; ) {
    if (!bit(Context.kind + state)) {
      out[at] = literal(at, state % 3 ? (out[at - (distances[0] as number)] as number) : -1);
      at++;
      state = (state * 3) % 9;
      continue;
    }
    let count: number;
    if (bit(Context.repeat + state)) {
      let which = 0;
      if (bit(Context.first + state)) {
        which = bit(Context.second + state) ? 2 + bit(Context.third + state) : 1;
      }
      distances.unshift(...distances.splice(which, 1));
      count = matchLength(Context.length + 512) + 1;
      state = (state * 3 + 2) % 9;
    } else {
      const span = matchLength(Context.length);
      distances.pop();
      distances.unshift(newDistance(span));
      count = span + 2;
      state = (state * 3 + 1) % 9;
    }
    for (const from = at - (distances[0] as number), start = at; at < start + count; at++) {
      out[at] = out[from + at - start] as number;
    }
  }
  return out;
}

/** Steps after which a context's odds stop adapting more slowly. */
export const SLOWEST = 30;

/** The odds of a 0 after a bit was seen in a context that had come up `seen` times: a running mean. */
export function adapted(odd: number, one: number, seen: number): number {
  const step = ((one ? 32 : 65504) - odd) / (seen + 1.5);
  return odd + Math.trunc(step);
}
