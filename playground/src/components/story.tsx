// Four sentences that lead through the page, and the lessons.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { LESSONS } from "../lessons.ts";
import {
  data,
  decoded,
  frame,
  lesson,
  openLesson,
  pinnedUnit,
  prefersStill,
  settings,
} from "../state.ts";

const at = signal(0);
const moved = signal(false);

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

export function Story() {
  useEffect(() => {
    if (prefersStill.value) return;
    // It continues by itself until somebody takes over.
    const timer = setInterval(() => {
      if (!moved.value && frame.value && frame.value.step > 0 && at.value < 3) at.value++;
    }, 6000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    if (!moved.value && at.value === 2 && decoded.value) at.value = 3;
  }, [decoded.value]);
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
                moved.value = true;
                // Where only one sentence is shown, it leads to the next.
                at.value = i === at.value ? (i + 1) % all.length : i;
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
