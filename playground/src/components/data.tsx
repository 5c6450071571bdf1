// The left column: the choice of data, and what a visitor does with them: draw a digit, turn points in space, drag a threshold.

import { computed, useSignal } from "@preact/signals";
import { drawErrors } from "tied-autoencoder/view";
import { openFiles } from "../data/files.ts";
import { TITLES } from "../data/sets.ts";
import { inkRamp, prepare, putImage } from "../draw/canvas.ts";
import { marksFor } from "../draw/marks.ts";
import { learning } from "../helper.ts";
import { DATA_SETS, type DataName, SUITED } from "../settings.ts";
import {
  change,
  chooseSample,
  clearDrawing,
  dark,
  data,
  detectDrawing,
  detected,
  drawn,
  frame,
  notices,
  play,
  prefersStill,
  sample,
  score,
  scoreDrawing,
  settings,
  threshold,
} from "../state.ts";
import { useCanvas, useWidth } from "./hooks.ts";
import { Pixels } from "./pixels.tsx";

export function DataPanel() {
  const { data: current } = settings.value;
  const { title, values, columns, names, labels } = data.value;
  const rows = values.length / columns;
  const choose = (name: DataName) => {
    if (name === "own" || name === "mnist") {
      document.getElementById("files")?.click();
      return;
    }
    notices.value = [];
    void change({ data: name, ...SUITED[name] }).then(() => {
      if (!prefersStill.value) play();
    });
  };
  return (
    <section class="panel data" aria-label="Data">
      <h2>Data</h2>
      <ul class="data-sets">
        {DATA_SETS.map((name) => (
          <li key={name}>
            <button type="button" aria-pressed={current === name} onClick={() => choose(name)}>
              {TITLES[name]}
            </button>
          </li>
        ))}
      </ul>
      <input
        id="files"
        class="visually-hidden"
        type="file"
        multiple
        aria-label="Your CSV, images or MNIST files"
        tabIndex={-1}
        onChange={(event) => {
          const { files } = event.currentTarget;
          if (files) void openFiles([...files]);
          event.currentTarget.value = "";
        }}
      />
      <p class="hint">
        {title}: {rows.toLocaleString("en")} rows of {columns}
        {names.length > 0
          ? ` (${names.slice(0, 8).join(", ")}${names.length > 8 ? ", \u2026" : ""})`
          : ""}
        . Files stay on your device.
      </p>
      <div class="sample">
        <button
          type="button"
          aria-label="The row before"
          onClick={() => chooseSample(sample.value - 1)}
        >
          {"\u2039"}
        </button>
        <span>
          row {sample.value}
          {labels[sample.value] ? `, \u201c${labels[sample.value]}\u201d` : ""}
        </span>
        <button
          type="button"
          aria-label="The row after"
          onClick={() => chooseSample(sample.value + 1)}
        >
          {"\u203a"}
        </button>
      </div>
    </section>
  );
}

/** The panel to work with the data. It depends on their kind. */
export function Doing() {
  const { kind } = data.value;
  if (kind === "image") return <Drawing />;
  if (kind === "space") return <Space />;
  return <Threshold />;
}

