// The map of codes: every row is a point, over a faint grid of decoded images. Dragging decodes the place under the pointer,
// selecting shows means, and walking interpolates between two rows.

import { signal, useComputed, useSignal } from "@preact/signals";
import { inkRamp, mosaic, prepare, putImage } from "../draw/canvas.ts";
import { type Mark, marksFor, sprite } from "../draw/marks.ts";
import type { Frame } from "../protocol.ts";
import {
  axes,
  chooseSample,
  dark,
  data,
  decoded,
  frame,
  marker,
  moveMarker,
  sample,
  selected,
  settings,
  showMean,
  strip,
  walk,
} from "../state.ts";
import { useCanvas, useWidth } from "./hooks.ts";
import { Pixels } from "./pixels.tsx";

type Tool = "drag" | "select" | "walk";
const tool = signal<Tool>("drag");

/** Edges in pixels. */
type Box = readonly [left: number, top: number, right: number, bottom: number];
/** Half the side of the box that Enter selects. */
const REACH = 24;

/** Between a code and a place on the square map. */
function placing({ bounds: [left, right, bottom, top] }: Frame, size: number, isLine: boolean) {
  return {
    toMap: (x: number, y: number): readonly [number, number] => [
      ((x - left) / (right - left)) * size,
      isLine ? size / 2 : ((top - y) / (top - bottom)) * size,
    ],
    toCode: (x: number, y: number): readonly [number, number] => [
      left + (x / size) * (right - left),
      top - (y / size) * (top - bottom),
    ],
  };
}

const middleOf = ({ bounds: [left, right, bottom, top] }: Frame): readonly [number, number] => [
  (left + right) / 2,
  (bottom + top) / 2,
];

const sprites = new Map<string, HTMLCanvasElement>();

function spriteFor(sign: string, color: string, size: number): HTMLCanvasElement {
  const ratio = Math.min(3, devicePixelRatio || 1);
  const key = `${sign}${color}${size}${ratio}`;
  const known = sprites.get(key) ?? sprite({ sign, color }, size, ratio);
  sprites.set(key, known);
  return known;
}

