// A WebAssembly module taken apart as far as scripts/squeeze.mjs needs it, and put together again: the
// instructions of each function, with the locals they name; everything else stays bytes.

export const I32 = 0x7f;
export const V128 = 0x7b;

const CODE = 10;

/**
 * @typedef {{ bytes: number[], local?: number, at?: number }} Instruction `bytes` leaves out the local's
 * number, which stands `at` this place of the module.
 */

/** @returns the module's sections; that of the code holds functions, the others bytes. */
export function parse(bytes) {
  const reader = new Reader(bytes, 8);
  const sections = [];
  let types = [];
  let typeOf = [];
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const content = reader.take(reader.unsigned());
    if (id === 1) types = paramCounts(new Reader(content, 0));
    if (id === 3) typeOf = vector(new Reader(content, 0), (r) => r.unsigned());
    if (id !== CODE) sections.push({ id, bytes: content });
    else {
      let index = 0;
      const functions = vector(new Reader(content, 0), (r) => {
        const body = new Reader(r.take(r.unsigned()), 0);
        return readFunction(body, types[typeOf[index++]]);
      });
      sections.push({ id, functions });
    }
  }
  return { sections, functions: sections.find(({ id }) => id === CODE).functions };
}

/** Where in the module the functions' bodies lie. */
export function functionPlaces(bytes) {
  const own = Uint8Array.from(bytes);
  return parse(own).functions.map(({ at, length }) => ({ at, length }));
}

export function encode({ sections }) {
  const out = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  for (const { id, bytes, functions } of sections) {
    const content = bytes ?? [...unsigned(functions.length), ...functions.flatMap(encodeFunction)];
    out.push(id, ...unsigned(content.length));
    for (const byte of content) out.push(byte);
  }
  return Uint8Array.from(out);
}

function encodeFunction({ locals, code }) {
  const groups = [];
  for (const type of locals) {
    if (groups.at(-1)?.type === type) groups.at(-1).count++;
    else groups.push({ type, count: 1 });
  }
  const body = unsigned(groups.length);
  for (const { type, count } of groups) body.push(...unsigned(count), type);
  for (const { bytes, local } of code) {
    body.push(...bytes);
    if (local !== undefined) body.push(...unsigned(local));
  }
  return [...unsigned(body.length), ...body];
}

class Reader {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }
  byte() {
    return this.bytes[this.at++];
  }
  take(count) {
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
  unsigned() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }
  skip(numbers) {
    for (; numbers > 0; numbers--) while (this.byte() > 127);
  }
}

function vector(reader, read) {
  return Array.from({ length: reader.unsigned() }, () => read(reader));
}

function paramCounts(reader) {
  return vector(reader, (r) => {
    r.byte();
    const params = r.take(r.unsigned()).length;
    r.take(r.unsigned());
    return params;
  });
}

function readFunction(reader, params) {
  const locals = vector(reader, (r) => ({ count: r.unsigned(), type: r.byte() }));
  const code = [];
  while (reader.at < reader.bytes.length) code.push(instruction(reader));
  return {
    at: reader.bytes.byteOffset,
    length: reader.bytes.length,
    params,
    locals: locals.flatMap(({ count, type }) => Array(count).fill(type)),
    code,
  };
}

/** @returns {Instruction} */
function instruction(reader) {
  const start = reader.at;
  const op = reader.byte();
  if (op >= 0x20 && op <= 0x22) {
    const at = reader.bytes.byteOffset + reader.at;
    return { bytes: [op], local: reader.unsigned(), at };
  }
  if (op === 0x0e) reader.skip(reader.unsigned() + 1);
  else if (op === 0xfc) bulk(reader, reader.unsigned());
  else if (op === 0xfd) simd(reader, reader.unsigned());
  else if (op === 0x44) reader.take(8);
  else if (op === 0x43) reader.take(4);
  else if (op >= 0x28 && op <= 0x3e) reader.skip(2);
  else if (op === 0x0c || op === 0x0d || op === 0x10 || op === 0x41 || op === 0x42) reader.skip(1);
  else if (op >= 0x02 && op <= 0x04) reader.skip(1);
  else if (op > 0x04 && op < 0x45 && ![0x05, 0x0b, 0x0f, 0x1a, 0x1b].includes(op)) unknown(op);
  else if (op > 0xc4) unknown(op);
  return { bytes: [...reader.bytes.subarray(start, reader.at)] };
}

/** Saturating conversions have no operand, memory.copy has two and memory.fill one. */
function bulk(reader, op) {
  if (op === 10) reader.skip(2);
  else if (op === 11) reader.skip(1);
  else if (op > 7) unknown(op);
}

function simd(reader, op) {
  const lane = op >= 84 && op <= 91;
  if (op <= 11 || lane || op === 92 || op === 93) reader.skip(2);
  if (lane || (op >= 21 && op <= 34)) reader.take(1);
  if (op === 12 || op === 13) reader.take(16);
}

function unknown(op) {
  throw new Error(`scripts/wasm-code.mjs does not know the instruction 0x${op.toString(16)}.`);
}

function unsigned(value) {
  const out = [];
  for (; value > 127; value = Math.floor(value / 128)) out.push((value % 128) + 128);
  out.push(value);
  return out;
}