function Drawing() {
  const cursor = useSignal<number | null>(null);
  const pen = useSignal(false);
  const canvas = useCanvas((element) => {
    const { width, height } = data.value;
    putImage(element, drawn.value, width, height, inkRamp(dark.value));
  });
  const ink = (x: number, y: number, much = 1) => {
    const { width, height } = data.value;
    const next = drawn.value.slice();
    const reach = width > 12 ? 1.3 : 0.75;
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y) / reach;
        const soft = Math.max(0, Math.min(1, 1.35 - distance)) * much;
        const at = row * width + column;
        next[at] = Math.max(next[at] ?? 0, Math.round(soft * 16) / 16);
      }
    }
    drawn.value = next;
    detected.value = null;
    void scoreDrawing();
  };
  const draw = (event: PointerEvent & { currentTarget: HTMLCanvasElement }) => {
    const { width, height } = data.value;
    const box = event.currentTarget.getBoundingClientRect();
    ink(
      ((event.clientX - box.left) / box.width) * width,
      ((event.clientY - box.top) / box.height) * height,
    );
  };
  const keyed = (event: KeyboardEvent) => {
    const { width, height } = data.value;
    const at = cursor.value ?? Math.floor(height / 2) * width + Math.floor(width / 2);
    const [x, y] = [at % width, Math.floor(at / width)];
    const to: Record<string, readonly [number, number]> = {
      ArrowLeft: [x - 1, y],
      ArrowRight: [x + 1, y],
      ArrowUp: [x, y - 1],
      ArrowDown: [x, y + 1],
      " ": [x, y],
    };
    const place = to[event.key];
    if (!place) return;
    event.preventDefault();
    const [cx, cy] = [
      Math.max(0, Math.min(width - 1, place[0])),
      Math.max(0, Math.min(height - 1, place[1])),
    ];
    cursor.value = cy * width + cx;
    if (event.key === " " || event.shiftKey) {
      ink(cx + 0.5, cy + 0.5);
      void detectDrawing();
    }
  };
  const isEmpty = !drawn.value.some((value) => value > 0);
  const { width, height } = data.value;
  const spot = cursor.value;
  return (
    <section class="panel drawing doing" aria-label="Draw">
      <div class="panel-head">
        <h2>Draw</h2>
        <button type="button" class="quiet" disabled={isEmpty} onClick={clearDrawing}>
          Clear
        </button>
      </div>
      <div class="drawing-row">
        <figure>
          <div class="paper">
            <canvas
              ref={canvas}
              class="pixels pad"
              role="application"
              tabIndex={0}
              aria-label="Paper to draw on. Arrow keys move the pen, Space puts ink, Shift with an arrow draws a line."
              onPointerDown={(event) => {
                event.currentTarget.setPointerCapture(event.pointerId);
                pen.value = true;
                cursor.value = null;
                draw(event);
              }}
              onPointerMove={(event) => {
                if (pen.value) draw(event);
              }}
              onPointerUp={() => {
                pen.value = false;
                void detectDrawing();
              }}
              onPointerCancel={() => {
                pen.value = false;
              }}
              onKeyDown={keyed}
            />
            {isEmpty && <span class="paper-hint">draw here</span>}
            {spot !== null && (
              <span
                class="pen"
                style={{
                  left: `${((spot % width) / width) * 100}%`,
                  top: `${(Math.floor(spot / width) / height) * 100}%`,
                  width: `${100 / width}%`,
                  height: `${100 / height}%`,
                }}
              />
            )}
          </div>
          <figcaption>your drawing</figcaption>
        </figure>
        <figure>
          <Pixels
            read={() => score.value?.output ?? null}
            label="The reconstruction of your drawing"
          />
          <figcaption>reconstruction</figcaption>
        </figure>
        <figure>
          <Pixels
            heat
            read={() => score.value?.errors ?? null}
            label="The squared error of each pixel"
          />
          <figcaption>error</figcaption>
        </figure>
      </div>
      <Oddness />
    </section>
  );
}

function Oddness() {
  const now = score.value;
  if (!now) {
    return (
      <p class="hint">
        Draw a digit, then a star. The network can reconstruct only what is similar to its training
        data.
      </p>
    );
  }
  const { pValue: own, error, among } = now;
  const sure = detected.value;
  const pValue = sure ?? own;
  const odd =
    pValue < 0.01
      ? "very odd"
      : pValue < 0.05
        ? "odd"
        : pValue < 0.2
          ? "a little unusual"
          : "nothing unusual";
  const shown = pValue < 0.01 ? pValue.toFixed(4) : pValue.toFixed(2);
  const count = Math.round(own * (among + 1) - 1);
  return (
    <div class={`oddness ${pValue < 0.05 ? "is-odd" : ""}`} id="oddness">
      <p>
        <b>p = {shown}</b>, {odd}
        {sure === null ? " for this model" : " for the detector"}.
      </p>
      <p class="hint">
        The p-value is the share of normal rows that are at least as odd. The error of this drawing
        is {error.toPrecision(2)}; {count} of {among} held-out rows have an error as large.{" "}
        {sure === null && learning.value !== null
          ? `The detector, an ensemble of five larger models, is learning: ${Math.round(learning.value * 100)} %.`
          : ""}
      </p>
    </div>
  );
}

/** The centre of the points in space, and the distance of the farthest point from it. */
const sphere = computed((): readonly [middle: readonly number[], radius: number] => {
  const { values } = data.value;
  const middle = [0, 1, 2].map((axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < values.length; i += 3) {
      low = Math.min(low, values[i] ?? 0);
      high = Math.max(high, values[i] ?? 0);
    }
    return (low + high) / 2;
  });
  let radius = 1e-6;
  for (let i = 0; i < values.length; i += 3) {
    radius = Math.max(radius, Math.hypot(...middle.map((m, axis) => (values[i + axis] ?? 0) - m)));
  }
  return [middle, radius];
});

