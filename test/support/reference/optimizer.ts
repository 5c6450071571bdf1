// The optimizers in float64, one parameter at a time, written from their formulas. State arrays
// start at zero; `k` counts steps from 1.

export interface Sgd {
  lr: number;
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
}

export function sgd(p: number[], g: number[], buf: number[], k: number, o: Sgd): void {
  for (let i = 0; i < p.length; i++) {
    const d = g[i]! + o.weightDecay * p[i]!;
    if (o.momentum === 0) {
      p[i] = p[i]! - o.lr * d;
      continue;
    }
    buf[i] = k === 1 ? d : o.momentum * buf[i]! + d;
    p[i] = p[i]! - o.lr * (o.nesterov ? d + o.momentum * buf[i]! : buf[i]!);
  }
}

export interface Adam {
  lr: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  decoupled: boolean;
}

export function adam(p: number[], g: number[], m: number[], v: number[], k: number, o: Adam): void {
  for (let i = 0; i < p.length; i++) {
    const d = o.decoupled ? g[i]! : g[i]! + o.weightDecay * p[i]!;
    if (o.decoupled) p[i] = p[i]! * (1 - o.lr * o.weightDecay);
    m[i] = o.beta1 * m[i]! + (1 - o.beta1) * d;
    v[i] = o.beta2 * v[i]! + (1 - o.beta2) * d * d;
    const unbiased = Math.sqrt(v[i]!) / Math.sqrt(1 - o.beta2 ** k);
    p[i] = p[i]! - ((o.lr / (1 - o.beta1 ** k)) * m[i]!) / (unbiased + o.epsilon);
  }
}

export interface RmsProp {
  lr: number;
  alpha: number;
  epsilon: number;
  momentum: number;
  centered: boolean;
  weightDecay: number;
}

export function rmsprop(
  p: number[],
  g: number[],
  v: number[],
  avg: number[],
  buf: number[],
  o: RmsProp,
): void {
  for (let i = 0; i < p.length; i++) {
    const d = g[i]! + o.weightDecay * p[i]!;
    v[i] = o.alpha * v[i]! + (1 - o.alpha) * d * d;
    let square = v[i]!;
    if (o.centered) {
      avg[i] = o.alpha * avg[i]! + (1 - o.alpha) * d;
      square -= avg[i]! * avg[i]!;
    }
    let q = d / (Math.sqrt(square) + o.epsilon);
    if (o.momentum !== 0) {
      buf[i] = o.momentum * buf[i]! + q;
      q = buf[i]!;
    }
    p[i] = p[i]! - o.lr * q;
  }
}

export interface Adagrad {
  lr: number;
  epsilon: number;
  weightDecay: number;
}

export function adagrad(p: number[], g: number[], s: number[], o: Adagrad): void {
  for (let i = 0; i < p.length; i++) {
    const d = g[i]! + o.weightDecay * p[i]!;
    s[i] = s[i]! + d * d;
    p[i] = p[i]! - (o.lr * d) / (Math.sqrt(s[i]!) + o.epsilon);
  }
}
