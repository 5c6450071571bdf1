// Converts the module of the core for one thread to the module for shared memory. They differ in one byte: the kind of
// limits of the imported memory. This file reads a module up to that byte. For the format, see
// https://webassembly.github.io/spec/core/binary/modules.html#import-section

const HEADER_BYTES = 8;
const IMPORT_SECTION = 2;
const MEMORY = 2;
/** Limits with a maximum, for unshared and for shared memory. */
const PLAIN = 1;
const SHARED = 3;

/**
 * The module with a shared memory as its import. Bytes whose only import is not an unshared memory with a maximum are
 * returned unchanged. Compiling or linking them then reports the error.
 */
export function sharedTwin(bytes: Uint8Array): Uint8Array {
  const at = memoryLimits(bytes);
  if (at === undefined) return bytes;
  const twin = bytes.slice();
  twin[at] = SHARED;
  return twin;
}

/** The index of the limits of the only import, if it is an unshared memory with a maximum. */
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
