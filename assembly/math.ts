// The elementary functions over arrays, y[i] = f(x[i]) for i < count; y may equal x. The functions
// themselves are in math/, four lanes at a time, and the rest of the core inlines them from there.

import { erf4 } from "./math/erf";
import { exp4 } from "./math/exp";
import { log1p4, log4 } from "./math/log";
import { sigmoid4, tanh4 } from "./math/tanh";
import { loadTail, storeTail } from "./tail";

/** A function of one variable. Never instantiated: a type that carries code into `map`'s loop. */
abstract class Function4 {
  abstract of(x: v128): v128;
}

class Exp extends Function4 {
  @inline
  of(x: v128): v128 {
    return exp4(x);
  }
}

class Log extends Function4 {
  @inline
  of(x: v128): v128 {
    return log4(x);
  }
}

class Log1p extends Function4 {
  @inline
  of(x: v128): v128 {
    return log1p4(x);
  }
}

class Tanh extends Function4 {
  @inline
  of(x: v128): v128 {
    return tanh4(x);
  }
}

class Sigmoid extends Function4 {
  @inline
  of(x: v128): v128 {
    return sigmoid4(x);
  }
}

class Erf extends Function4 {
  @inline
  of(x: v128): v128 {
    return erf4(x);
  }
}

// @ts-ignore: decorator
@inline
function map<F extends Function4>(count: usize, x: usize, y: usize): void {
  const f = changetype<F>(0);
  const end = x + ((count & ~3) << 2);
  for (; x < end; x += 16, y += 16) v128.store(y, f.of(v128.load(x)));
  const left = count & 3;
  if (left) storeTail(y, f.of(loadTail(x, left)), left);
}

export function exp(count: usize, x: usize, y: usize): void {
  map<Exp>(count, x, y);
}

export function log(count: usize, x: usize, y: usize): void {
  map<Log>(count, x, y);
}

export function log1p(count: usize, x: usize, y: usize): void {
  map<Log1p>(count, x, y);
}

export function tanh(count: usize, x: usize, y: usize): void {
  map<Tanh>(count, x, y);
}

export function sigmoid(count: usize, x: usize, y: usize): void {
  map<Sigmoid>(count, x, y);
}

export function erf(count: usize, x: usize, y: usize): void {
  map<Erf>(count, x, y);
}
