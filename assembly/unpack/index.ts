// Undoes scripts/pack.mjs: matches against what came before, coded by an adaptive range coder, in the
// manner of Igor Pavlov's LZMA with half its machinery. Written because hosts give no synchronous
// decompressor, and compiled because 64 KB take 4 ms this way, and 130 KB took 30 in JavaScript that no
// engine has had time to optimize. A module of its own with a memory of its own; not part of the core.

import {
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
} from "./format";

// Memory: odds (u16 a context), steps seen (u8 a context), then what the caller places.
const SEEN: i32 = 2 * END;

let next: i32 = 0;
let range: u32 = 0;
let code: u32 = 0;

/** First byte that a caller may use. */
export function start(): i32 {
  return SEEN + END;
}

/**
 * Writes the first `length` bytes of what was packed at `packed` to `out`: with `relaxed` as they are in
 * the relaxed build, else as in the baseline.
 */
export function unpack(packed: i32, out: i32, length: i32, relaxed: i32): void {
  for (let context: i32 = 0; context < END; context++) {
    store<u16>(2 * context, 0x8000);
    store<u8>(SEEN + context, 0);
  }
  next = packed;
  range = 0xffffffff;
  code = 0;
  for (let i = 0; i < 4; i++) code = (code << 8) | <u32>load<u8>(next++);
  let d0: i32 = 1;
  let d1: i32 = 1;
  let d2: i32 = 1;
  let d3: i32 = 1;
  let state: i32 = 0;
  const end = out + length;
  const begin = out;
  while (out < end) {
    if (!bit(KIND + state)) {
      const place = literalPlace(byte(out - 1, begin), byte(out - 2, begin));
      store<u8>(out, literal(place, state % 3 ? <i32>load<u8>(out - d0) : -1));
      out++;
      state = (state * 3) % 9;
      continue;
    }
    let count: i32;
    if (bit(REPEAT + state)) {
      if (bit(FIRST + state)) {
        let distance = d1;
        if (bit(SECOND + state)) {
          distance = d2;
          if (bit(THIRD + state)) {
            distance = d3;
            d3 = d2;
          }
          d2 = d1;
        }
        d1 = d0;
        d0 = distance;
      }
      count = matchLength(LENGTH + 512) + 1;
      state = (state * 3 + 2) % 9;
    } else {
      const span = matchLength(LENGTH);
      d3 = d2;
      d2 = d1;
      d1 = d0;
      d0 = newDistance(span);
      count = span + 2;
      state = (state * 3 + 1) % 9;
    }
    for (; count; count--, out++) store<u8>(out, load<u8>(out - d0));
  }
  for (let at = begin; at < end; at++) {
    if (load<u8>(at) === 0xfd) unfuse(at, relaxed);
  }
}

/** scripts/pack.mjs says what stands for what. */
function unfuse(at: i32, relaxed: i32): void {
  const op = load<u16>(at, 1) - 256;
  if (op === FUSED_MUL) {
    if (relaxed) store<u16>(at, 0x0101);
    else store<u8>(at, 0xe6, 1);
  } else if (op === FUSED_ADD) store<u16>(at, relaxed ? 0x0285 : 0x01e4, 1);
}

/**
 * In what place of WebAssembly code a literal stands, by the two bytes before it: behind the prefix of a
 * vector instruction, behind an instruction with a local, or behind the number of one.
 */
function literalPlace(before: i32, twoBefore: i32): i32 {
  if (before === 0xfd) return 8;
  if (before >= 0x20 && before <= 0x22) return 9;
  if (twoBefore >= 0x20 && twoBefore <= 0x22) return before < 32 ? 10 : 11;
  return before >> 5;
}

/** The byte at `at`, or 0 in front of the first. */
function byte(at: i32, begin: i32): i32 {
  return at < begin ? 0 : load<u8>(at);
}

/** The next bit, by the odds of its context, which learn from it. */
function bit(context: i32): i32 {
  while (range < 0x1000000) {
    range <<= 8;
    code = (code << 8) | <u32>load<u8>(next++);
  }
  const odd = <u32>load<u16>(2 * context);
  const seen = <i32>load<u8>(SEEN + context);
  const bound = (range >>> 12) * (odd >>> 4);
  const one: u32 = code >= bound ? 1 : 0;
  if (one) {
    code -= bound;
    range -= bound;
  } else range = bound;
  // A running mean: scripts/pack.mjs adapts in the same steps.
  const step = ((one ? 32.0 : 65504.0) - <f64>odd) / (<f64>seen + 1.5);
  store<u16>(2 * context, <u32>(<i32>odd + <i32>step));
  if (seen < SLOWEST) store<u8>(SEEN + context, seen + 1);
  return one;
}

/** `bits` bits, each in the context of those above it. */
function tree(context: i32, bits: i32): i32 {
  let node: i32 = 1;
  for (let i: i32 = 0; i < bits; i++) node = 2 * node + bit(context + node);
  return node - ((<i32>1) << bits);
}

function matchLength(context: i32): i32 {
  if (!bit(context)) return tree(context + 16, 3);
  if (!bit(context + 1)) return 8 + tree(context + 32, 3);
  return 16 + tree(context + 256, 8);
}

/** After a match the byte that would have followed it is known not to come: code against it. */
function literal(place: i32, expected: i32): i32 {
  const context = LITERAL + 768 * place;
  let node: i32 = 1;
  for (let i = 7; i >= 0 && expected >= 0; i--) {
    const wish: i32 = (expected >> i) & 1;
    const got = bit(context + 256 + 256 * wish + node);
    node = 2 * node + got;
    if (got != wish) expected = -1;
  }
  while (node < 256) node = 2 * node + bit(context + node);
  return node - 256;
}

function newDistance(span: i32): i32 {
  const slot = tree(SLOT + 64 * min(span, 3), 6);
  if (slot < 4) return slot + 1;
  const extra = (slot >> 1) - 1;
  let distance = 2 + (slot & 1);
  for (let i: i32 = 0; i + 4 < extra; i++) {
    distance = 2 * distance + bit(DISTANCE_HIGH + 16 * slot + i);
  }
  const bits = min(extra, 4);
  return (distance << bits) + tree(DISTANCE_LOW + 16 * min(slot, FAR_SLOT), bits) + 1;
}
