// Checks of the arguments of public calls. Each returns the accepted value, or throws an error that names the argument, the
// expected value and the given value.

import { InvalidTypeError, InvalidValueError, oneOf, show } from "./errors.ts";

/** A finite number, within [`min`, `max`] where given. */
export function finiteNumber(
  where: string,
  value: unknown,
  min = -Infinity,
  max = Infinity,
): number {
  if (typeof value !== "number")
    throw new InvalidTypeError(`${where} must be a number; got ${show(value)}.`);
  if (!Number.isFinite(value) || value < min || value > max) {
    throw new InvalidValueError(`${where} must be ${range(min, max)}; got ${value}.`);
  }
  return value;
}

/** Throws unless `value` is a function or absent. */
export function callback(where: string, value: unknown): void {
  if (value === undefined || typeof value === "function") return;
  throw new InvalidTypeError(`${where} must be a function; got ${show(value)}.`);
}

/** A finite number greater than 0. */
export function positiveNumber(where: string, value: unknown): number {
  const number = finiteNumber(where, value);
  if (number <= 0) throw new InvalidValueError(`${where} must be greater than 0; got ${number}.`);
  return number;
}

/** A number in [0, 1). */
export function fraction(where: string, value: unknown): number {
  const number = finiteNumber(where, value);
  if (number < 0 || number >= 1) {
    throw new InvalidValueError(`${where} must be at least 0 and less than 1; got ${number}.`);
  }
  return number;
}

/** A whole number of at least `min` that float64 holds exactly. */
export function wholeNumber(where: string, value: unknown, min: number): number {
  if (typeof value !== "number")
    throw new InvalidTypeError(`${where} must be a number; got ${show(value)}.`);
  if (!Number.isSafeInteger(value) || value < min) {
    throw new InvalidValueError(
      `${where} must be a whole number of at least ${min}; got ${value}.`,
    );
  }
  return value;
}

export function boolean(where: string, value: unknown): boolean {
  if (typeof value !== "boolean")
    throw new InvalidTypeError(`${where} must be true or false; got ${show(value)}.`);
  return value;
}

/** One of the given names. */
export function choice<Name extends string>(
  where: string,
  value: unknown,
  names: readonly Name[],
): Name {
  if (typeof value !== "string") {
    throw new InvalidTypeError(`${where} must be ${oneOf(names)}; got ${show(value)}.`);
  }
  if (!(names as readonly string[]).includes(value)) {
    throw new InvalidValueError(`${where} must be ${oneOf(names)}; got ${show(value)}.`);
  }
  return value as Name;
}

/** An object. `undefined` gives an empty object. */
export function record(where: string, value: unknown, what = "an object"): Record<string, unknown> {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidTypeError(`${where} must be ${what}; got ${show(value)}.`);
  }
  return value as Record<string, unknown>;
}

/** A text. Undefined if none is given. */
export function optionalText(where: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw new InvalidTypeError(`${where} must be a string; got ${show(value)}.`);
}

/** An array or a typed array. The values in it are not checked. */
export function list(where: string, value: unknown, what = "a list"): ArrayLike<unknown> {
  if (Array.isArray(value)) return value as unknown[];
  if (ArrayBuffer.isView(value) && "length" in value) return value as unknown as ArrayLike<unknown>;
  throw new InvalidTypeError(`${where} must be ${what}; got ${show(value)}.`);
}

/** An array or a typed array as numbers. A value that is not a number becomes NaN. */
export function numberList(where: string, value: unknown): Float64Array {
  const given = list(where, value, "a list of numbers");
  return Float64Array.from(given, (each) => (typeof each === "number" ? each : Number.NaN));
}

/** Labels as texts, one for each `item`. */
export function labelTexts(value: unknown, count: number, item: string): string[] {
  const labels = list("labels", value);
  if (labels.length !== count) {
    throw new InvalidValueError(
      `labels must hold one label a ${item}: ${count}; it holds ${labels.length}.`,
    );
  }
  return Array.from(labels, (label) => (typeof label === "object" ? show(label) : String(label)));
}

/** Splits `"name"` or `{ type: "name", … }` into the checked name and its options. */
export function nameAndOptions<Name extends string>(
  where: string,
  spec: unknown,
  names: readonly Name[],
): { type: Name; options: Record<string, unknown> } {
  if (typeof spec === "string") return { type: choice(where, spec, names), options: {} };
  if (typeof spec !== "object" || spec === null || Array.isArray(spec)) {
    throw new InvalidTypeError(
      `${where} must be ${oneOf(names)}, or an object with such a type; got ${show(spec)}.`,
    );
  }
  const options = record(where, spec);
  return { type: choice(`${where}.type`, options.type, names), options };
}

/** Throws for keys that are not options, so that a misspelt option is not ignored. */
export function onlyKeys(where: string, value: object, allowed: readonly string[]): void {
  const given = Object.keys(value);
  if (given.length === 0) return; // fast path: most calls have no options, and some take only 10 µs
  const names = new Set(allowed);
  const extra = given.find((key) => !names.has(key));
  if (extra === undefined) return;
  const most = 40;
  const more = allowed.length > most ? ` and ${allowed.length - most} more` : "";
  throw new InvalidValueError(
    `${where} has no option ${show(extra)}; it takes ${allowed.slice(0, most).join(", ")}${more}.`,
  );
}

/**
 * Throws if `value`, a `{ data, shape }` that must be row-major, describes a view: its elements would be taken in the wrong
 * order.
 */
export function refuseStrides(where: string, value: object): void {
  for (const key of ["stride", "strides", "offset"]) {
    if (key in value && Reflect.get(value, key) !== undefined) {
      throw new InvalidValueError(
        `${where} must be row-major; it has ${key}. Copy the view into a row-major array first.`,
      );
    }
  }
}

function range(min: number, max: number): string {
  if (min === -Infinity && max === Infinity) return "a finite number";
  if (max === Infinity) return `a finite number of at least ${min}`;
  return `between ${min} and ${max}`;
}
