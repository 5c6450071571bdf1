// Trains on pictures that are generated here, and draws the learned features. A plain script, which also works from file://.

const { TiedAutoencoder } = tiedAutoencoder;
const SIDE = 12;
const PIXELS = SIDE * SIDE;
const EPOCHS = 60;
const element = (id) => document.getElementById(id);

/** A soft spot and a stroke at random places. */
function picture() {
  const random = (low, high) => low + Math.random() * (high - low);
  const [x, y, size] = [random(2, 10), random(2, 10), random(1, 2)];
  const [angle, offset] = [random(0, Math.PI), random(-3, 3)];
  return Array.from({ length: PIXELS }, (_, i) => {
    const [u, v] = [(i % SIDE) + 0.5, Math.floor(i / SIDE) + 0.5];
    const spot = Math.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * size ** 2));
    const away = (u - 6) * Math.sin(angle) - (v - 6) * Math.cos(angle) - offset;
    return Math.min(1, spot + 0.8 * Math.exp(-(away ** 2) / 0.7));
  });
}

function draw(context, pixels, left = 0, top = 0) {
  const image = context.createImageData(SIDE, SIDE);
  for (let i = 0; i < PIXELS; i++) {
    const value = Math.max(0, Math.min(1, pixels[i]));
    image.data.set([250 - 200 * value, 248 - 215 * value, 244 - 150 * value, 255], 4 * i);
  }
  context.putImageData(image, left, top);
}

const samples = Array.from({ length: 8 }, picture);
const losses = [];
let model;
let usual = 0;

function showPairs() {
  const context = element("pairs").getContext("2d");
  const back = model?.reconstruct(samples);
  samples.forEach((pixels, i) => {
    draw(context, pixels, i * 14, 0);
    if (back) draw(context, back.subarray(i * PIXELS, (i + 1) * PIXELS), i * 14, 14);
  });
}

function showCurve() {
  const canvas = element("curve");
  const { width, height } = canvas.getBoundingClientRect();
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  const context = canvas.getContext("2d");
  context.scale(devicePixelRatio, devicePixelRatio);
  const style = getComputedStyle(canvas); // a canvas knows no light-dark(), only what it comes to
  const y = (loss) => ((Math.log10(0.15) - Math.log10(loss)) / 2) * (height - 8) + 4;
  context.font = "11px system-ui";
  for (const [power, label] of [
    [0.1, "0.1"],
    [0.01, "0.01"],
    [0.003, "0.003"],
  ]) {
    context.fillStyle = style.borderTopColor;
    context.fillRect(40, y(power), width - 40, 1);
    context.fillStyle = style.outlineColor;
    context.fillText(label, 0, y(power) + 4);
  }
  context.strokeStyle = style.color;
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.beginPath();
  losses.forEach((loss, i) => {
    context.lineTo(40 + (i / (EPOCHS - 1)) * (width - 42), y(loss));
  });
  context.stroke();
}

const yours = new Float32Array(PIXELS);

function showYours() {
  draw(element("yours").getContext("2d"), yours);
  if (!model || usual === 0) return;
  draw(element("its").getContext("2d"), model.reconstruct(yours));
  const [error] = model.reconstructionErrors(yours);
  element("score").textContent = `${(error / usual).toFixed(1)}\u00d7`;
}

element("yours").addEventListener("pointermove", (event) => {
  if (event.buttons === 0) return;
  const box = event.target.getBoundingClientRect();
  const column = Math.floor(((event.clientX - box.left) / box.width) * SIDE);
  const row = Math.floor(((event.clientY - box.top) / box.height) * SIDE);
  if (row < 0 || row >= SIDE || column < 0 || column >= SIDE) return;
  yours[row * SIDE + column] = 1;
  showYours();
});

element("clear").addEventListener("click", () => {
  yours.fill(0);
  showYours();
});

element("train").addEventListener("click", async () => {
  element("train").disabled = true;
  try {
    model?.dispose();
    model = await TiedAutoencoder.create({
      layers: [PIXELS, 128, 16],
      activation: "gelu",
      outputActivation: "sigmoid",
      optimizer: { type: "adam", learningRate: 2e-3 },
    });
    losses.length = 0;
    const started = performance.now();
    await model.fit(Array.from({ length: 4000 }, picture), {
      epochs: EPOCHS,
      onEpoch({ epoch, loss }) {
        losses.push(loss);
        element("status").textContent = `Epoch ${epoch + 1} of ${EPOCHS}, error ${loss.toFixed(4)}`;
        showCurve();
        showPairs();
      },
    });
    usual = model.evaluate(samples);
    const seconds = (performance.now() - started) / 1000;
    element("status").textContent =
      `${model.stepCount} steps in ${seconds.toFixed(1)} s, error ${usual.toFixed(4)}`;
    showYours();
  } catch (error) {
    element("status").textContent = error.message;
  } finally {
    element("train").disabled = false;
  }
});

showPairs();
showCurve();
showYours();
addEventListener("resize", showCurve);