export function CodeMap() {
  const [box, size] = useWidth<HTMLDivElement>(340);
  const area = useSignal<Box | null>(null);
  const start = useSignal<readonly [number, number] | null>(null);
  const first = useSignal(-1);
  /** The place to which the arrow keys moved. It stays after the marker is removed. */
  const cursor = useSignal<readonly [number, number] | null>(null);
  const isLine = settings.value.code === 1;
  const marks = useComputed(() => marksFor(data.value.labels, dark.value));

  const grid = useCanvas((canvas) => {
    const now = frame.value;
    if (!now || now.gridSize === 0 || data.value.kind !== "image") {
      canvas.width = 1;
      canvas.height = 1;
      return;
    }
    const { width, height } = data.value;
    const picture = mosaic(now.grid, width, height, now.gridSize);
    putImage(canvas, picture.values, picture.width, picture.height, inkRamp(dark.value));
  });

  const points = useCanvas((canvas) => {
    const now = frame.value;
    const context = prepare(canvas, size.value, size.value);
    if (!context || !now) return;
    const { toMap } = placing(now, size.value, settings.value.code === 1);
    const { labels } = data.value;
    const chosen = selected.value;
    const plain = dark.value ? "#8ea8ff" : "#3b5fc0";
    const height = 11;
    now.rows.forEach((row, i) => {
      const [x, y] = toMap(now.points[2 * i] ?? 0, now.points[2 * i + 1] ?? 0);
      const mark = marks.value.get(labels[row] ?? "") ?? { sign: "\u25cf", color: plain };
      const picture = spriteFor(mark.sign, mark.color, height);
      const spread = settings.value.code === 1 ? ((row * 37) % 61) - 30 : 0;
      context.globalAlpha = chosen.size === 0 || chosen.has(row) ? 0.9 : 0.22;
      const side = height * 1.4;
      context.drawImage(picture, x - side / 2, y - side / 2 + spread, side, side);
    });
    context.globalAlpha = 1;
    const here = now.rows.indexOf(sample.value);
    if (here >= 0) {
      const [x, y] = toMap(now.points[2 * here] ?? 0, now.points[2 * here + 1] ?? 0);
      context.strokeStyle = dark.value ? "#fff" : "#111";
      context.lineWidth = 1.5;
      context.beginPath();
      context.arc(x, y, 9, 0, 2 * Math.PI);
      context.stroke();
    }
    const at = marker.value;
    if (at) {
      const [x, y] = toMap(...at);
      context.fillStyle = dark.value ? "#4cc2b8" : "#0b6e6e";
      context.strokeStyle = dark.value ? "#14161a" : "#fff";
      context.lineWidth = 3;
      context.beginPath();
      context.arc(x, y, 9, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    }
    const box = area.value;
    if (box) {
      context.strokeStyle = dark.value ? "#4cc2b8" : "#0b6e6e";
      context.setLineDash([5, 4]);
      context.lineWidth = 1.5;
      context.strokeRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
      context.setLineDash([]);
    }
  });

  const nearest = (x: number, y: number): number => {
    const now = frame.value;
    if (!now) return -1;
    const { toMap } = placing(now, size.value, isLine);
    let [best, least] = [-1, Infinity];
    now.rows.forEach((row, i) => {
      const [px, py] = toMap(now.points[2 * i] ?? 0, now.points[2 * i + 1] ?? 0);
      const distance = (px - x) ** 2 + (isLine ? 0 : (py - y) ** 2);
      if (distance < least) [best, least] = [row, distance];
    });
    return best;
  };

  const dragTo = (x: number, y: number) => {
    const now = frame.value;
    if (!now) return;
    const clamp = (value: number) => Math.max(0, Math.min(size.value, value));
    const [cx, cy] = placing(now, size.value, isLine).toCode(clamp(x), clamp(y));
    moveMarker(cx, isLine ? 0 : cy);
  };

  const down = (event: PointerEvent) => {
    const { offsetX: x, offsetY: y } = event;
    if (event.currentTarget instanceof Element)
      event.currentTarget.setPointerCapture(event.pointerId);
    start.value = [x, y];
    if (tool.value === "drag") dragTo(x, y);
    if (tool.value === "select") area.value = [x, y, x, y];
    if (tool.value === "walk") walkBy(nearest(x, y));
  };
  /** The first row is where the walk starts, the second where it ends. */
  const walkBy = (row: number) => {
    if (first.value < 0) {
      first.value = row;
      selected.value = new Set([row]);
      strip.value = null;
    } else {
      void walk(first.value, row);
      first.value = -1;
    }
    marker.value = null;
  };
  const rowsInside = (now: Frame, [left, top, right, bottom]: Box): number[] => {
    const { toMap } = placing(now, size.value, isLine);
    const inside: number[] = [];
    now.rows.forEach((row, i) => {
      const [x, y] = toMap(now.points[2 * i] ?? 0, now.points[2 * i + 1] ?? 0);
      if (x >= left && x <= right && (isLine || (y >= top && y <= bottom))) inside.push(row);
    });
    return inside;
  };
  const selectRows = (rows: readonly number[]) => {
    marker.value = null;
    void showMean(rows);
  };
  /** Enter at the marker has the effect of a click with the chosen tool. */
  const act = (now: Frame, x: number, y: number) => {
    if (tool.value === "drag") chooseSample(nearest(x, y));
    if (tool.value === "select") {
      const inside = rowsInside(now, [x - REACH, y - REACH, x + REACH, y + REACH]);
      selectRows(inside.length > 0 ? inside : [nearest(x, y)]);
    }
    if (tool.value === "walk") walkBy(nearest(x, y));
  };
  const move = (event: PointerEvent) => {
    if (!start.value) return;
    if (tool.value === "drag") dragTo(event.offsetX, event.offsetY);
    if (tool.value === "select") {
      const [x, y] = start.value;
      area.value = [
        Math.min(x, event.offsetX),
        Math.min(y, event.offsetY),
        Math.max(x, event.offsetX),
        Math.max(y, event.offsetY),
      ];
    }
  };
  const up = (event: PointerEvent) => {
    const from = start.value;
    start.value = null;
    const now = frame.value;
    const box = area.value;
    if (tool.value === "drag" && from) {
      const moved = Math.hypot(event.offsetX - from[0], event.offsetY - from[1]);
      if (moved < 3) chooseSample(nearest(...from));
    }
    if (!box || !now) return;
    area.value = null;
    selectRows(rowsInside(now, box));
  };
  const keyed = (event: KeyboardEvent) => {
    const now = frame.value;
    const by = ARROWS[event.key];
    if (!now || !(by || event.key === "Enter")) return;
    event.preventDefault();
    const { toMap } = placing(now, size.value, isLine);
    const [x, y] = toMap(...(marker.value ?? cursor.value ?? middleOf(now)));
    if (!by) {
      act(now, x, y);
      return;
    }
    const far = event.shiftKey ? 32 : 8;
    dragTo(x + by[0] * far, y + by[1] * far);
    cursor.value = marker.value;
  };

  const { code } = settings.value;
  const at = marker.value;
  const isImage = data.value.kind === "image";
  return (
    <section class="panel map" aria-label="Map of codes">
      <div class="panel-head">
        <h2>Map of codes</h2>
        <div class="tools" role="group" aria-label="What a pointer does on the map">
          {TOOLS.map(([name, word]) => (
            <button
              type="button"
              aria-pressed={tool.value === name}
              key={name}
              onClick={() => {
                tool.value = name;
                first.value = -1;
                selected.value = new Set();
                strip.value = null;
                marker.value = null;
                decoded.value = null;
              }}
            >
              {word}
            </button>
          ))}
        </div>
      </div>
      <div class="map-box" ref={box}>
        <canvas ref={grid} class="map-grid" aria-hidden="true" />
        <canvas
          ref={points}
          class="map-points"
          role="application"
          tabIndex={0}
          aria-label={`Map of ${frame.value?.rows.length ?? 0} codes. Arrow keys move a point whose decoding is shown; with Shift it moves further. Enter chooses the nearest row, or the rows around the point, or the ends of a walk.`}
          onPointerDown={down}
          onPointerMove={move}
          onPointerUp={up}
          onKeyDown={keyed}
        />
      </div>
      <Signs marks={marks.value} />
      {code > 2 && <AxisChoice code={code} />}
      <div class="map-result">
        {at && decoded.value ? (
          <>
            <Pixels read={() => decoded.value} label="The decoding of the point" class="decoded" />
            <p aria-live="off">
              Decoded at ({at[0].toFixed(2).replace("-", "\u2212")}
              {code > 1 ? `, ${at[1].toFixed(2).replace("-", "\u2212")}` : ""}).{" "}
              {isImage ? "This image is not in the data." : ""}
            </p>
          </>
        ) : strip.value ? (
          <Strip />
        ) : (
          <p class="hint">{HINTS[tool.value](first.value)}</p>
        )}
      </div>
      <details>
        <summary>Show as table</summary>
        <CodeTable />
      </details>
    </section>
  );
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const TOOLS = [
  ["drag", "Drag"],
  ["select", "Select"],
  ["walk", "Walk"],
] as const;

const HINTS: Readonly<Record<Tool, (first: number) => string>> = {
  drag: () =>
    "Drag over the map to decode the code at each place. Click a point to show its row in the network.",
  select: () =>
    "Draw a box around points to see the mean of their rows beside the decoding of their mean code.",
  walk: (first) =>
    first < 0
      ? "Choose the first of two points. The network decodes the codes between them."
      : "Choose the second point.",
};

const MOST_SIGNS = 8;

/** The legend of the map, for labels that are not signs themselves. */
function Signs({ marks }: { readonly marks: ReadonlyMap<string, Mark> }) {
  const named = [...marks].filter(([name, { sign }]) => name !== "" && name !== sign);
  if (named.length === 0 || named.length > MOST_SIGNS) return null;
  return (
    <ul class="signs" aria-label="Signs of the map">
      {named.map(([name, { sign, color }]) => (
        <li key={name}>
          <span style={{ color }} aria-hidden="true">
            {sign}
          </span>{" "}
          {name}
        </li>
      ))}
    </ul>
  );
}

/** With more than two units the map shows the two leading principal components, or two chosen units. */
function AxisChoice({ code }: { readonly code: number }) {
  const chosen = axes.value;
  const options = Array.from({ length: code }, (_, i) => i);
  const choose = (which: "across" | "up", value: number) => {
    if (value < 0) axes.value = null;
    else if (which === "across") axes.value = [value, chosen?.[1] ?? (value === 1 ? 0 : 1)];
    else axes.value = [chosen?.[0] ?? (value === 0 ? 1 : 0), value];
  };
  return (
    <p class="axes">
      {(["across", "up"] as const).map((word) => (
        <label key={word}>
          {word}{" "}
          <select
            value={chosen ? chosen[word === "across" ? 0 : 1] : -1}
            onChange={(event) => choose(word, Number(event.currentTarget.value))}
          >
            <option value={-1}>{word === "across" ? "first component" : "second component"}</option>
            {options.map((i) => (
              <option value={i} key={i}>
                code {i}
              </option>
            ))}
          </select>
        </label>
      ))}
    </p>
  );
}

function Strip() {
  const shown = strip.value;
  if (!shown) return null;
  const { columns } = data.value;
  const count = shown.images.length / columns;
  return (
    <figure class="strip">
      <div>
        {Array.from({ length: count }, (_, i) => (
          <Pixels
            key={i}
            label={`Image ${i + 1} of ${count}`}
            read={() => strip.value?.images.subarray(i * columns, (i + 1) * columns) ?? null}
          />
        ))}
      </div>
      <figcaption>{shown.title}</figcaption>
    </figure>
  );
}

function CodeTable() {
  const now = frame.value;
  if (!now) return null;
  const { labels } = data.value;
  const rows = Array.from(now.rows.subarray(0, 20));
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">row</th>
          <th scope="col">label</th>
          <th scope="col">across</th>
          <th scope="col">up</th>
          <th scope="col">error</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, i) => (
          <tr key={row}>
            <td>{row}</td>
            <td>{labels[row] ?? ""}</td>
            <td>{now.points[2 * i]?.toFixed(2)}</td>
            <td>{now.points[2 * i + 1]?.toFixed(2)}</td>
            <td>{now.errors[i]?.toPrecision(2)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
