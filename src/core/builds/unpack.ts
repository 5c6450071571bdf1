// Runs the unpacker (assembly/unpack) over text that scripts/pack.mjs made. Hosts give no synchronous
// decompressor; this one is itself WebAssembly, because 64 KB take it 4 ms, and 130 KB took JavaScript
// that no engine has had time to optimize 30.

import { type HostWebAssembly, hostWebAssembly } from "../../platform/webassembly.ts";
import { relaxedLength, unpackerHex } from "../generated/packed.ts";
import { decodeHex } from "../hex.ts";

declare function atob(text: string): string;

interface Unpacker {
  start(): number;
  unpack(packed: number, out: number, length: number, relaxed: number): void;
}

/** The first `length` bytes of what was packed: the relaxed build, or that and the baseline behind it. */
export function unpack(text: string, length: number): Uint8Array {
  const packed = atob(text);
  const { Memory, Module, Instance } = hostWebAssembly() as HostWebAssembly;
  const pages = Math.ceil((packed.length + length) / 65536) + 1;
  const memory = new Memory({ initial: pages, maximum: pages });
  const instance = new Instance(new Module(decodeHex(unpackerHex)), { env: { memory } });
  const unpacker = instance.exports as unknown as Unpacker;
  const start = unpacker.start();
  const bytes = new Uint8Array(memory.buffer);
  for (let i = 0; i < packed.length; i++) bytes[start + i] = packed.charCodeAt(i);
  const out = start + packed.length;
  unpacker.unpack(start, out, length, length === relaxedLength ? 1 : 0);
  return bytes.slice(out, out + length);
}
