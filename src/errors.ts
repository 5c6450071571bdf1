// The errors the package throws, one class a kind of trouble; those of threads are beside them, in
// threads/errors.ts. A message says what was expected, what came and where, in plain sentences; it
// is raised before any state has changed.

/** A value of the wrong kind: a string where a number was expected, a flat array where rows were. */
export class InvalidTypeError extends TypeError {
  override readonly name = "InvalidTypeError";
}

/** A value of the right kind that cannot be used: a wrong width, a negative rate, an unknown name. */
export class InvalidValueError extends RangeError {
  override readonly name = "InvalidValueError";
}

/** The model and its workspace would need more than one WebAssembly memory can hold. */
export class MemoryLimitError extends RangeError {
  override readonly name = "MemoryLimitError";
}

/** The runtime lacks something the package needs, such as WebAssembly SIMD, or refused it. */
export class UnsupportedHostError extends Error {
  override readonly name = "UnsupportedHostError";
}

/** A call on a model after `dispose()`. */
export class DisposedError extends Error {
  override readonly name = "DisposedError";
}

/** A call that the model cannot take at this moment, such as training while `fit` runs. */
export class InvalidStateError extends Error {
  override readonly name = "InvalidStateError";
}

/** The loss stopped being finite. The weights are those before the step named here. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";

  constructor(
    /** Optimizer steps completed before the one that failed. */
    readonly step: number,
    /** The loss that step saw: NaN or an infinity. */
    readonly loss: number,
  ) {
    super(
      `Training diverged: the loss of step ${step} is ${loss}. The weights are those before that ` +
        "step. A smaller learning rate, clipNorm or scaled data usually help.",
    );
  }
}

/** How a value reads in a message: short, and telling a string from a number. */
export function show(value: unknown): string {
  return shown(value, 0);
}

/** `depth` counts the arrays around the value: those that lie deep in others are only counted. */
function shown(value: unknown, depth: number): string {
  if (typeof value === "string")
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) {
    if (value.length > 8 || depth > 1) return `an array of ${value.length}`;
    return `[${value.map((each) => shown(each, depth + 1)).join(", ")}]`;
  }
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  if (ArrayBuffer.isView(value))
    return `a ${value.constructor.name} of ${(value as Uint8Array).length ?? value.byteLength}`;
  const name = value.constructor?.name ?? "Object";
  return name === "Object" ? "an object" : `a ${name}`;
}

/** Names joined for a message: `"a", "b" or "c"`. */
export function oneOf(names: readonly string[]): string {
  const quoted = names.map((name) => `"${name}"`);
  return quoted.length < 2
    ? quoted.join("")
    : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

/** Where a message points for more: a section of the README that comes with the package. */
export function readmeLink(section: string): string {
  return `See tied-autoencoder/README.md#${section}`;
}
