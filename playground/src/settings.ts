// The settings of a visitor, their choices and defaults. Links and stored sessions contain exactly these.

export const ACTIVATIONS = ["tanh", "relu", "gelu", "sigmoid", "linear"] as const;
export const FAMILIES = ["dense", "topK", "variational"] as const;
export const OPTIMIZERS = ["adam", "sgd"] as const;
export const CODE_SIZES = [1, 2, 3, 4, 8, 16, 32] as const;
export const HIDDEN_SIZES = [0, 8, 16, 32, 64] as const;
export const RATES = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1] as const;
export const NOISES = [0, 0.1, 0.2, 0.3, 0.5, 0.8] as const;
export const BATCH_SIZES = [8, 32, 128] as const;
export const SPEEDS = [1, 4, 16, 64] as const;
export const DATA_SETS = ["digits", "circles", "swissRoll", "sensors", "mnist", "own"] as const;

export type Activation = (typeof ACTIVATIONS)[number];
export type Family = (typeof FAMILIES)[number];
export type Optimizer = (typeof OPTIMIZERS)[number];
export type DataName = (typeof DATA_SETS)[number];

export interface Settings {
  readonly data: DataName;
  /** Units of the hidden layer; 0 for none. */
  readonly hidden: number;
  readonly code: number;
  readonly activation: Activation;
  readonly learningRate: number;
  /** Standard deviation of the noise that training adds to the input. */
  readonly noise: number;
  readonly family: Family;
  readonly optimizer: Optimizer;
  readonly batchSize: number;
  readonly seed: number;
}

/** The settings of the first visit: digits and a code of two numbers. */
export const DEFAULTS: Settings = {
  data: "digits",
  hidden: 32,
  code: 2,
  activation: "tanh",
  learningRate: 0.003,
  noise: 0,
  family: "dense",
  optimizer: "adam",
  batchSize: 32,
  seed: 42,
};

/** Settings that suit each data set. Choosing the data set applies them. */
export const SUITED: Readonly<Record<DataName, Partial<Settings>>> = {
  digits: { hidden: 32, activation: "tanh", learningRate: 0.003 },
  circles: { hidden: 32, code: 2, activation: "gelu", learningRate: 0.01 },
  swissRoll: { hidden: 32, code: 2, activation: "gelu", learningRate: 0.01 },
  sensors: { hidden: 16, code: 2, activation: "gelu", learningRate: 0.01 },
  mnist: { hidden: 32, activation: "tanh", learningRate: 0.001 },
  own: { hidden: 16, code: 2, activation: "gelu", learningRate: 0.003 },
};

/** Settings that suit each family: a sparse code has many linear units, a variational code has a hidden layer. */
export const SUITED_FAMILY: Readonly<Record<Family, Partial<Settings>>> = {
  dense: { hidden: 32, code: 2, activation: "tanh" },
  topK: { hidden: 0, code: 32, activation: "linear" },
  variational: { hidden: 32, code: 2, activation: "tanh" },
};

/** The number of units that a sparse code keeps: an eighth. */
export function kept(code: number): number {
  return Math.max(1, Math.round(code / 8));
}

/** The weight of the KL divergence of a variational code. */
export const BETA = 0.01;

/** A setting that may change while training runs. Other settings start a new model. */
export type LiveKey = "learningRate" | "noise";

/** A change during training, so that a link can repeat it at the same step. */
export interface Change {
  readonly step: number;
  readonly key: LiveKey;
  readonly value: number;
}
