import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FormatError } from "../../src/formats/errors.ts";
import { gunzip, gunzipByPako } from "../../src/formats/gunzip.ts";
import { gatherBytes } from "../../src/formats/streams.ts";

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function gather(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const found: Uint8Array[] = [];
  for await (const piece of source) found.push(piece);
  return Buffer.concat(found);
}

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
const text = (n: number) => Buffer.from(Array.from({ length: n }, (_, i) => `${i * i}\n`).join(""));
const members = [text(400), Buffer.alloc(0), Buffer.alloc(70_000, 7), text(10)];
const plain = Buffer.concat(members);
const zipped = Buffer.concat(members.map((member) => gzipSync(member)));
const single = gzipSync(plain);

describe.each([
  ["node:zlib", gunzip],
  ["pako, where there is no node:zlib", gunzipByPako],
])("%s", (_, unzip) => {
  test.each([1, 3, 100, 1000, 1e6])(
    "reads all members of a file in pieces of %i bytes",
    async (size) => {
      expect(same(await gather(unzip(pieces(zipped, size))), plain)).toBe(true);
      expect(same(await gather(unzip(pieces(single, size))), plain)).toBe(true);
    },
  );

  test("reads two members cut anywhere between and around them", async () => {
    const [one, two] = [gzipSync("one, "), gzipSync("two")];
    const both = Buffer.concat([one, two]);
    for (let cut = 1; cut < both.length; cut++) {
      const source = (async function* () {
        yield both.subarray(0, cut);
        yield both.subarray(cut);
      })();
      expect(Buffer.from(await gather(unzip(source))).toString()).toBe("one, two");
    }
  });

  test.each([1, 5, 512, 70_000])("takes %i zeros at the end for padding", async (zeros) => {
    const padded = Buffer.concat([zipped, Buffer.alloc(zeros)]);
    for (const size of [1000, 16_384, 1e6]) {
      expect(same(await gather(unzip(pieces(padded, size))), plain)).toBe(true);
    }
  });

  test.each([
    ["cut in the checksum", zipped.subarray(0, -9)],
    ["cut in the length", zipped.subarray(0, -2)],
    ["cut in the data", single.subarray(0, single.length >> 1)],
    ["cut to its magic", single.subarray(0, 2)],
    ["with a wrong checksum", single.map((byte, i) => (i === single.length - 6 ? byte ^ 1 : byte))],
    ["with a wrong length", single.map((byte, i) => (i === single.length - 2 ? byte ^ 1 : byte))],
    [
      "with a wrong checksum in its first member",
      zipped.map((byte, i) => (i === gzipSync(members[0]!).length - 6 ? byte ^ 1 : byte)),
    ],
    ["with text after it", Buffer.concat([single, Buffer.from("more")])],
    ["with half a member after it", Buffer.concat([single, single.subarray(0, 5)])],
  ])("refuses gzip %s", async (_, bytes) => {
    for (const size of [1000, 16_384, 1e6]) {
      const error = await gather(unzip(pieces(bytes, size))).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(FormatError);
      expect(String(error)).toMatch(/the gzip data is damaged or cut off: \w/);
    }
  });

  test("returns a decompression bomb in small pieces", async () => {
    const bomb = gzipSync(Buffer.alloc(1 << 24));
    let largest = 0;
    let total = 0;
    for await (const piece of unzip(pieces(bomb, 1e6))) {
      largest = Math.max(largest, piece.length);
      total += piece.length;
    }
    expect(total).toBe(1 << 24);
    expect(largest).toBeLessThanOrEqual(1 << 18);
  });

  test("throws the error of the source, and closes a source that is not read to its end", async () => {
    const own = new Error("disk on fire");
    const burning = (async function* () {
      yield single.subarray(0, 5000);
      throw own;
    })();
    await expect(gather(unzip(burning))).rejects.toBe(own);
    let closed = false;
    const endless = (async function* () {
      try {
        for (;;) yield single;
      } finally {
        closed = true;
      }
    })();
    for await (const _ of unzip(endless)) break;
    expect(closed).toBe(true);
  });
});

test("the host's DecompressionStream is not used, because it reads one member", async () => {
  expect(same(await gatherBytes(zipped), plain)).toBe(true);
});
