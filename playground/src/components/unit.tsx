// One unit: its weights, and their gradient from each of the two uses.

import { drawFilters } from "tied-autoencoder/view";
import { prepare } from "../draw/canvas.ts";
import { dark, data, frame, settings, slowFrame, tied, unit } from "../state.ts";
import { useCanvas } from "./hooks.ts";

const SIZE = 72;

function Tile({
  read,
  label,
}: {
  readonly read: () => Float32Array | null;
  readonly label: string;
}) {
  const canvas = useCanvas((element) => {
    const values = read();
    const { width, height } = data.value;
    const context = prepare(element, SIZE, SIZE);
    if (!context || !values) return;
    const scale = SIZE / Math.max(width, height);
    context.translate(0, (SIZE - height * scale) / 2);
    drawFilters(values, {
      width,
      height,
      scale,
      signs: scale >= 6,
      legend: false,
      dark: dark.value,
      context,
    });
  });
  return (
    <figure>
      <canvas ref={canvas} class="unit-tile" role="img" aria-label={label} />
      <figcaption>{label}</figcaption>
    </figure>
  );
}

const norm = (values: Float32Array) => Math.hypot(...values);

export function UnitPanel() {
  // People cannot read text that changes in every frame.
  const { value: now } = slowFrame;
  const halves = now?.halves ?? null;
  if (unit.value < 0 || !now) {
    return (
      <p class="hint unit-hint">
        Point at a tile, tap it, or choose one with the arrow keys. A tile is one unit's weights,
        which are used twice.
      </p>
    );
  }
  if (settings.value.family !== "dense") {
    return (
      <p class="hint unit-hint">
        Unit {unit.value}: the encoder and the decoder use the same weights. The gradient is split
        by use for dense codes only.
      </p>
    );
  }
  if (!halves || halves.unit !== unit.value) return <p class="hint unit-hint">Unit {unit.value}</p>;
  const [encoder, decoder] = [norm(halves.encoder), norm(halves.decoder)];
  const share = encoder + decoder > 0 ? encoder / (encoder + decoder) : 0.5;
  const dot = halves.encoder.reduce((sum, value, i) => sum + value * (halves.decoder[i] ?? 0), 0);
  const cosine = encoder * decoder > 0 ? dot / (encoder * decoder) : 0;
  const accord =
    cosine > 0.3
      ? "Both change the weights in a similar direction."
      : cosine < -0.3
        ? "They change the weights in opposite directions."
        : "They change the weights in different directions.";
  const first = now.weights[0];
  const own = () => {
    const { value } = frame;
    const weight = value?.weights[0];
    return weight
      ? weight.values.subarray(unit.value * weight.inputs, (unit.value + 1) * weight.inputs)
      : null;
  };
  const sum = () => {
    const both = frame.value?.halves;
    return both ? both.encoder.map((value, i) => value + (both.decoder[i] ?? 0)) : null;
  };
  return (
    <section class="unit" aria-label={`Unit ${unit.value}`}>
      <div class="unit-row">
        <Tile read={own} label={`unit ${unit.value} of ${first?.units ?? 0}`} />
        <span class="sign" aria-hidden="true" />
        <Tile read={() => frame.value?.halves?.encoder ?? null} label="from the encoder" />
        <span class="sign" aria-hidden="true">
          +
        </span>
        <Tile read={() => frame.value?.halves?.decoder ?? null} label="from the decoder" />
        <span class="sign" aria-hidden="true">
          =
        </span>
        <Tile read={sum} label="gradient" />
      </div>
      <p>
        <span class="split" aria-hidden="true">
          <span style={{ width: `${share * 100}%` }} />
        </span>
        {Math.round(share * 100)} % of the gradient comes from the encoder,{" "}
        {100 - Math.round(share * 100)} % from the decoder. {accord}{" "}
        {tied.value ? "A tied weight is changed by their sum." : ""}
      </p>
    </section>
  );
}
