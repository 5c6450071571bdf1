// Packs bytes for assembly/unpack, which describes the format. The parse is chosen by price: each pass
// finds the cheapest way through the text under the odds that the pass before it ended with.

import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { functionPlaces } from "./wasm-code.mjs";

const format = readFileSync(new URL("../assembly/unpack/format.ts", import.meta.url), "utf8");
const { code } = transformSync(format, { loader: "ts", format: "esm" });
const {
  DISTANCE_HIGH,
  DISTANCE_LOW,
  END,
  FAR_SLOT,
  FIRST,
  FUSED_ADD,
  FUSED_MUL,
  KIND,
  LENGTH,
  LITERAL,
  REPEAT,
  SECOND,
  SLOT,
  SLOWEST,
  THIRD,
} = await import(`data:text/javascript,${encodeURIComponent(code)}`);

/** Prefix of vector instructions. */
const VECTOR = 0xfd;
const LONGEST = 272;
const TRIES = 400;
const PASSES = 3;

/**
 * Both builds packed: the unpacker makes of it the first `relaxed.length` bytes, or all. Where the relaxed
 * build has a multiply-add, padded by nops to the length of the baseline's product and sum, both are
 * packed with the same codes in its place, so that one is a copy of the other there.
 */
export function packBuilds(relaxed, baseline) {
  const first = Buffer.from(relaxed);
  const second = Buffer.from(baseline);
  for (let at = 0; at + 2 < first.length; at++) {
    if (first[at] === 1 && first[at + 1] === 1 && first[at + 2] === 1) {
      first.set([VECTOR, FUSED_MUL, 1], at);
    } else if (first[at] === VECTOR && first[at + 1] === 0x85 && first[at + 2] === 2) {
      first.set([VECTOR, FUSED_ADD, 1], at);
    } else continue;
    at += 2;
  }
  for (const { from, to, length } of likeFunctions(relaxed, baseline)) {
    for (let i = 0; i + 2 < length; i++) {
      const [prefix, code, end] = first.subarray(from + i, from + i + 3);
      if (prefix !== VECTOR || end !== 1 || (code !== FUSED_MUL && code !== FUSED_ADD)) continue;
      const whole = [VECTOR, code === FUSED_MUL ? 0xe6 : 0xe4, 1];
      if (whole.every((byte, j) => second[to + i + j] === byte)) second[to + i + 1] = code;
    }
  }
  return pack(Buffer.concat([first, second]));
}

/** Functions of both modules that take as many bytes, each with that which has most bytes in common. */
function likeFunctions(relaxed, baseline) {
  const places = functionPlaces(relaxed);
  return functionPlaces(baseline).flatMap(({ at: to, length }) => {
    const likeness = ({ at: from }) => {
      let equal = 0;
      for (let i = 0; i < length; i++) if (relaxed[from + i] === baseline[to + i]) equal++;
      return equal;
    };
    const [best] = places
      .filter((place) => place.length === length)
      .map((place) => ({ from: place.at, to, length, equal: likeness(place) }))
      .sort((a, b) => b.equal - a.equal);
    return best ? [best] : [];
  });
}

/** What the unpacker turns back into `bytes`. */
function pack(bytes) {
  const matches = findMatches(bytes);
  let odds = new Uint16Array(END).fill(0x8000);
  let best;
  for (let pass = 0; pass < PASSES; pass++) {
    const coder = new RangeCoder();
    encode(bytes, cheapestParse(bytes, matches, odds), coder);
    odds = coder.odds;
    const packed = coder.finish();
    if (!best || packed.length < best.length) best = packed;
  }
  return best;
}

/** The odds of a 0 after a bit was seen in a context that had come up `seen` times: a running mean. */
function adapted(odd, one, seen) {
  return odd + Math.trunc(((one ? 32 : 65504) - odd) / (seen + 1.5));
}

class RangeCoder {
  odds = new Uint16Array(END).fill(0x8000);
  #seen = new Uint8Array(END);
  #low = 0;
  #range = 0xffff_ffff;
  #bytes = [];

