import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/formats/errors.ts";
import { gatherBytes, readBytes } from "../../src/formats/streams.ts";

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const plain = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 7);
const zipped = new Uint8Array(gzipSync(plain));

describe("gatherBytes", () => {
  test("gives one plain array back as it is", async () => {
    expect(await gatherBytes(plain)).toBe(plain);
  });

  test.each([1, 2, 4096, 1e6])("joins and decompresses pieces of %i bytes", async (size) => {
    const short = plain.subarray(0, size * 2000);
    for (const bytes of [short, gzipSync(short)]) {
      const all = await gatherBytes(pieces(bytes, size));
      expect(Buffer.compare(all, short)).toBe(0); // toEqual takes a second for this much
    }
  });

  test.each([0, 1])("takes %i bytes for plain", async (length) => {
    expect(await gatherBytes(plain.subarray(0, length))).toEqual(plain.slice(0, length));
    expect(await gatherBytes(pieces(plain.subarray(0, length), 1))).toEqual(plain.slice(0, length));
  });

  test.each([
    ["cut off", zipped.subarray(0, zipped.length - 9)],
    ["cut to its magic", zipped.subarray(0, 2)],
    ["with a wrong checksum", zipped.map((byte, i) => (i === zipped.length - 6 ? byte ^ 1 : byte))],
    ["with damaged data", zipped.map((byte, i) => (i === 2000 ? byte ^ 1 : byte))],
  ])("refuses gzip %s", async (_, bytes) => {
    await expect(gatherBytes(bytes)).rejects.toThrow(FormatError);
    await expect(gatherBytes(pieces(bytes, 1000))).rejects.toThrow(
      /gzip data is damaged or cut off/,
    );
  });
});

describe("readBytes", () => {
  test.each([
    ["plain", plain],
    ["gzip", zipped],
  ])("passes the source's own error on, %s", async (_, bytes) => {
    const own = new Error("disk on fire");
    const source = (async function* () {
      yield bytes.subarray(0, 5000);
      throw own;
    })();
    await expect(gatherBytes(source)).rejects.toBe(own);
  });

  test.each([
    ["plain", plain],
    ["gzip", zipped],
  ])("closes the source when its reader stops early, %s", async (_, bytes) => {
    let closed = false;
    const source = (async function* () {
      try {
        yield* pieces(bytes, 1000);
      } finally {
        closed = true;
      }
    })();
    for await (const _ of readBytes(source)) break;
    expect(closed).toBe(true);
  });
});

test("a source that is no bytes is refused with what to give instead", async () => {
  const gather = (source: unknown) => gatherBytes(source as Uint8Array);
  await expect(gather("a,b\n1,2")).rejects.toThrow(
    'The source must be the bytes of a file; got the string "a,b\\n1,2". Give text as new TextEncoder().encode(text)',
  );
  for (const source of [undefined, null, 7, {}]) {
    await expect(gather(source)).rejects.toThrow(
      /^The source must be a Uint8Array, an ArrayBuffer/,
    );
  }
  await expect(gather([Uint8Array.of(1), Uint8Array.of(2)])).resolves.toEqual(Uint8Array.of(1, 2));
});
