// The errors that the package throws, one class per kind. Those of threads are in threads/errors.ts. A message says what was
// expected, what was given, and where. An error of an argument is thrown before any state changes.

/** A value of the wrong type, for example a string instead of a number, or a flat array instead of rows. */
export class InvalidTypeError extends TypeError {
  override readonly name = "InvalidTypeError";
}

/** A value of the right type that is invalid, for example a wrong width, a negative rate or an unknown name. */
export class InvalidValueError extends RangeError {
  override readonly name = "InvalidValueError";
}

/** The model and its workspace need more memory than a WebAssembly memory or the host can provide. */
export class MemoryLimitError extends RangeError {
  override readonly name = "MemoryLimitError";
}

/** The runtime does not have, or refuses, a feature that the package needs, such as WebAssembly SIMD. */
export class UnsupportedHostError extends Error {
  override readonly name = "UnsupportedHostError";
}

/** A call on a model after `dispose()`. */
export class DisposedError extends Error {
  override readonly name = "DisposedError";
}

/** A call that the current state does not allow, such as training while `fit` runs. */
export class InvalidStateError extends Error {
  override readonly name = "InvalidStateError";
}

/** The loss is not finite. The weights are those before the step `step`. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";

  constructor(
    /** The number of optimizer steps completed before the failed step. */
    readonly step: number,
    /** The loss of the failed step: NaN or an infinity. */
    readonly loss: number,
  ) {
    super(
      `Training diverged: the loss of step ${step} is ${loss}. The weights are those before that ` +
        "step. A smaller learning rate, clipNorm or scaled data usually help.",
    );
  }
}

/** A short text of a value for a message. Strings are quoted. */
export function show(value: unknown): string {
  return shown(value, 0);
}

/** `depth` is the number of arrays around the value. Of deeply nested arrays only the length is shown. */
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
  const name: unknown = value.constructor?.name;
  return typeof name !== "string" || name === "Object" ? "an object" : `a ${name}`;
}

/** Names joined for a message: `"a", "b" or "c"`. */
export function oneOf(names: readonly string[]): string {
  const quoted = names.map((name) => `"${name}"`);
  return quoted.length < 2
    ? quoted.join("")
    : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

/** A reference to a section of the package's README, for messages. */
export function readmeLink(section: string): string {
  return `See tied-autoencoder/README.md#${section}`;
}
