// The network: input, W, code, the same W transposed, output. A pointer over a tile shows both uses of its weights and the
// gradient from each use.

import { useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { drawFilters } from "tied-autoencoder/view";
import { prepare } from "../draw/canvas.ts";
import type { Weight } from "../protocol.ts";
import {
  dark,
  data,
  frame,
  hoveredUnit,
  pinnedUnit,
  setTied,
  settings,
  slowFrame,
  tied,
  unit,
} from "../state.ts";
import { useCanvas, useWidth } from "./hooks.ts";
import { Pixels } from "./pixels.tsx";

const GAP = 4;

/** The arrangement of a layer's units as tiles. */
interface Layout {
  readonly perRow: number;
  readonly lines: number;
  /** CSS pixels of one weight. */
  readonly scale: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
}

function layoutFor(weight: Weight, width: number): Layout {
  const { width: across, height: down } = data.value;
  const isImage = data.value.kind === "image";
  const wanted = isImage
    ? weight.units <= 4
      ? 2
      : weight.units <= 16
        ? 4
        : 4
    : across > 6
      ? 1
      : 2;
  const perRow = Math.min(weight.units, wanted);
  const room = (width + GAP) / perRow - GAP;
  const scale = Math.max(0.5, Math.min(isImage ? 64 / across : 18, room / across));
  return {
    perRow,
    lines: Math.ceil(weight.units / perRow),
    scale,
    tileWidth: across * scale,
    tileHeight: down * scale,
  };
}

/** The upper left corner of a tile. */
function place(layout: Layout, index: number): readonly [x: number, y: number] {
  return [
    (index % layout.perRow) * (layout.tileWidth + GAP),
    Math.floor(index / layout.perRow) * (layout.tileHeight + GAP),
  ];
}

interface TilesProps {
  readonly side: "encoder" | "decoder";
}

function Tiles({ side }: TilesProps) {
  const [box, width] = useWidth<HTMLDivElement>(150);
  const weight = useComputed((): Weight | null => {
    const { value } = frame;
    const twin = value?.twin;
    if (twin) return (side === "encoder" ? twin.encoder : twin.decoder)[0] ?? null;
    return value?.weights[0] ?? null;
  });
  const layout = useComputed(() => (weight.value ? layoutFor(weight.value, width.value) : null));
  const canvas = useCanvas((element) => {
    const [own, shape] = [weight.value, layout.value];
    if (!own || !shape) return;
    const height = shape.lines * (shape.tileHeight + GAP) - GAP;
    const context = prepare(element, width.value, height);
    element.style.height = `${height}px`;
    if (!context) return;
    drawFilters(
      { shape: [own.units, own.inputs], data: own.values },
      {
        width: data.value.width,
        height: data.value.height,
        perRow: shape.perRow,
        scale: shape.scale,
        signs: shape.scale >= 9,
        legend: false,
        dark: dark.value,
        context,
      },
    );
  });

  const at = (event: PointerEvent): number => {
    const [shape, own] = [layout.value, weight.value];
    if (!shape || !own) return -1;
    const column = Math.floor(event.offsetX / (shape.tileWidth + GAP));
    const line = Math.floor(event.offsetY / (shape.tileHeight + GAP));
    const index = line * shape.perRow + column;
    return column < shape.perRow && index < own.units ? index : -1;
  };
  const keyed = (event: KeyboardEvent) => {
    const [shape, own] = [layout.value, weight.value];
    if (!shape || !own) return;
    const steps: Record<string, number> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -shape.perRow,
      ArrowDown: shape.perRow,
    };
    const by = steps[event.key];
    if (event.key === "Escape") pinnedUnit.value = -1;
    if (by === undefined) return;
    event.preventDefault();
    const next = pinnedUnit.value < 0 ? 0 : pinnedUnit.value + by;
    if (next >= 0 && next < own.units) pinnedUnit.value = next;
  };
  const highlight = useComputed(() => {
    const shape = layout.value;
    if (!shape || unit.value < 0 || unit.value >= (weight.value?.units ?? 0)) return null;
    const [x, y] = place(shape, unit.value);
    return {
      left: `${x - 3}px`,
      top: `${y - 3}px`,
      width: `${shape.tileWidth + 6}px`,
      height: `${shape.tileHeight + 6}px`,
    };
  });
  const name = side === "encoder" ? "W" : "W transposed";
  return (
    <div class={`tiles ${side}`} ref={box}>
      <div
        class="tiles-keys"
        role="application"
        tabIndex={0}
        aria-label={`Tiles of ${name}: each is one unit's weights. Arrow keys choose a unit, Escape ends the choice.`}
        onPointerMove={(event) => {
          if (event.pointerType === "mouse") hoveredUnit.value = at(event);
        }}
        onPointerLeave={() => {
          hoveredUnit.value = -1;
        }}
        onPointerDown={(event) => {
          const index = at(event);
          pinnedUnit.value = index === pinnedUnit.value ? -1 : index;
        }}
        onKeyDown={keyed}
      >
        <canvas ref={canvas} style={{ width: "100%" }} />
        {highlight.value && <span class="tile-frame" style={highlight.value} data-tile={side} />}
      </div>
    </div>
  );
}

