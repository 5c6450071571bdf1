// Vector constants that stay in registers. V8 builds a vector constant anew at every use, with three
// instructions, also inside loops. Here a constant is added to a zero that the compiler cannot fold. That
// sum is computed once, before the loop, and then kept in a register or reloaded with one instruction.

/** 0. Compilers do not fold this product, because they do not know that a converted integer is finite. */
// @ts-ignore: decorator
@inline
export function opaqueZero(count: usize): f32 {
  return <f32>count * 0;
}

/** The constant in four lanes. */
// @ts-ignore: decorator
@inline
export function held(constant: f32, zero: f32): v128 {
  return f32x4.splat(constant + zero);
}

/** The constant's 32 bits in four lanes. */
// @ts-ignore: decorator
@inline
export function heldBits(constant: u32, zero: f32): v128 {
  return i32x4.splat(constant + reinterpret<u32>(zero));
}
