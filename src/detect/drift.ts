// Whether rows have drifted from the training rows. Each score is ranked among the calibration scores and the
// scores before it. As long as rows are like those of training, these ranks are uniform. The martingale of
// statistics/martingale.ts bets against uniform ranks.
//
// An update changes the models, and with them the scores of all rows. Later scores are therefore ranked among the newest
// calibration scores only.

import { ascending, at, countBelow } from "../math/order.ts";
import { random } from "./random.ts";
import { middlePValue } from "./statistics/conformal.ts";
import {
  copyState,
  freshState,
  type MartingaleState,
  SimpleJumper,
} from "./statistics/martingale.ts";

/** The state of drift. */
export interface Drift {
  /** Capital of the bet against exchangeable rows, which starts at 1; about 1 or less without drift. */
  readonly martingale: number;
  /** Whether the capital ever reached 100. Without drift the chance of this is at most 1 in 100. */
  readonly alarm: boolean;
  /** The row, counted from 0 over all watched rows, at which the drift approximately began; undefined without an alarm. */
  readonly sinceRow: number | undefined;
  /** Number of watched rows. */
  readonly rows: number;
}

/** A watch over consecutive rows; saved with a detector. */
export interface DriftState {
  readonly martingale: MartingaleState;
  /** The scores among which new ones are ranked, ascending. */
  readonly scores: Float64Array;
  /** The number of the newest calibration scores that were among them at the beginning. */
  readonly reference: number;
  /** Rows for each score: 1, or the length of a window. */
  readonly rowsPerScore: number;
}

/** The chance of ever raising an alarm without drift. */
const LEVEL = 0.01;
/** The most scores that are kept. It limits the memory of a watch. */
const MOST_SCORES = 8192;
/** The fewest calibration scores among which scores are ranked after an update. */
const FEWEST_AFTER_UPDATE = 300;

export class DriftWatch {
  /** The number of the newest calibration scores among which scores are ranked. */
  readonly reference: number;
  readonly #jumper: SimpleJumper;
  readonly #rowsPerScore: number;
  /** Ascending, in the first #count places. */
  readonly #scores = new Float64Array(MOST_SCORES);
  #count: number;

  constructor({ scores, rowsPerScore, reference, martingale }: DriftState) {
    this.reference = reference;
    this.#jumper = new SimpleJumper(LEVEL, copyState(martingale));
    this.#rowsPerScore = rowsPerScore;
    const some = scores.subarray(0, MOST_SCORES);
    this.#scores.set(some);
    this.#count = some.length;
  }

  /**
   * A watch that begins with calibration scores.
   * @param calibration calibration scores, the oldest first
   * @param reference the number of the newest of them among which scores are ranked. Default: all
   * @param martingale the observations so far. Default: none
   */
  static start(
    calibration: Float64Array,
    rowsPerScore: number,
    reference: number = calibration.length,
    martingale: MartingaleState = freshState(),
  ): DriftWatch {
    const newest = ascending(calibration.slice(Math.max(0, calibration.length - reference)));
    const stride = Math.max(1, Math.ceil(newest.length / (MOST_SCORES / 2)));
    const scores = newest.filter((_, i) => i % stride === 0);
    return new DriftWatch({ scores, rowsPerScore, reference: newest.length, martingale });
  }

  /**
   * The watch after an update. Its observations remain.
   * @param calibration calibration scores, the oldest first
   * @param fresh the number of scores that the update observed
   */
  afterUpdate(calibration: Float64Array, fresh: number): DriftWatch {
    // Windows that share rows have similar scores.
    const reference = Math.max(fresh, FEWEST_AFTER_UPDATE) * this.#rowsPerScore;
    return DriftWatch.start(calibration, this.#rowsPerScore, reference, this.#jumper.state);
  }

  /** Takes the score of the next row, or of a window that shares no row with the previous window. */
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
      reference: this.reference,
      rowsPerScore: this.#rowsPerScore,
    };
  }

  get #known(): Float64Array {
    return this.#scores.subarray(0, this.#count);
  }

  /** Keeps a random sample of all scores so far. The newest score is in it with the same chance as any other. */
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

/** The scores of windows that share no row: in each segment of a series one window for every `length` rows. */
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
