// Lessons: settings with a text that says what to look at. One of them fails on purpose.

import type { TabName } from "./components/tabs.ts";
import { DEFAULTS, type Settings } from "./settings.ts";

export interface Lesson {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly settings: Settings;
  readonly tied: boolean;
  /** The tab that a narrow screen shows. */
  readonly tab: TabName;
}

const lesson = (
  id: string,
  title: string,
  text: string,
  settings: Partial<Settings>,
  tab: TabName,
  tied = true,
): Lesson => ({ id, title, text, settings: { ...DEFAULTS, ...settings }, tied, tab });

export const LESSONS: readonly Lesson[] = [
  lesson(
    "pca",
    "Linear equals PCA",
    "Without a hidden layer and with a linear activation, the best tied autoencoder is principal component analysis (PCA). The loss falls to the dashed line, which is the error of PCA, and stays there.",
    { hidden: 0, code: 8, activation: "linear", learningRate: 0.01 },
    "map",
  ),
  lesson(
    "untie",
    "What untying costs",
    "The decoder now has its own weights, so there are nearly twice as many parameters. The two sets of weights start equal and become very different, but the loss is only a little lower.",
    { hidden: 0, code: 16, activation: "tanh", learningRate: 0.003 },
    "network",
    false,
  ),
  lesson(
    "denoise",
    "Denoising",
    "Noise is added to every input, and the network learns to output the clean image. The filters change from single pixels to strokes, because single pixels are too noisy to help. The dashed line is the error of PCA on clean inputs: PCA gets no noise.",
    { hidden: 0, code: 32, activation: "gelu", noise: 0.5, learningRate: 0.003 },
    "network",
  ),
  lesson(
    "sparse",
    "Sparse features",
    "For each digit only the four largest of 32 code units are kept; the others become 0. Each unit learns a part of a digit, such as a stroke. Step through the rows to see which four units are active.",
    { family: "topK", hidden: 0, code: 32, activation: "linear", learningRate: 0.003 },
    "network",
  ),
  lesson(
    "anomalies",
    "Anomalies",
    "The model learns from normal sensor readings only. If one sensor does not agree with the others, the reconstruction error is large. Drag the threshold until it separates the faults from the normal rows.",
    { data: "sensors", hidden: 16, code: 2, activation: "gelu", learningRate: 0.01 },
    "data",
  ),
  lesson(
    "fails",
    "One that fails",
    "A relu unit is never negative. A unit that is 0 for every row has no gradient and learns nothing more: it is dead. Here one of the two code units dies early. The map becomes a line, and the loss stays above the error of PCA. To repair it, choose tanh or linear.",
    { hidden: 0, code: 2, activation: "relu", learningRate: 0.003 },
    "map",
  ),
];
