// The elementary functions over arrays: y[i] = f(x[i]) for i < count. y may equal x. The functions
// themselves are in math/, four lanes at a time, and the core inlines them from there. This file is a
// separate entry (build/functions-*.wasm) that the tests of their error bounds use. The core does not
// need it.

import { loadLanes, storeLanes } from "./lanes";
import { erf4 } from "./math/erf";
import { exp4 } from "./math/exp";
import { log1p4, log4 } from "./math/log";
import { sigmoid4, tanh4 } from "./math/tanh";

/** A function of one variable. Never instantiated: `map` takes it as a type parameter and inlines it. */
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
  while (count > 0) {
    const n = min<usize>(count, 4);
    storeLanes(y, f.of(loadLanes(x, n)), n);
    x += 16;
    y += 16;
    count -= n;
  }
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
