// Runs the unpacker (assembly/unpack) over text that scripts/pack.mjs made. Hosts give no synchronous
// decompressor; this one is itself WebAssembly, because 64 KB take it 4 ms, and 130 KB took JavaScript
// that no engine has had time to optimize 30.

import { type HostWebAssembly, hostWebAssembly } from "../../platform/webassembly.ts";
import { relaxedLength, unpackerLength } from "../generated/packed.ts";

declare function atob(text: string): string;

interface Unpacker {
  start(): number;
  unpack(packed: number, out: number, length: number, relaxed: number): void;
}

/**
 * The first `length` bytes of what was packed, the relaxed build, or that and the baseline behind it. The
 * text is the unpacker and then what it unpacks.
 */
export function unpack(text: string, length: number): Uint8Array {
  const characters = atob(text);
  const data = new Uint8Array(characters.length);
  for (let i = 0; i < data.length; i++) data[i] = characters.charCodeAt(i);
  const packed = data.subarray(unpackerLength);
  const { Memory, Module, Instance } = hostWebAssembly() as HostWebAssembly;
  const pages = Math.ceil((packed.length + length) / 65536) + 1;
  const memory = new Memory({ initial: pages, maximum: pages });
  const module = new Module(data.subarray(0, unpackerLength));
  const unpacker = new Instance(module, { env: { memory } }).exports as unknown as Unpacker;
  const start = unpacker.start();
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(packed, start);
  const out = start + packed.length;
  unpacker.unpack(start, out, length, length === relaxedLength ? 1 : 0);
  return bytes.slice(out, out + length);
}
