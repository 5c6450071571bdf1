// The eight controls, and the others under "More".

import type { ComponentChildren } from "preact";
import {
  ACTIVATIONS,
  BATCH_SIZES,
  CODE_SIZES,
  FAMILIES,
  HIDDEN_SIZES,
  NOISES,
  OPTIMIZERS,
  RATES,
  SPEEDS,
  SUITED_FAMILY,
} from "../settings.ts";
import {
  busy,
  change,
  data,
  pause,
  play,
  playing,
  reset,
  settings,
  speed,
  step,
} from "../state.ts";

interface ChoiceProps<Value extends string | number> {
  readonly label: string;
  readonly value: Value;
  readonly values: readonly Value[];
  readonly words?: (value: Value) => string;
  readonly onChoose: (value: Value) => void;
}

function Choice<Value extends string | number>(props: ChoiceProps<Value>) {
  const { label, value, values, words = String, onChoose } = props;
  return (
    <label class="control">
      <span>{label}</span>
      <select
        value={String(value)}
        onChange={(event) => {
          const chosen = values.find((each) => String(each) === event.currentTarget.value);
          if (chosen !== undefined) onChoose(chosen);
        }}
      >
        {values.map((each) => (
          <option value={String(each)} key={each}>
            {words(each)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A slider over a short list of values. */
function Slide(props: ChoiceProps<number>) {
  const { label, value, values, words = String, onChoose } = props;
  const nearest = values.reduce(
    (best, each, i) => (Math.abs(each - value) < Math.abs((values[best] ?? 0) - value) ? i : best),
    0,
  );
  return (
    <label class="control slide">
      <span>
        {label} <output>{words(value)}</output>
      </span>
      <input
        type="range"
        min={0}
        max={values.length - 1}
        step={1}
        value={nearest}
        aria-valuetext={words(value)}
        onInput={(event) => onChoose(values[Number(event.currentTarget.value)] ?? value)}
      />
    </label>
  );
}

function Action(props: {
  readonly onClick: () => void;
  readonly disabled?: boolean;
  readonly strong?: boolean;
  readonly children: ComponentChildren;
}) {
  return (
    <button
      type="button"
      class={`action ${props.strong ? "strong" : ""}`}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}

const FAMILY_WORDS = { dense: "dense", topK: "top-k", variational: "variational" } as const;

export function Controls() {
  const now = settings.value;
  const isBusy = busy.value !== null;
  const most = now.family === "topK" ? 32 : Math.max(1, data.value.columns);
  const sizes = CODE_SIZES.filter((size) => size <= most);
  return (
    <div class="controls">
      <div class="control-row">
        <div class="actions">
          <Action strong disabled={isBusy} onClick={() => (playing.value ? pause() : play())}>
            <span class={playing.value ? "icon-pause" : "icon-play"} aria-hidden="true" />
            {playing.value ? "Pause" : "Play"}
          </Action>
          <Action disabled={isBusy} onClick={() => void step()}>
            Step
          </Action>
          <Action disabled={isBusy} onClick={() => void reset()}>
            Reset
          </Action>
        </div>
        <Choice
          label="Code size"
          value={now.code}
          values={sizes}
          onChoose={(code) => void change({ code })}
        />
        <Choice
          label="Activation"
          value={now.activation}
          values={ACTIVATIONS}
          onChoose={(activation) => void change({ activation })}
        />
        <Slide
          label="Learning rate"
          value={now.learningRate}
          values={RATES}
          onChoose={(learningRate) => void change({ learningRate })}
        />
        <Slide
          label="Noise"
          value={now.noise}
          values={NOISES}
          onChoose={(noise) => void change({ noise })}
        />
        <Choice
          label="Family"
          value={now.family}
          values={FAMILIES}
          words={(family) => FAMILY_WORDS[family]}
          onChoose={(family) => void change({ family, ...SUITED_FAMILY[family] })}
        />
        <details class="more">
          <summary>More</summary>
          <div class="more-row">
            <Choice
              label="Hidden layer"
              value={now.hidden}
              values={HIDDEN_SIZES}
              words={(units) => (units === 0 ? "none" : `${units} units`)}
              onChoose={(hidden) => void change({ hidden })}
            />
            <Choice
              label="Optimizer"
              value={now.optimizer}
              values={OPTIMIZERS}
              onChoose={(optimizer) => void change({ optimizer })}
            />
            <Choice
              label="Batch size"
              value={now.batchSize}
              values={BATCH_SIZES}
              onChoose={(batchSize) => void change({ batchSize })}
            />
            <Choice
              label="Steps per frame"
              value={speed.value}
              values={SPEEDS}
              onChoose={(steps) => {
                speed.value = steps;
              }}
            />
            <label class="control">
              <span>Seed</span>
              <input
                type="number"
                min={0}
                max={999999}
                value={now.seed}
                onChange={(event) => {
                  const seed = Math.floor(Number(event.currentTarget.value));
                  if (seed >= 0 && seed <= 999999) void change({ seed });
                  else event.currentTarget.value = String(now.seed);
                }}
              />
            </label>
          </div>
        </details>
      </div>
    </div>
  );
}