/** Points in space and their reconstructions. A drag turns them. */
function Space() {
  const [box, width] = useWidth<HTMLDivElement>(240);
  const turn = useSignal<readonly [number, number]>([0.6, 0.5]);
  const from = useSignal<readonly [number, number] | null>(null);
  const canvas = useCanvas((element) => {
    const now = frame.value;
    const size = width.value;
    const context = prepare(element, size, size);
    if (!context || !now) return;
    const { values, labels } = data.value;
    const [middle, radius] = sphere.value;
    const zoom = (size * 0.46) / radius;
    const marks = marksFor(labels, dark.value);
    const [yaw, pitch] = turn.value;
    const [c, s, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    const project = (x: number, y: number, z: number): readonly [number, number] => {
      const [px, py, pz] = [x - (middle[0] ?? 0), y - (middle[1] ?? 0), z - (middle[2] ?? 0)];
      const [a, b] = [c * px + s * pz, -s * px + c * pz];
      return [size / 2 + a * zoom, size / 2 - (cp * py - sp * b) * zoom];
    };
    context.lineWidth = 1;
    now.rows.forEach((row, i) => {
      const [x, y] = project(
        values[3 * row] ?? 0,
        values[3 * row + 1] ?? 0,
        values[3 * row + 2] ?? 0,
      );
      const back = now.reconstructions;
      const [bx, by] = project(back[3 * i] ?? 0, back[3 * i + 1] ?? 0, back[3 * i + 2] ?? 0);
      const color = marks.get(labels[row] ?? "")?.color ?? "#888";
      context.strokeStyle = color;
      context.fillStyle = color;
      context.globalAlpha = 0.25;
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(bx, by);
      context.stroke();
      context.globalAlpha = 0.35;
      context.fillRect(x - 1, y - 1, 2, 2);
      context.globalAlpha = 0.95;
      context.fillRect(bx - 1.5, by - 1.5, 3, 3);
    });
    context.globalAlpha = 1;
  });
  const rotate = (dx: number, dy: number) => {
    turn.value = [turn.value[0] + dx, Math.max(-1.5, Math.min(1.5, turn.value[1] + dy))];
  };
  return (
    <section class="panel space doing" aria-label="Points in space">
      <h2>In space</h2>
      <div ref={box}>
        <canvas
          ref={canvas}
          class="space-canvas"
          role="application"
          tabIndex={0}
          style={{ width: "100%", aspectRatio: "1" }}
          aria-label="The data as small points, and their reconstructions as larger ones. Arrow keys turn them."
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            from.value = [event.clientX, event.clientY];
          }}
          onPointerMove={(event) => {
            if (!from.value) return;
            rotate((event.clientX - from.value[0]) / 90, (event.clientY - from.value[1]) / 90);
            from.value = [event.clientX, event.clientY];
          }}
          onPointerUp={() => {
            from.value = null;
          }}
          onKeyDown={(event) => {
            const by: Record<string, readonly [number, number]> = {
              ArrowLeft: [-0.15, 0],
              ArrowRight: [0.15, 0],
              ArrowUp: [0, -0.15],
              ArrowDown: [0, 0.15],
            };
            const turned = by[event.key];
            if (!turned) return;
            event.preventDefault();
            rotate(...turned);
          }}
        />
      </div>
      <p class="hint">
        Small points are the data. Large points are their reconstructions from{" "}
        {settings.value.code === 1 ? "1 number" : `${settings.value.code} numbers`}. Drag to turn
        them.
      </p>
    </section>
  );
}

