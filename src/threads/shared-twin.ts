// Makes the module of the core for shared memory from the module for one thread. They differ in one byte: the kind
// of limits of the memory that they import. This file reads a module up to that byte:
// https://webassembly.github.io/spec/core/binary/modules.html#import-section

const HEADER_BYTES = 8;
const IMPORT_SECTION = 2;
const MEMORY = 2;
/** Limits with a maximum, alone and for shared memory. */
const PLAIN = 1;
const SHARED = 3;

/**
 * The module with its memory import made shared. Bytes whose only import is not a plain memory with a maximum are
 * returned unchanged: compiling or linking them then tells what is wrong.
 */
export function sharedTwin(bytes: Uint8Array): Uint8Array {
  const at = memoryLimits(bytes);
  if (at === undefined) return bytes;
  const twin = bytes.slice();
  twin[at] = SHARED;
  return twin;
}

/** The place of the limits of the only import, if that is a plain memory with a maximum. */
function memoryLimits(bytes: Uint8Array): number | undefined {
  let at = HEADER_BYTES;
  const number = () => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    return value;
  };
  const skipName = () => {
    const length = number(); // reading it moves `at`
    at += length;
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const size = number();
    if (section !== IMPORT_SECTION) {
      at += size;
      continue;
    }
    if (number() !== 1) return undefined;
    skipName();
    skipName();
    if (bytes[at++] !== MEMORY) return undefined;
    return bytes[at] === PLAIN ? at : undefined;
  }
  return undefined;
}
