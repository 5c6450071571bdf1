// Four sentences that explain the page, each with what to look at, and the list of lessons.

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

/** Milliseconds that it takes to read a sentence and its explanation. */
const READING = 10_000;
/** The tab that shows what each sentence is about. */
const PLACES: readonly TabName[] = ["network", "network", "map", "data"];
/** The panel that each sentence is about, as classes of panels. */
const PANELS = ["centre", "centre", "map", "doing"] as const;

/** The panel that the present sentence is about. */
export const lookAt = computed(() => (lesson.value ? undefined : PANELS[at.value]));

/** What to look at, and what it means. */
function details(): readonly string[] {
  const { kind } = data.value;
  const isImage = kind === "image";
  const one = isImage ? "image" : "row";
  return [
    `The ${one} on the left is multiplied by the weights W, drawn as tiles: each tile is one unit's weights. The bars in the middle are its code, and nothing else of the ${one} is kept. Training changes the weights until the output on the right looks like the input.`,
    "The tiles on both sides are the same numbers. On the left, a unit measures how strongly its pattern occurs in the input. On the right, it adds the same pattern to the output. So the network has half as many weights, and each weight has a gradient from both sides. Press Tied to train an untied copy and compare.",
    isImage
      ? "Images that look alike have codes that are close together, although the network is never told which digit an image is. Places between the points decode to images that are not in the data."
      : "Similar rows have codes that are close together. Places between the points decode to rows that are not in the data.",
    isImage
      ? "The network reconstructs only images that are similar to its training data. The reconstruction of a digit looks like the digit. The reconstruction of a star looks like some digit, so its error is large. This error is how an autoencoder detects anomalies."
      : kind === "table"
        ? "The network reconstructs only rows that are similar to its training data. The reconstruction of a row with a fault has a large error. This error is how an autoencoder detects anomalies."
        : "All reconstructions lie on a surface, which has as many dimensions as the code has numbers. The lines show the errors.",
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
      ? "Each point is the code of an image. Drag over the map."
      : "Each point is the code of a row. Drag over the map.",
    kind === "image"
      ? "Draw something that it never saw."
      : kind === "table"
        ? "Drag the threshold: which rows are odd?"
        : "Turn the points: what does the code keep?",
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

/** Shows a sentence, and on a phone the tab with what it describes. */
function show(sentence: number): void {
  at.value = sentence;
  tab.value = PLACES[sentence] ?? tab.value;
}

const panelOf = (sentence: number) => document.querySelector(`.panel.${PANELS[sentence]}`);

export function Story() {
  useEffect(() => {
    if (prefersStill.value) return;
    // The sentences follow each other until the visitor does something.
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
    // The second sentence explains both uses of a weight: show them for the unit with the largest weight.
    if (at.value === 1 && pinnedUnit.value < 0) pinnedUnit.value = strongestUnit();
  }, [at.value]);
  useEffect(() => {
    // The list of lessons is below, and the text of a lesson is here.
    if (!lesson.value) return;
    tab.value = lesson.value.tab;
    document.querySelector(".story")?.scrollIntoView({ block: "nearest" });
  }, [lesson.value]);
  const all = sentences();
  if (lesson.value) {
    return (
      <div class="story lesson-text" role="status">
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
