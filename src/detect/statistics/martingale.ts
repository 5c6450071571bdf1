// Detects drift. An exchangeability martingale bets against uniform p-values (Vovk, Gammerman & Nouretdinov 2003; the
// simple jumper of Vovk et al. 2021). As long as rows are exchangeable the expected capital is 1. By Ville's inequality the
// chance that it ever reaches 1 / level is at most `level`.

import { InvalidValueError } from "../../errors.ts";

/** The state of a martingale; saved with a detector. */
export interface MartingaleState {
  /** Capital of the bets epsilon = -1, 0 and 1. */
  capital: [number, number, number];
  /** p-values seen. */
  count: number;
  /** The largest capital so far. */
  highest: number;
  /** The number of the p-value, from 0, at which the capital first reached 1 / level; -1 for never. */
  alarmAt: number;
  /** The runs of the bets -1 and 1. */
  runs: [Run, Run];
}

/** The winnings of a bet since it last fell back to its stake, as in a CUSUM chart. */
interface Run {
  gain: number;
  /** The number of the p-value after that, from 0. */
  since: number;
}

/** Share of the capital that is spread evenly over the bets before each p-value. */
const JUMP = 0.01;
const BETS = [-1, 0, 1] as const;

/** The largest capital. It keeps the sums finite, and lets the capital fall again after a drift ends. */
const CAPITAL_LIMIT = 1e100;

export class SimpleJumper {
  readonly level: number;
  readonly state: MartingaleState;

  /** @param level the chance of ever raising an alarm on rows without drift */
  constructor(level = 0.01, state: MartingaleState = freshState()) {
    if (!(level > 0 && level < 1)) {
      throw new InvalidValueError(`level must be between 0 and 1; got ${level}.`);
    }
    this.level = level;
    this.state = state;
  }

  /** Bets on the next p-value: each capital is multiplied by 1 + epsilon (p - 1/2). Returns the capital. */
  push(pValue: number): number {
    const { state } = this;
    const share = (this.capital * JUMP) / BETS.length;
    const grown = BETS.map((epsilon, i) => {
      const kept = (1 - JUMP) * (state.capital[i] ?? 0) + share;
      return Math.min(kept * (1 + epsilon * (pValue - 0.5)), CAPITAL_LIMIT);
    });
    state.capital = [grown[0] ?? 0, grown[1] ?? 0, grown[2] ?? 0];
    const capital = this.capital;
    if (state.alarmAt < 0) {
      follow(state.runs[0], 1.5 - pValue, state.count);
      follow(state.runs[1], 0.5 + pValue, state.count);
      if (capital >= 1 / this.level) state.alarmAt = state.count;
    }
    state.highest = Math.max(state.highest, capital);
    state.count += 1;
    return capital;
  }

  /** The approximate start of the drift that raised the alarm, counted in p-values from 0; -1 without an alarm. */
  get movedAt(): number {
    const { alarmAt, runs } = this.state;
    const [down, up] = runs;
    return alarmAt < 0 ? -1 : down.gain >= up.gain ? down.since : up.since;
  }

  /** The capital of the bet against exchangeability, which starts at 1. */
  get capital(): number {
    const [down, none, up] = this.state.capital;
    return down + none + up;
  }
}

function follow(run: Run, factor: number, index: number): void {
  run.gain *= factor;
  if (run.gain <= 1) {
    run.gain = 1;
    run.since = index + 1;
  }
}

export function freshState(): MartingaleState {
  const third = 1 / BETS.length;
  return {
    capital: [third, third, third],
    count: 0,
    highest: 1,
    alarmAt: -1,
    runs: [
      { gain: 1, since: 0 },
      { gain: 1, since: 0 },
    ],
  };
}

export function copyState(state: MartingaleState): MartingaleState {
  const [down, up] = state.runs;
  return { ...state, capital: [...state.capital], runs: [{ ...down }, { ...up }] };
}
