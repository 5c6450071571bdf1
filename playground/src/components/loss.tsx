// The loss on a logarithmic scale, with the error of PCA for comparison. With an untied twin, also its loss and the distance
// between its two sets of weights.

import { drawLoss } from "tied-autoencoder/view";
import { prepare } from "../draw/canvas.ts";
import { curve, dark, floor, slowFrame, tied } from "../state.ts";
import { useCanvas, useWidth } from "./hooks.ts";

const HEIGHT = 210;

const number = (value: number | undefined) =>
  value !== undefined && Number.isFinite(value) ? value.toPrecision(3) : "\u2013";

export function Loss() {
  const [box, width] = useWidth<HTMLDivElement>(340);
  const isTied = tied.value;
  const canvas = useCanvas((element) => {
    void slowFrame.value;
    const context = prepare(element, width.value, HEIGHT);
    if (!context) return;
    const { steps, loss, heldOut, twin } = curve;
    const history = tied.value ? { loss, heldOut } : { loss, heldOut, twin };
    const text = drawLoss(
      { epoch: steps, history },
      {
        size: [Math.max(120, width.value), HEIGHT],
        references: { PCA: floor.value },
        unit: "step",
        legend: false,
        dark: dark.value,
        context,
      },
    );
    element.setAttribute("aria-label", text);
  });

  const { value: now } = slowFrame;
  const last = curve.loss.at(-1);
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
          <li class="floor">
            PCA <b>{number(floor.value)}</b>
          </li>
          {!isTied && (
            <li class="twin">
              untied <b>{number(now?.twin?.loss)}</b>
            </li>
          )}
        </ul>
      </div>
      <div ref={box} class="plot">
        <canvas
          ref={canvas}
          style={{ width: "100%", height: `${HEIGHT}px` }}
          role="img"
          aria-label="Loss"
        />
      </div>
      <p class="hint">
        The loss is the mean squared difference between input and output; lower is better. Held out:
        one row in ten, which training never sees. PCA: the smallest loss of any linear method with
        the same code size.
      </p>
      {!isTied && <Drift />}
      <details>
        <summary>Show as table</summary>
        <LossTable />
      </details>
    </section>
  );
}

/** The distance between W and the decoder's own weights, as a small line. */
function Drift() {
  void slowFrame.value;
  const values = curve.drift.filter(Number.isFinite);
  const most = Math.max(0.01, ...values);
  const path = values
    .map((value, i) => {
      const x = (i / Math.max(1, values.length - 1)) * 100;
      return `${x.toFixed(1)},${(30 - (value / most) * 26).toFixed(1)}`;
    })
    .join(" ");
  const percent = `${((values.at(-1) ?? 0) * 100).toFixed(1)} %`;
  return (
    <p class="drift">
      <svg
        viewBox="0 0 100 32"
        preserveAspectRatio="none"
        role="img"
        aria-label={`Distance between W and D transposed: ${percent} of W`}
      >
        <polyline points={path} />
      </svg>
      <span>
        The distance between W and Dᵀ is <b>{percent}</b> of the norm of W
      </span>
    </p>
  );
}

function LossTable() {
  void slowFrame.value;
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
