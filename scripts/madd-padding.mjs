// A fused multiply-add of the relaxed build padded to the length and the order of the baseline's
// product and sum: where that has `a b mul c add`, this has `a b nop nop nop c madd`. Functions of both
// builds then have their bytes in the same places, which scripts/pack.mjs makes use of: both packed take
// .35 KB less, the relaxed build alone .07 KB more. Engines drop a nop while they decode.

const MADD = "253,133,2";
const NOPS = { bytes: [1, 1, 1] };

/** A function's instructions, padded. */
export function padMadds(code) {
  const padded = [];
  const before = new Map();
  code.forEach((instruction, at) => {
    if (`${instruction.bytes}` !== MADD) return;
    const start = operandStart(code, at);
    if (start >= 0) before.set(start, (before.get(start) ?? 0) + 1);
  });
  code.forEach((instruction, at) => {
    for (let i = before.get(at) ?? 0; i > 0; i--) padded.push({ ...NOPS });
    padded.push(instruction);
  });
  return padded;
}

/** Where the code of the value on top of the stack before `at` begins; -1 if that is not plain. */
function operandStart(code, at) {
  for (let wanted = 1, i = at - 1; i >= 0; i--) {
    const popped = operands(code[i].bytes);
    if (popped === undefined) return -1;
    wanted += popped - 1;
    if (wanted === 0) return i;
  }
  return -1;
}

/** How many operands an instruction takes that leaves one value; undefined for all others. */
function operands(bytes) {
  const [op] = bytes;
  if (op === 0x20 || (op >= 0x41 && op <= 0x44)) return 0;
  if (op === 0x22) return 1;
  if (op >= 0x6a && op <= 0x78) return 2;
  if (op !== 0xfd) return undefined;
  const simd = bytes[1] < 128 ? bytes[1] : (bytes[1] % 128) + 128 * bytes[2];
  if (simd === 12) return 0;
  if (simd <= 10 || (simd >= 15 && simd <= 20) || simd === 92 || simd === 93) return 1;
  if (simd === 0xe0 || simd === 0xe1 || simd === 0xe3 || simd === 77) return 1;
  if (simd === 82 || simd === 0x105) return 3;
  if ((simd >= 78 && simd <= 81) || (simd >= 0xe4 && simd <= 0xeb)) return 2;
  if (simd === 13 || (simd >= 65 && simd <= 70)) return 2;
  return undefined;
}
