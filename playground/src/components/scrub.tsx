// A slider through the training so far.

import { frame, lookBack, past } from "../state.ts";

export function Scrub() {
  const now = frame.value;
  const steps = now?.past ?? [];
  const last = steps.length; // the place after the kept steps means now
  const at = past.value === null ? last : Math.max(0, steps.indexOf(past.value));
  const word = past.value === null ? `now, step ${now?.step ?? 0}` : `step ${past.value}`;
  return (
    <label class="scrub">
      <span>
        Look back <output>{word}</output>
      </span>
      <input
        type="range"
        min={0}
        max={last}
        value={at}
        aria-valuetext={word}
        disabled={steps.length < 2}
        onInput={(event) => {
          const index = Number(event.currentTarget.value);
          lookBack(index >= steps.length ? null : (steps[index] ?? null));
        }}
      />
    </label>
  );
}
