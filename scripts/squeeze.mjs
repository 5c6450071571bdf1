// Rewrites a compiled module so that it compresses better; what it computes stays the same to the bit.
//
// A third of a packed module says which local an instruction means, and the compiler numbers locals
// by chance: the same step of two kernels comes out in different bytes. Here numbers of vectors begin
// at the same place in every function, and within a type the names are given by what stood in like
// places before, then by exchanging pairs as long as that saves. Engines rename locals themselves:
// their code is the same.

import { deflateRawSync } from "node:zlib";
import { padMadds } from "./madd-padding.mjs";
import { encode, I32, parse, V128 } from "./wasm-code.mjs";

/** Number of the first vector: above all integers, so that a number tells the type. */
const FIRST_VECTOR = 32;
/** Lengths of the contexts that a name is predicted from, in instructions. */
const CONTEXTS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32];
/** Exchanges tried: 4,000 take 3 s a build and save 1.2 %, 12,000 another .7 % in 9 s. */
const TRIES = 4_000;

/** The module, squeezed. Names follow those of `model`, the result for a module much like it. */
export function squeeze(bytes, model) {
  const module = parse(bytes);
  for (const f of module.functions) {
    f.code = padMadds(f.code.flatMap(splatted));
    groupLocals(f);
  }
  const places = new Map();
  if (model) for (const f of parse(model).functions) learn(places, f);
  for (const f of module.functions) {
    nameAlike(places, f);
    learn(places, f);
  }
  return exchange(encode(module), model ?? new Uint8Array());
}

/** A half as a splat makes the loops of huber and smoothL1 a tenth slower in V8 of Node 24. */
const HALF = 0x3f00_0000;

/**
 * A vector of four equal constants as one constant and a splat: 7 bytes for 18. The same speed in
 * Node 20; loops with an exponential gain some 5 % in Node 24.
 */
function splatted(instruction) {
  const { bytes } = instruction;
  if (bytes.length !== 18 || bytes[0] !== 0xfd || bytes[1] !== 12) return [instruction];
  const lane = bytes.slice(2, 6);
  const equal = bytes.slice(6).every((byte, i) => byte === lane[i % 4]);
  const bits = Buffer.from(lane).readInt32LE();
  const exponent = (bits >>> 23) & 255;
  // Engines have single instructions for all zeros and all ones; a NaN might not keep its bits.
  if (!equal || bits === 0 || bits === HALF || exponent === 255) return [instruction];
  return [{ bytes: [0x43, ...lane] }, { bytes: [0xfd, 19] }];
}

/** Integers first, vectors from FIRST_VECTOR on, then the rest; integers unused fill the gap. */
function groupLocals(f) {
  const of = (type) => f.locals.flatMap((t, i) => (t === type ? [i + f.params] : []));
  const others = [...new Set(f.locals)].filter((type) => type !== I32 && type !== V128);
  const names = new Map();
  const locals = [];
  const place = (type) => {
    for (const local of of(type)) {
      names.set(local, f.params + locals.length);
      locals.push(type);
    }
  };
  place(I32);
  if (f.locals.includes(V128)) while (f.params + locals.length < FIRST_VECTOR) locals.push(I32);
  for (const type of [V128, ...others]) place(type);
  rename(f, names);
  f.locals = locals;
}

function rename(f, names) {
  for (const instruction of f.code) {
    instruction.local = names.get(instruction.local) ?? instruction.local;
  }
}

/** For every use of a local the contexts it stands in, before and behind, whatever locals those name. */
function uses(f) {
  const words = f.code.map(({ bytes, local }) => `${bytes}${local === undefined ? "" : "$"}`);
  return f.code.flatMap(({ local }, at) => {
    if (local === undefined) return [];
    const contexts = CONTEXTS.flatMap((length) => [
      { key: `<${words.slice(Math.max(0, at - length), at + 1).join(" ")}`, length },
      { key: `>${words.slice(at, at + length + 1).join(" ")}`, length },
    ]);
    return [{ local, contexts }];
  });
}

function learn(places, f) {
  for (const { local, contexts } of uses(f)) {
    for (const { key } of contexts) {
      const seen = places.get(key) ?? { total: 0, counts: new Map() };
      seen.total++;
      seen.counts.set(local, (seen.counts.get(local) ?? 0) + 1);
      places.set(key, seen);
    }
  }
}

/** Names the function's locals, type by type, as their places were named before. */
function nameAlike(places, f) {
  const used = uses(f);
  const names = new Map();
  for (const type of new Set(f.locals)) {
    const all = f.locals.flatMap((t, i) => (t === type ? [i + f.params] : []));
    const votes = new Map();
    for (const { local, contexts } of used) {
      if (!all.includes(local)) continue;
      for (const { key, length } of contexts) {
        const seen = places.get(key);
        for (const [name, count] of seen?.counts ?? []) {
          if (!all.includes(name)) continue;
          const pair = `${local} ${name}`;
          votes.set(pair, (votes.get(pair) ?? 0) + (length * count) / seen.total);
        }
      }
    }
    const free = new Set(all);
    const give = (local, name) => {
      names.set(local, name);
      free.delete(name);
    };
    for (const [pair] of [...votes].sort((a, b) => b[1] - a[1])) {
      const [local, name] = pair.split(" ").map(Number);
      if (!names.has(local) && free.has(name)) give(local, name);
    }
    for (const local of all) if (!names.has(local)) give(local, Math.min(...free));
  }
  rename(f, names);
}

/** Exchanges the names of two locals of a type, at random but the same each time, where that saves. */
function exchange(bytes, model) {
  const text = Buffer.concat([model, bytes]);
  const size = () => deflateRawSync(text, { level: 9 }).length;
  const pairs = parse(bytes).functions.flatMap((f) => namePairs(f, model.length));
  const write = ({ name, places }) => {
    for (const place of places) text[place] = name;
  };
  const swap = ([a, b]) => {
    [a.places, b.places] = [b.places, a.places];
    write(a);
    write(b);
  };
  let least = size();
  let random = 1;
  for (let i = 0; i < TRIES; i++) {
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    const pair = pairs[(random >>> 0) % pairs.length];
    swap(pair);
    const now = size();
    if (now > least) swap(pair);
    else least = now;
  }
  return Uint8Array.from(text.subarray(model.length));
}

/** Every two locals of one type in a function, with the places in the module that name them. */
function namePairs(f, offset) {
  const used = f.locals.map((type, i) => {
    const name = i + f.params;
    const places = f.code.filter(({ local }) => local === name).map(({ at }) => at + offset);
    return { type, name, places };
  });
  return used.flatMap((a, i) =>
    used
      .slice(i + 1)
      .filter((b) => a.type === b.type && a.places.length + b.places.length > 0)
      .map((b) => [a, b]),
  );
}