/** The second layer's weights: one for each code unit and tile, in the arrangement of the tiles. */
function CodeWeights() {
  const [box, width] = useWidth<HTMLDivElement>(80);
  const canvas = useCanvas((element) => {
    const [, weight] = frame.value?.weights ?? [];
    const first = frame.value?.weights[0];
    if (!weight || !first) {
      element.style.height = "0";
      return;
    }
    const shown = Math.min(weight.units, 8);
    const tiles = layoutFor(first, 150);
    const across = tiles.perRow;
    const down = Math.ceil(weight.inputs / across);
    const padded = new Float32Array(shown * across * down);
    for (let u = 0; u < shown; u++) {
      padded.set(
        weight.values.subarray(u * weight.inputs, (u + 1) * weight.inputs),
        u * across * down,
      );
    }
    const perRow = Math.min(2, shown);
    const scale = Math.min(9, (width.value + GAP) / perRow / across - GAP / across);
    const height = Math.ceil(shown / perRow) * (down * scale + GAP) - GAP;
    const context = prepare(element, width.value, height);
    element.style.height = `${height}px`;
    if (!context) return;
    context.translate((width.value - (perRow * (across * scale + GAP) - GAP)) / 2, 0);
    drawFilters(padded, {
      width: across,
      height: down,
      perRow,
      scale,
      signs: false,
      legend: false,
      dark: dark.value,
      context,
    });
  });
  return (
    <div class="code-weights" ref={box} hidden={settings.value.hidden === 0}>
      <canvas
        ref={canvas}
        style={{ width: "100%" }}
        role="img"
        aria-label="Weights of the code: how much each code unit listens to each tile, laid out as the tiles are."
      />
    </div>
  );
}

function CodeBars() {
  const code = frame.value?.passage.code ?? new Float32Array(settings.value.code);
  const shown = Array.from(code.subarray(0, 32));
  const most = Math.max(1, ...shown.map(Math.abs));
  return (
    <ul class={`code-bars ${shown.length > 8 ? "many" : ""}`} aria-label="The code of this row">
      {shown.map((value, i) => (
        <li key={i} title={`code ${i}: ${value.toFixed(3)}`}>
          <span class="bar">
            <span
              style={{
                left: value < 0 ? `${50 - (50 * -value) / most}%` : "50%",
                width: `${(50 * Math.abs(value)) / most}%`,
              }}
            />
          </span>
          {shown.length <= 4 && <b>{value.toFixed(2).replace("-", "\u2212")}</b>}
        </li>
      ))}
      {code.length > shown.length && <li class="more">and {code.length - shown.length} more</li>}
    </ul>
  );
}

