import { type ModelConfig, TiedAutoencoder } from "../../src/index.ts";
import { relativeDistance } from "./distance.ts";
import { type Held, referenceLoss } from "./reference/network.ts";

const STEP = 1e-5;

/** The largest difference of a parameter's gradient from central differences, relative to its largest element. */
export function gradientError(config: ModelConfig, x: Float32Array, target?: Float32Array): number {
  using model = TiedAutoencoder.createSync(config);
  model.fitScaler(x);
  const loss = model.accumulateGradients(x, target);
  const weights = Object.fromEntries(
    Object.entries(model.weights()).map(([name, { data }]) => [
      name,
      { data: Float64Array.from(data) },
    ]),
  );
  const held: Held = {};
  const at = () => referenceLoss(model.config, weights, x, target, held);
  let worst = relativeDistance([loss], [at()]);
  for (const [name, { data }] of Object.entries(model.gradients())) {
    const values = weights[name]!.data;
    const expected = values.map((value, i) => {
      values[i] = value + STEP;
      const above = at();
      values[i] = value - STEP;
      const below = at();
      values[i] = value;
      return (above - below) / (2 * STEP);
    });
    worst = Math.max(worst, relativeDistance(data, expected));
  }
  return worst;
}
