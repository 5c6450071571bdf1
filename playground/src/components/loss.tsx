// The loss as it falls, on a logarithmic scale, with PCA's error as a floor; and, with a twin, its loss and how
// far its two halves are apart.

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { curve, dark, floor, frame, tied } from "../state.ts";
import { useWidth } from "./hooks.ts";

const HEIGHT = 190;

function colors() {
  return dark.value
    ? {
        ink: "#a2a8b3",
        grid: "#2b3038",
        loss: "#8ea8ff",
        held: "#f0b84b",
        twin: "#ff8a7a",
        floor: "#5fd3bd",
      }
    : {
        ink: "#5d6470",
        grid: "#e8e5dc",
        loss: "#3b5fc0",
        held: "#a86f00",
        twin: "#c0392b",
        floor: "#1f7f6e",
      };
}

/** 1, 2 and 5 times the powers of ten between two losses. */
function decades(low: number, high: number): number[] {
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of [1, 2, 5]) {
      const value = factor * 10 ** power;
      if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
    }
  }
  return found;
}

const short = (value: number) =>
  value >= 0.01 ? String(Number(value.toPrecision(2))) : value.toExponential(0);

export function Loss() {
  const [box, width] = useWidth<HTMLDivElement>(340);
  const holder = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const isDark = dark.value;
  const isTied = tied.value;

  useEffect(() => {
    const { current } = holder;
    if (!current) return;
    const c = colors();
    const axis = {
      stroke: c.ink,
      grid: { stroke: c.grid, width: 1 },
      ticks: { stroke: c.grid },
      font: "11px system-ui",
    };
    const line = (label: string, stroke: string, dash?: number[]) => ({
      label,
      stroke,
      width: 2,
      points: { show: false },
      ...(dash ? { dash } : {}),
    });
    chart.current = new uPlot(
      {
        width: width.peek(),
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false },
          y: {
            distr: 3,
            range: (_, low, high) => (low > 0 && high > 0 ? [low * 0.85, high * 1.15] : [0.01, 1]),
          },
        },
        axes: [
          {
            ...axis,
            size: 28,
            values: (_, ticks) => ticks.map((tick) => tick.toLocaleString("en")),
          },
          {
            ...axis,
            size: 46,
            splits: (_, __, low, high) => decades(low, high),
            values: (_, ticks) => ticks.map((tick) => (tick ? short(tick) : "")),
          },
        ],
        series: [
          {},
          line("training", c.loss),
          line("held out", c.held, [5, 3]),
          line("PCA", c.floor, [2, 3]),
          { ...line("untied twin", c.twin, [8, 3]), show: !isTied },
        ],
      },
      points(),
      current,
    );
    return () => {
      chart.current?.destroy();
      chart.current = null;
    };
  }, [isDark, isTied, width]);

  useSignalEffect(() => {
    void frame.value;
    chart.current?.setData(points());
  });
  useSignalEffect(() => {
    chart.current?.setSize({ width: width.value, height: HEIGHT });
  });

  const { value: now } = frame;
  const last = curve.loss.at(-1);
  const number = (value: number | undefined) =>
    value !== undefined && Number.isFinite(value) ? value.toPrecision(3) : "\u2013";
  return (
    <section class="panel loss" aria-label="Loss">
      <div class="panel-head">
        <h2>Loss</h2>
        <ul class="key">
          <li class="training">
            training <b>{number(last)}</b>
          </li>
          <li class="held">
            held out <b>{number(now?.heldOut)}</b>
          </li>
          <li class="floor" title="Principal component analysis with as many numbers a row">
            PCA <b>{number(floor.value)}</b>
          </li>
          {!isTied && (
            <li class="twin">
              untied <b>{number(now?.twin?.loss)}</b>
            </li>
          )}
        </ul>
      </div>
      <div ref={box}>
        <div
          ref={holder}
          class="plot"
          role="img"
          aria-label={`Loss on a logarithmic scale: ${number(last)} at step ${now?.step ?? 0}; PCA has ${number(floor.value)}.`}
        />
      </div>
      {!isTied && <Drift />}
      <details>
        <summary>Show as table</summary>
        <LossTable />
      </details>
    </section>
  );
}

function points(): uPlot.AlignedData {
  const low = Number.isFinite(floor.peek()) && floor.peek() > 0 ? floor.peek() : null;
  return [curve.steps, curve.loss, curve.heldOut, curve.steps.map(() => low), curve.twin];
}

/** How far W and the decoder's own weights are apart, as a small line. */
function Drift() {
  void frame.value;
  const values = curve.drift.filter((value): value is number => value !== null);
  const most = Math.max(0.01, ...values);
  const path = values
    .map(
      (value, i) =>
        `${((i / Math.max(1, values.length - 1)) * 100).toFixed(1)},${(30 - (value / most) * 26).toFixed(1)}`,
    )
    .join(" ");
  const last = values.at(-1) ?? 0;
  return (
    <p class="drift">
      <svg
        viewBox="0 0 100 32"
        preserveAspectRatio="none"
        role="img"
        aria-label={`Distance between W and D transposed: ${(last * 100).toFixed(1)} per cent of W`}
      >
        <polyline points={path} />
      </svg>
      <span>
        |W − Dᵀ| is <b>{(last * 100).toFixed(1)} %</b> of |W|
      </span>
    </p>
  );
}

function LossTable() {
  void frame.value;
  const { length } = curve.steps;
  const every = Math.max(1, Math.floor(length / 12));
  const rows = curve.steps.map((step, i) => [step, i] as const).filter(([, i]) => i % every === 0);
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">step</th>
          <th scope="col">training</th>
          <th scope="col">held out</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([step, i]) => (
          <tr key={step}>
            <td>{step}</td>
            <td>{curve.loss[i]?.toPrecision(3)}</td>
            <td>{curve.heldOut[i]?.toPrecision(3)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