export function Network() {
  const { hidden, family, noise } = settings.value;
  const hasNoise = noise > 0 && data.value.kind !== "table";
  const isTied = tied.value;
  const output = () => frame.value?.twin?.output ?? frame.value?.passage.output ?? null;
  return (
    <div class={`network ${isTied ? "is-tied" : "is-untied"}`}>
      <Thread />
      <figure class="end">
        <Pixels
          read={() => frame.value?.passage.input ?? null}
          label="Input: one row of the data"
        />
        <figcaption>{hasNoise ? "input, with noise" : "input"}</figcaption>
      </figure>
      <figure class="half">
        <Tiles side="encoder" />
        <figcaption>
          <b>W</b> encodes
        </figcaption>
      </figure>
      <figure class="middle">
        <CodeBars />
        <CodeWeights />
        <figcaption>{hidden > 0 ? "code, and its weights" : "code"}</figcaption>
      </figure>
      <figure class="half">
        <Tiles side="decoder" />
        <figcaption>
          <b>{isTied ? "W\u1d40" : "D"}</b> {isTied ? "decodes" : "decodes, with its own weights"}
        </figcaption>
      </figure>
      <figure class="end">
        <Pixels read={output} label="Output: the decoder's reconstruction from the code" />
        <figcaption>output</figcaption>
      </figure>
      <Switch disabled={family !== "dense"} />
    </div>
  );
}

function Switch({ disabled }: { readonly disabled: boolean }) {
  const { value: now } = frame;
  const isTied = tied.value;
  const twin = now?.twin;
  const number = (value: number) => value.toLocaleString("en");
  return (
    <div class="switch">
      <button
        type="button"
        role="switch"
        aria-checked={isTied}
        disabled={disabled}
        onClick={() => void setTied(!isTied)}
      >
        <span class="knob" aria-hidden="true" />
        <span class="switch-word">{isTied ? "Tied" : "Untied"}</span>
      </button>
      <p>
        {isTied ? (
          <>
            {now && <b>{number(now.parameters)} parameters. </b>}Every weight is used twice, in W
            and in Wᵀ.
          </>
        ) : twin ? (
          <>
            <b>{number(twin.parameters)} parameters</b> instead of {number(now.parameters)}. W and
            {" D\u1d40"} are <b>{(twin.distance * 100).toFixed(1)} %</b> apart.
          </>
        ) : (
          "The decoder gets its own copy of the weights."
        )}
      </p>
    </div>
  );
}

/** The line between the two uses of a tile. */
function Thread() {
  const path = useSignal<{ d: string; x: number; y: number } | null>(null);
  const isThere = useComputed(() => frame.value !== null);
  useSignalEffect(() => {
    void slowFrame.value?.weights[0]?.units;
    if (unit.value < 0 || !isThere.value) {
      path.value = null;
      return;
    }
    // The same signals place the frames of the tiles, which are in the page after this turn.
    queueMicrotask(() => {
      const home = document.querySelector(".network")?.getBoundingClientRect();
      const [from, to] = ["encoder", "decoder"].map((side) =>
        document.querySelector(`[data-tile=${side}]`)?.getBoundingClientRect(),
      );
      if (!home || !from || !to) return;
      const [x1, x2] = [from.right - home.left, to.left - home.left];
      const y1 = (from.top + from.bottom) / 2 - home.top;
      const y2 = (to.top + to.bottom) / 2 - home.top;
      const middle = (x1 + x2) / 2;
      path.value = {
        d: `M${x1} ${y1}C${middle} ${y1 - 46} ${middle} ${y2 - 46} ${x2} ${y2}`,
        x: middle,
        y: (y1 + y2) / 2 - 40,
      };
    });
  });
  return (
    <svg class="thread" aria-hidden="true">
      {path.value && <path d={path.value.d} />}
    </svg>
  );
}