  bit(context, one) {
    const odd = this.odds[context];
    const bound = (this.#range >>> 12) * (odd >>> 4);
    if (one) {
      this.#low += bound;
      this.#range -= bound;
    } else this.#range = bound;
    this.odds[context] = adapted(odd, one, this.#seen[context]);
    if (this.#seen[context] < SLOWEST) this.#seen[context]++;
    while (this.#range < 0x100_0000) this.#shift();
  }

  #shift() {
    if (this.#low >= 2 ** 32) {
      this.#low -= 2 ** 32;
      let i = this.#bytes.length - 1;
      while (this.#bytes[i] === 255) this.#bytes[i--] = 0;
      this.#bytes[i]++;
    }
    this.#bytes.push(Math.floor(this.#low / 2 ** 24));
    this.#low = (this.#low % 2 ** 24) * 256;
    this.#range = (this.#range * 256) % 2 ** 32;
  }

  finish() {
    for (let i = 0; i < 5; i++) this.#shift();
    return Uint8Array.from(this.#bytes);
  }
}

/** Adds up what bits would cost under fixed odds. */
class Price {
  bits = 0;
  constructor(costs) {
    this.costs = costs;
  }
  bit(context, one) {
    this.bits += this.costs[2 * context + one];
  }
  of(code) {
    this.bits = 0;
    code(this);
    return this.bits;
  }
}

function tree(sink, context, bits, value) {
  let node = 1;
  for (let i = bits - 1; i >= 0; i--) {
    const one = (value >> i) & 1;
    sink.bit(context + node, one);
    node = 2 * node + one;
  }
}

function length(sink, context, value) {
  if (value < 8) {
    sink.bit(context, 0);
    tree(sink, context + 16, 3, value);
    return;
  }
  sink.bit(context, 1);
  sink.bit(context + 1, value < 16 ? 0 : 1);
  if (value < 16) tree(sink, context + 32, 3, value - 8);
  else tree(sink, context + 256, 8, value - 16);
}

/** assembly/unpack/index.ts says what for. */
function literalPlace(before, twoBefore) {
  if (before === 0xfd) return 8;
  if (before >= 0x20 && before <= 0x22) return 9;
  if (twoBefore >= 0x20 && twoBefore <= 0x22) return before < 32 ? 10 : 11;
  return before >> 5;
}

function literal(sink, bytes, at, expected) {
  const context = LITERAL + 768 * literalPlace(bytes[at - 1] ?? 0, bytes[at - 2] ?? 0);
  let node = 1;
  for (let i = 7; i >= 0; i--) {
    const one = (bytes[at] >> i) & 1;
    if (expected >= 0) {
      const wish = (expected >> i) & 1;
      sink.bit(context + 256 + 256 * wish + node, one);
      if (one !== wish) expected = -1;
    } else sink.bit(context + node, one);
    node = 2 * node + one;
  }
}

function newDistance(sink, span, distance) {
  const context = SLOT + 64 * Math.min(span, 3);
  const value = distance - 1;
  if (value < 4) {
    tree(sink, context, 6, value);
    return;
  }
  const width = 32 - Math.clz32(value);
  const slot = 2 * (width - 1) + ((value >> (width - 2)) & 1);
  tree(sink, context, 6, slot);
  const extra = width - 2;
  for (let i = 0; i < extra - 4; i++) {
    sink.bit(DISTANCE_HIGH + 16 * slot + i, (value >> (extra - 1 - i)) & 1);
  }
  const bits = Math.min(extra, 4);
  tree(sink, DISTANCE_LOW + 16 * Math.min(slot, FAR_SLOT), bits, value & ((1 << bits) - 1));
}

function which(sink, state, i) {
  sink.bit(FIRST + state, i > 0 ? 1 : 0);
  if (i === 0) return;
  sink.bit(SECOND + state, i > 1 ? 1 : 0);
  if (i > 1) sink.bit(THIRD + state, i - 2);
}

const after = (state, type) => (state * 3 + type) % 9;
const moved = (distances, i) => [distances[i], ...distances.filter((_, j) => j !== i)];

function encode(bytes, steps, sink) {
  let distances = [1, 1, 1, 1];
  let state = 0;
  let at = 0;
  for (const { count, distance, repeat } of steps) {
    if (count === 1 && distance === 0) {
      sink.bit(KIND + state, 0);
      literal(sink, bytes, at, state % 3 ? bytes[at - distances[0]] : -1);
      state = after(state, 0);
    } else if (repeat >= 0) {
      sink.bit(KIND + state, 1);
      sink.bit(REPEAT + state, 1);
      which(sink, state, repeat);
      distances = moved(distances, repeat);
      length(sink, LENGTH + 512, count - 1);
      state = after(state, 2);
    } else {
      sink.bit(KIND + state, 1);
      sink.bit(REPEAT + state, 0);
      length(sink, LENGTH, count - 2);
      newDistance(sink, count - 2, distance);
      distances = [distance, ...distances.slice(0, 3)];
      state = after(state, 1);
    }
    at += count;
  }
}

/** For every position the nearest distance of each longer match: pairs of length and distance. */
function findMatches(bytes) {
  const heads = new Map();
  const previous = new Int32Array(bytes.length).fill(-1);
  return Array.from({ length: bytes.length }, (_, at) => {
    const found = [];
    const key = bytes[at] | (bytes[at + 1] << 8);
    let longest = 1;
    let from = heads.get(key) ?? -1;
    for (let tries = TRIES; from >= 0 && tries > 0; tries--, from = previous[from]) {
      if (bytes[from + longest] !== bytes[at + longest]) continue;
      const count = common(bytes, from, at);
      if (count > longest) {
        found.push([count, at - from]);
        longest = count;
        if (count >= LONGEST) break;
      }
    }
    previous[at] = heads.get(key) ?? -1;
    heads.set(key, at);
    return found;
  });
}

function common(bytes, from, at) {
  const most = Math.min(LONGEST, bytes.length - at);
  let count = 0;
  while (count < most && bytes[from + count] === bytes[at + count]) count++;
  return count;
}

function cheapestParse(bytes, matches, odds) {
  const costs = new Float64Array(2 * END);
  odds.forEach((odd, context) => {
    costs[2 * context] = -Math.log2(odd / 65536);
    costs[2 * context + 1] = -Math.log2(1 - odd / 65536);
  });
  const price = new Price(costs);
  const lengths = [0, 512].map((base) =>
    Array.from({ length: LONGEST }, (_, n) => price.of((s) => length(s, LENGTH + base, n))),
  );
  const distanceCosts = new Map();
  const distanceCost = (span, distance) => {
    const key = Math.min(span, 3) * 2 ** 20 + distance;
    let cost = distanceCosts.get(key);
    if (cost === undefined) {
      cost = price.of((s) => newDistance(s, span, distance));
      distanceCosts.set(key, cost);
    }
    return cost;
  };
  const n = bytes.length;
  const total = new Float64Array(n + 1).fill(Infinity);
  const arrivals = new Array(n + 1);
  total[0] = 0;
  arrivals[0] = { state: 0, distances: [1, 1, 1, 1] };
  const offer = (at, cost, count, distance, repeat, state, from) => {
    if (cost >= total[at]) return;
    total[at] = cost;
    arrivals[at] = { count, distance, repeat, state, from };
  };
  for (let at = 0; at < n; at++) {
    const here = arrivals[at];
    if (!here.distances) {
      const { distances } = arrivals[here.from];
      if (here.distance === 0) here.distances = distances;
      else if (here.repeat >= 0) here.distances = moved(distances, here.repeat);
      else here.distances = [here.distance, ...distances.slice(0, 3)];
    }
    const { state, distances } = here;
    const kind = (one) => costs[2 * (KIND + state) + one];
    const expected = state % 3 ? bytes[at - distances[0]] : -1;
    const cost = total[at] + kind(0) + price.of((s) => literal(s, bytes, at, expected));
    offer(at + 1, cost, 1, 0, -1, after(state, 0), at);
    const repeated = total[at] + kind(1) + costs[2 * (REPEAT + state) + 1];
    distances.forEach((distance, i) => {
      if (distance > at || distances.indexOf(distance) < i) return;
      const most = common(bytes, at - distance, at);
      if (most === 0) return;
      const base = repeated + price.of((s) => which(s, state, i));
      for (let count = 1; count <= most; count++) {
        offer(at + count, base + lengths[1][count - 1], count, distance, i, after(state, 2), at);
      }
    });
    const fresh = total[at] + kind(1) + costs[2 * (REPEAT + state)];
    let count = 2;
    for (const [most, distance] of matches[at]) {
      for (; count <= most; count++) {
        const span = count - 2;
        const cost = fresh + lengths[0][span] + distanceCost(span, distance);
        offer(at + count, cost, count, distance, -1, after(state, 1), at);
      }
    }
  }
  const steps = [];
  for (let at = n; at > 0; at = arrivals[at].from) steps.push(arrivals[at]);
  return steps.reverse();
}
