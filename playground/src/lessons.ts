// Lessons: presets with a text that says what to look at. One of them fails on purpose.

import { DEFAULTS, type Settings } from "./settings.ts";

export interface Lesson {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly settings: Settings;
  readonly tied: boolean;
}

const lesson = (
  id: string,
  title: string,
  text: string,
  settings: Partial<Settings>,
  tied = true,
): Lesson => ({ id, title, text, settings: { ...DEFAULTS, ...settings }, tied });

export const LESSONS: readonly Lesson[] = [
  lesson(
    "pca",
    "Linear equals PCA",
    "Without a hidden layer and without a curve, the best a tied autoencoder can do is principal component analysis. Watch the loss settle on the dashed line and stay there.",
    { hidden: 0, code: 8, activation: "linear", learningRate: 0.01 },
  ),
  lesson(
    "untie",
    "What untying costs",
    "The decoder now has weights of its own: nearly twice as many parameters. The two sets start equal and drift far apart, and the loss gains little by it.",
    { hidden: 0, code: 16, activation: "tanh", learningRate: 0.003 },
    false,
  ),
  lesson(
    "denoise",
    "Denoising",
    "Noise is added to every input, and the clean image is asked for. Filters turn from specks into strokes, because specks no longer help. The dashed line is of clean inputs: PCA never sees the noise.",
    { hidden: 0, code: 32, activation: "gelu", noise: 0.5, learningRate: 0.003 },
  ),
  lesson(
    "sparse",
    "Sparse features",
    "Of 32 code units only the four strongest stay for each digit. Units become strokes that digits are put together from: step through the rows and see which four light up.",
    { family: "topK", hidden: 0, code: 32, activation: "linear", learningRate: 0.003 },
  ),
  lesson(
    "anomalies",
    "Anomalies",
    "The model learns normal rows of a plant only. A row whose sensors do not fit each other comes back badly: drag the threshold until the faults stand out.",
    { data: "sensors", hidden: 16, code: 2, activation: "gelu", learningRate: 0.01 },
  ),
  lesson(
    "fails",
    "One that fails",
    "A relu unit is never negative, and one that is 0 for every row learns nothing more: it is dead. Here one of two dies early, so the map is a line, and the loss stays above the dashed one of PCA with two numbers. Choose tanh or linear.",
    { hidden: 0, code: 2, activation: "relu", learningRate: 0.003 },
  ),
];