/** The errors of a table's rows, a threshold to drag, and the columns of a row with the largest differences. */
function Threshold() {
  const [box, width] = useWidth<HTMLDivElement>(240);
  const errors = frame.value?.errors ?? new Float32Array(0);
  const sorted = Float32Array.from(errors).sort();
  const { faults } = data.value;
  const limit = threshold.value ?? sorted[Math.floor(sorted.length * 0.96)] ?? 0;
  const canvas = useCanvas((element) => {
    const now = frame.value;
    const context = prepare(element, width.value, 180);
    if (!context || !now) return;
    const all = Float32Array.from(now.errors).sort();
    const at = threshold.value ?? all[Math.floor(all.length * 0.96)] ?? 0;
    drawErrors(now.errors, {
      threshold: at,
      bins: 36,
      size: [Math.max(120, width.value), 180],
      dark: dark.value,
      context,
    });
  });
  const [low, high] = [sorted[0] ?? 0, sorted.at(-1) ?? 1];
  const toShare = (value: number) =>
    Math.log(Math.max(value, 1e-9) / Math.max(low, 1e-9)) /
    Math.log(Math.max(high, 1e-8) / Math.max(low, 1e-9));
  const fromShare = (share: number) =>
    Math.max(low, 1e-9) * (Math.max(high, 1e-8) / Math.max(low, 1e-9)) ** share;
  const odd = new Set(faults);
  let [flagged, found] = [0, 0];
  errors.forEach((error, i) => {
    if (error <= limit) return;
    flagged++;
    if (odd.has(frame.value?.rows[i] ?? -1)) found++;
  });
  const worst = errors.reduce((best, error, i) => (error > (errors[best] ?? 0) ? i : best), 0);
  const worstRow = frame.value?.rows[worst] ?? 0;
  return (
    <section class="panel threshold doing" aria-label="Threshold">
      <h2>Which rows are odd?</h2>
      <div ref={box}>
        <canvas
          ref={canvas}
          style={{ width: "100%", height: "180px" }}
          role="img"
          aria-label={`Errors of ${errors.length} rows; ${flagged} are above the threshold.`}
        />
      </div>
      <label class="control slide">
        <span>
          Threshold <output>{limit.toPrecision(2)}</output>
        </span>
        <input
          type="range"
          min={0}
          max={1000}
          value={Math.round(toShare(limit) * 1000) || 0}
          aria-valuetext={`${limit.toPrecision(2)}: ${flagged} rows above`}
          onInput={(event) => {
            threshold.value = fromShare(Number(event.currentTarget.value) / 1000);
          }}
        />
      </label>
      <p>
        <b>{flagged}</b> rows above
        {faults.length > 0 ? (
          <>
            : <b>{found}</b> of {faults.length} faults, {flagged - found} false alarms.
          </>
        ) : (
          "."
        )}{" "}
        <button type="button" class="quiet" onClick={() => chooseSample(worstRow)}>
          Show the row with the largest error, {worstRow}
        </button>
      </p>
      <Blame />
      <details>
        <summary>Show the errors as table</summary>
        <ErrorTable sorted={sorted} />
      </details>
    </section>
  );
}

const TABLE_BINS = 10;

/** How many rows have errors in each of some ranges, from `sorted` errors. */
function ErrorTable({ sorted }: { readonly sorted: Float32Array }) {
  const low = Math.max(sorted[0] ?? 0, 1e-9);
  const ratio = Math.max((sorted.at(-1) ?? 1) / low, 1.0001);
  const edges = Array.from({ length: TABLE_BINS + 1 }, (_, i) => low * ratio ** (i / TABLE_BINS));
  const counts = new Array<number>(TABLE_BINS).fill(0);
  for (const error of sorted) {
    const bin = Math.floor((TABLE_BINS * Math.log(Math.max(error, low) / low)) / Math.log(ratio));
    const place = Math.min(bin, TABLE_BINS - 1);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">error from</th>
          <th scope="col">to</th>
          <th scope="col">rows</th>
        </tr>
      </thead>
      <tbody>
        {counts.map((rows, i) => (
          <tr key={i}>
            <td>{edges[i]?.toPrecision(2)}</td>
            <td>{edges[i + 1]?.toPrecision(2)}</td>
            <td>{rows}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The columns of the chosen row with the largest differences, in standard deviations of the column. */
function Blame() {
  const now = frame.value;
  const { names, columns, values } = data.value;
  if (!now || names.length === 0) return null;
  const rows = values.length / columns;
  const { input, output } = now.passage;
  const ranked = names
    .map((name, c) => {
      let [sum, squares] = [0, 0];
      for (let r = 0; r < rows; r += Math.max(1, Math.floor(rows / 500))) {
        const value = values[r * columns + c] ?? 0;
        sum += value;
        squares += value * value;
      }
      const count = Math.ceil(rows / Math.max(1, Math.floor(rows / 500)));
      const spread = Math.sqrt(Math.max(1e-12, squares / count - (sum / count) ** 2));
      return {
        name,
        value: input[c] ?? 0,
        expected: output[c] ?? 0,
        off: Math.abs((input[c] ?? 0) - (output[c] ?? 0)) / spread,
      };
    })
    .sort((a, b) => b.off - a.off)
    .slice(0, 3);
  return (
    <table class="blame">
      <caption>Row {sample.value}: the three largest differences</caption>
      <thead>
        <tr>
          <th scope="col">column</th>
          <th scope="col">value</th>
          <th scope="col">expected</th>
        </tr>
      </thead>
      <tbody>
        {ranked.map(({ name, value, expected }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{value.toPrecision(3)}</td>
            <td>{expected.toPrecision(3)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
