// Four sentences that lead through the page, each with what to look at; and the lessons.

import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { LESSONS } from "../lessons.ts";
import {
  data,
  frame,
  lesson,
  narrow,
  openLesson,
  pinnedUnit,
  prefersStill,
  settings,
} from "../state.ts";
import { type TabName, tab } from "./tabs.ts";

const at = signal(0);
const moved = signal(false);

/** Milliseconds that a sentence and what follows it take to read. */
const READING = 10_000;
/** The tab that shows what each sentence is about. */
const PLACES: readonly TabName[] = ["network", "network", "map", "data"];
/** The panel that each sentence is about, as classes of panels. */
const PANELS = ["centre", "centre", "map", "doing"] as const;

/** The panel to look at now. */
export const lookAt = computed(() => (lesson.value ? undefined : PANELS[at.value]));

/** What to look at, and what it means. */
function details(): readonly string[] {
  const { kind } = data.value;
  const isImage = kind === "image";
  const one = isImage ? "image" : "row";
  return [
    `The ${one} on the left passes through the tiles of W. The bars in the middle are all that is kept of it: its code. Training changes the tiles until the output on the right looks like the input.`,
    "The tiles on both sides are the same numbers. On the left, a tile measures how much of its pattern is in the input. On the right, the same pattern is painted. So there are half as many weights, and each is corrected from both sides. Untie them and compare.",
    isImage
      ? "Images that look alike have codes that lie together, although nobody said which digit is which. Between the points are images that were never in the data."
      : "Rows that are alike have codes that lie together. Between the points are rows that were never in the data.",
    isImage
      ? "It can rebuild only what is like the digits that it learned. A digit comes back much as it was; a star comes back as some digit, with a large error. So a tied autoencoder finds what is odd."
      : kind === "table"
        ? "It can rebuild only what is like the rows that it learned. A row with a fault comes back with a large error. So a tied autoencoder finds what is odd."
        : "What comes back lies on a surface that the code can describe. The lines are the errors.",
  ];
}

function sentences(): readonly string[] {
  const { columns, kind } = data.value;
  const { code } = settings.value;
  const what = kind === "image" ? "pixels" : "values";
  const numbers = code === 1 ? "1 number" : `${code} numbers`;
  return [
    `${columns} ${what} become ${numbers}.`,
    "The same weights, transposed, bring them back.",
    kind === "image"
      ? "Every point of the map is an image. Drag it."
      : "Every point of the map is a row. Drag it.",
    kind === "image"
      ? "Draw something it never saw."
      : kind === "table"
        ? "Drag the threshold: which rows are odd?"
        : "Turn the points: what did it keep?",
  ];
}

function strongestUnit(): number {
  const weight = frame.value?.weights[0];
  if (!weight) return -1;
  let [best, most] = [0, 0];
  for (let unit = 0; unit < weight.units; unit++) {
    const own = weight.values.subarray(unit * weight.inputs, (unit + 1) * weight.inputs);
    const largest = own.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    if (largest > most) [best, most] = [unit, largest];
  }
  return best;
}

/** Shows a sentence, and on a phone the tab that it is about. */
function show(sentence: number): void {
  at.value = sentence;
  tab.value = PLACES[sentence] ?? tab.value;
}

const panelOf = (sentence: number) => document.querySelector(`.panel.${PANELS[sentence]}`);

export function Story() {
  useEffect(() => {
    if (prefersStill.value) return;
    // It continues by itself until somebody takes over.
    const timer = setInterval(() => {
      if (moved.value || !frame.value || frame.value.step === 0 || at.value === PLACES.length - 1)
        return;
      show(at.value + 1);
    }, READING);
    const takeOver = () => {
      moved.value = true;
    };
    const kinds = ["pointerdown", "keydown", "click", "input"];
    for (const kind of kinds) addEventListener(kind, takeOver);
    return () => {
      clearInterval(timer);
      for (const kind of kinds) removeEventListener(kind, takeOver);
    };
  }, []);
  useEffect(() => {
    // The second sentence speaks of both uses: show them on a unit that stands out.
    if (at.value === 1 && pinnedUnit.value < 0) pinnedUnit.value = strongestUnit();
  }, [at.value]);
  const all = sentences();
  if (lesson.value) {
    return (
      <div class="story lesson-text">
        <p>
          <b>{lesson.value.title}.</b> {lesson.value.text}
        </p>
        <button
          type="button"
          class="quiet"
          onClick={() => {
            lesson.value = null;
          }}
        >
          Close the lesson
        </button>
      </div>
    );
  }
  return (
    <div class="story">
      <ol>
        {all.map((sentence, i) => (
          <li key={sentence} class={i === at.value ? "is-now" : ""}>
            <button
              type="button"
              aria-current={i === at.value ? "step" : undefined}
              onClick={() => {
                // If only one sentence is visible, a click on it leads to the next.
                show(i === at.value ? (i + 1) % all.length : i);
                if (!narrow.value) panelOf(at.value)?.scrollIntoView({ block: "nearest" });
              }}
            >
              <span class="number" aria-hidden="true">
                {i + 1}
              </span>
              <span>{sentence}</span>
              <span class="next" aria-hidden="true">
                {i + 1} / {all.length}
              </span>
            </button>
          </li>
        ))}
      </ol>
      <p class="detail">{details()[at.value]}</p>
    </div>
  );
}

export function Lessons() {
  return (
    <nav class="lessons" aria-label="Lessons">
      <h2>Lessons</h2>
      <ul>
        {LESSONS.map((each) => (
          <li key={each.id}>
            <a
              href={`#lesson=${each.id}`}
              aria-current={lesson.value?.id === each.id ? "true" : undefined}
              onClick={(event) => {
                event.preventDefault();
                void openLesson(each);
              }}
            >
              {each.title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
