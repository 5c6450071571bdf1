// Whether rows have moved away from what was learned. Each row's score is ranked among the calibration scores and
// the rows before it; while rows are like those of training, these ranks are uniform, and the martingale of
// statistics/martingale.ts bets against that.

import { ascending, at, countBelow } from "../math/order.ts";
import { random } from "./random.ts";
import { middlePValue } from "./statistics/conformal.ts";
import { copyState, type MartingaleState, SimpleJumper } from "./statistics/martingale.ts";

/** What is known of drift. */
export interface Drift {
  /** How many times its stake the bet against exchangeable rows is worth now; about 1 without drift. */
  readonly martingale: number;
  /** Whether it ever reached 100. Without drift that happens with a chance of at most 1 in 100. */
  readonly alarm: boolean;
  /** The row, counted from 0 over all rows that were watched, at about which the move began; undefined without an alarm. */
  readonly sinceRow: number | undefined;
  /** Rows that were watched. */
  readonly rows: number;
}

/** A watch over rows that come one after the other; saved with a detector. */
export interface DriftState {
  readonly martingale: MartingaleState;
  /** Scores that new ones are ranked among, rising. */
  readonly scores: Float64Array;
  /** Rows that stand behind one score: 1, or a window's length. */
  readonly rowsPerScore: number;
}

/** The chance of ever raising an alarm without drift. */
const LEVEL = 0.01;
/** Scores that are kept at most, so that a watch may go on for ever. */
const MOST_SCORES = 8192;

export class DriftWatch {
  readonly #jumper: SimpleJumper;
  readonly #rowsPerScore: number;
  /** Rising, in the first #count places. */
  readonly #scores = new Float64Array(MOST_SCORES);
  #count: number;

  constructor(calibration: ArrayLike<number>, rowsPerScore: number, martingale?: MartingaleState) {
    this.#jumper = new SimpleJumper(LEVEL, martingale && copyState(martingale));
    this.#rowsPerScore = rowsPerScore;
    const stride = Math.max(1, Math.ceil(calibration.length / (MOST_SCORES / 2)));
    const some = ascending(calibration).filter((_, i) => i % stride === 0);
    this.#scores.set(some);
    this.#count = some.length;
  }

  static restore({ scores, rowsPerScore, martingale }: DriftState): DriftWatch {
    const watch = new DriftWatch([], rowsPerScore, martingale);
    watch.#scores.set(scores.subarray(0, MOST_SCORES));
    watch.#count = Math.min(scores.length, MOST_SCORES);
    return watch;
  }

  /** Takes the score of the next row, or of a window that shares no row with the one before. */
  observe(score: number): void {
    if (Number.isNaN(score)) return;
    this.#jumper.push(middlePValue(score, this.#known));
    this.#insert(score);
  }

  get drift(): Drift {
    const { state, capital, movedAt } = this.#jumper;
    const alarm = state.alarmAt >= 0;
    return {
      martingale: capital,
      alarm,
      sinceRow: alarm ? movedAt * this.#rowsPerScore : undefined,
      rows: state.count * this.#rowsPerScore,
    };
  }

  get state(): DriftState {
    return {
      martingale: copyState(this.#jumper.state),
      scores: this.#known.slice(),
      rowsPerScore: this.#rowsPerScore,
    };
  }

  get #known(): Float64Array {
    return this.#scores.subarray(0, this.#count);
  }

  /** Keeps a random sample of all scores so far, of which the newest is one as likely as any. */
  #insert(score: number): void {
    if (this.#count === MOST_SCORES) {
      const { below } = random(this.#jumper.state.count, 7);
      if (below(this.#jumper.state.count) >= MOST_SCORES) return;
      const gone = below(MOST_SCORES);
      this.#scores.copyWithin(gone, gone + 1, this.#count);
      this.#count -= 1;
    }
    const place = countBelow(this.#known, score);
    this.#scores.copyWithin(place + 1, place, this.#count);
    this.#scores[place] = score;
    this.#count += 1;
  }
}

/** The scores of a series' windows that share no row: of each stretch every `length` rows one. */
export function apart(scores: Float64Array, starts: Uint32Array, length: number): number[] {
  const kept: number[] = [];
  let free = 0;
  starts.forEach((start, window) => {
    if (start < free) return;
    kept.push(at(scores, window));
    free = start + length;
  });
  return kept;
}
