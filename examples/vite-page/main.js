// The model is in a worker of its own: every call is awaited, progress is streamed, and an AbortController stops it. Vite needs
// no setting for this.

import { TiedAutoencoder } from "tied-autoencoder/worker";

const WIDTH = 64;
const [train, stop, progress] = ["train", "stop", "progress"].map((id) =>
  document.getElementById(id),
);

/** Rows that are sums of four waves, so that a code of four units can represent them. */
function waves(rows) {
  return Float32Array.from({ length: rows * WIDTH }, (_, i) => {
    const [row, column] = [Math.floor(i / WIDTH), i % WIDTH];
    let sum = 0;
    for (let k = 1; k <= 4; k++)
      sum += Math.sin(row * k * 1.7) * Math.cos((column * k * Math.PI) / WIDTH);
    return sum / 4;
  });
}

train.addEventListener("click", async () => {
  const controller = new AbortController();
  stop.onclick = () => controller.abort();
  train.disabled = true;
  stop.disabled = false;
  const model = await TiedAutoencoder.create({ layers: [WIDTH, 32, 4], activation: "tanh" });
  try {
    const { history } = await model.fit(waves(2000), {
      epochs: 40,
      transfer: true,
      signal: controller.signal,
      onEpoch: ({ epoch, loss }) => {
        progress.textContent = `epoch ${epoch + 1} of 40, loss ${loss.toFixed(5)}`;
      },
    });
    progress.textContent = `done: loss ${history.loss.at(-1).toFixed(5)}`;
  } catch (error) {
    progress.textContent = error.name === "AbortError" ? "stopped" : error.message;
  } finally {
    model.dispose();
    train.disabled = false;
    stop.disabled = true;
  }
});
