// Vector constants that stay in registers. V8 builds a vector constant anew at every use, three
// instructions each time, in loops too. A sum with a zero that no compiler can see through is
// formed once, before the loop, and kept or reloaded with one instruction.

/** 0, in a way compilers do not fold: they do not know that a converted integer is finite. */
// @ts-ignore: decorator
@inline
export function opaqueZero(count: usize): f32 {
  return <f32>count * 0;
}

/** Four times the constant. */
// @ts-ignore: decorator
@inline
export function held(constant: f32, zero: f32): v128 {
  return f32x4.splat(constant + zero);
}

/** Four times the constant's 32 bits. */
// @ts-ignore: decorator
@inline
export function heldBits(constant: u32, zero: f32): v128 {
  return i32x4.splat(constant + reinterpret<u32>(zero));
}
