// Definitions and their options. An optimizer, a loss, a penalty and everything else that a configuration can name is one
// object, a `Definition`: its name, a check for each of its options, and its functions. Public types, checks, lists of
// names and help texts derive from these objects.

import {
  boolean,
  choice,
  finiteNumber,
  fraction,
  nameAndOptions,
  onlyKeys,
  positiveNumber,
  wholeNumber,
} from "./checks.ts";
import { InvalidTypeError, InvalidValueError, oneOf, show } from "./errors.ts";

/** Checks the value of an option and returns it. For `undefined` it returns the default, if there is one. */
export type Check<Value> = (where: string, value: unknown) => Value;

/** A check for each option. A missing or an extra key is a type error. */
export type Checks<Options> = { readonly [Key in keyof Options]-?: Check<Options[Key]> };

/** Options with every default filled in. */
export type Resolved<Options> = { readonly [Key in keyof Options]-?: Options[Key] };

/** An item that a configuration can name: its `type` and the checks of its options. */
export interface Definition<Type extends string, Options extends object> {
  readonly type: Type;
  readonly options: Checks<Options>;
}

/** The name of a definition. */
export type NameOf<D> = D extends Definition<infer Type, infer _> ? Type : never;

/** The form in which users write a definition: `{ type, … }`, or only the name if no option is required. */
export type SpecOf<D> =
  D extends Definition<infer Type, infer Options>
    ? (object extends Options ? Type : never) | ({ type: Type } & Options)
    : never;

/** A specification with every default filled in: `{ type, … }`. */
export type ResolvedOf<D> =
  D extends Definition<infer Type, infer Options>
    ? { readonly type: Type } & Resolved<Options>
    : never;

/** The definitions of one kind, by name. `Base` is the common type, and `D` the union of the listed definitions. */
export class Registry<Base extends Definition<string, object>, D extends Base> {
  /** The name of the kind in messages. */
  readonly what: string;
  readonly #byName: Map<string, Base>;

  constructor(what: string, definitions: readonly D[]) {
    this.what = what;
    this.#byName = new Map(definitions.map((definition) => [definition.type, definition]));
  }

  /** All names, in the order of the definitions. */
  get names(): readonly NameOf<D>[] {
    return [...this.#byName.keys()] as NameOf<D>[];
  }

  /** All definitions. */
  get all(): readonly Base[] {
    return [...this.#byName.values()];
  }

  /** The definition of a resolved specification. */
  of(spec: { readonly type: string }): Base {
    const definition = this.#byName.get(spec.type);
    if (!definition) throw new Error(`There is no ${this.what} ${spec.type}.`);
    return definition;
  }

  /** Adds a definition, for example one from outside of this package. */
  add(definition: Base): void {
    this.#byName.set(definition.type, definition);
  }

  /** Checks a specification and fills in the defaults. `where` is the name of the option in messages. */
  resolve(where: string, spec: unknown): ResolvedOf<D> {
    const { type, options } = nameAndOptions(where, spec, this.names);
    const checks: Checks<object> = this.of({ type }).options;
    this.#requireOwn(where, type, Object.keys(options));
    try {
      const resolved = resolveOptions(`${where} "${type}"`, where, options, checks);
      return { type, ...resolved } as ResolvedOf<D>;
    } catch (error) {
      if (typeof spec === "string") requireNone(where, type, checks);
      throw error;
    }
  }

  /** Throws for an option that only other definitions have. The message names these definitions. */
  #requireOwn(where: string, type: string, given: readonly string[]): void {
    const has = (definition: Base, key: string) => key === "type" || key in definition.options;
    const foreign = given.find((key) => !has(this.of({ type }), key));
    const owners = this.all.filter((one) => foreign !== undefined && has(one, foreign));
    if (owners.length === 0) return; // no definition has it: resolveOptions throws
    const names = owners.map((owner) => owner.type);
    throw new InvalidValueError(
      `${where} ${show(type)} has no option ${show(foreign)}; the ${this.what} ${oneOf(names)} has it. Leave it out, or take one of these.`,
    );
  }
}

/** Throws for a name alone where the definition has options without a default. */
function requireNone<Options>(where: string, type: string, checks: Checks<Options>): void {
  const required = Object.entries<Check<unknown>>(checks).flatMap(([key, check]) => {
    try {
      check(key, undefined);
      return [];
    } catch {
      return [key];
    }
  });
  if (required.length === 0) return;
  const example = required.map((key) => `${key}: \u2026`).join(", ");
  throw new InvalidTypeError(
    `${where} ${show(type)} needs ${required.join(" and ")}: give { type: ${show(type)}, ${example} } instead of the name alone.`,
  );
}

/** Checks options and fills in their defaults. Options without value and default are left out. */
export function resolveOptions<Options>(
  owner: string,
  where: string,
  given: Readonly<Record<string, unknown>>,
  checks: Checks<Options>,
): Resolved<Options> {
  onlyKeys(owner, given, ["type", ...Object.keys(checks)]);
  const resolved: Record<string, unknown> = {};
  for (const [key, check] of Object.entries<Check<unknown>>(checks)) {
    const value = check(`${where}.${key}`, given[key]);
    if (value !== undefined) resolved[key] = value;
  }
  return resolved as Resolved<Options>;
}

/** The specification in its short form: only the name if there are no options. */
export function shortForm<Spec extends { readonly type: string }>(spec: Spec): Spec | Spec["type"] {
  return Object.keys(spec).length === 1 ? spec.type : spec;
}

/** The specification in its long form: `{ type, … }`. */
export function longForm<Spec extends { readonly type: string }>(
  spec: Spec | Spec["type"],
): { readonly type: Spec["type"] } {
  return typeof spec === "string" ? { type: spec } : spec;
}

// Checks for options. Without `fallback` the option is required.

/** A finite number, of at least `min`. */
export const number =
  (fallback?: number, min = -Infinity, max = Infinity): Check<number> =>
  (where, value) =>
    finiteNumber(where, value ?? fallback, min, max);

/** A number of at least 0. */
export const atLeast0 = (fallback?: number): Check<number> => number(fallback, 0);

/** A number greater than 0. */
export const positive =
  (fallback?: number): Check<number> =>
  (where, value) =>
    positiveNumber(where, value ?? fallback);

/** A number in [0, 1). */
export const share =
  (fallback?: number): Check<number> =>
  (where, value) =>
    fraction(where, value ?? fallback);

/** A whole number of at least `min`. */
export const whole =
  (min: number, fallback?: number): Check<number> =>
  (where, value) =>
    wholeNumber(where, value ?? fallback, min);

/** True or false. */
export const flag =
  (fallback: boolean): Check<boolean> =>
  (where, value) =>
    boolean(where, value ?? fallback);

/** One of the given names. */
export const nameOf =
  <Name extends string>(names: readonly Name[], fallback?: Name): Check<Name> =>
  (where, value) =>
    choice(where, value ?? fallback, names);

/** An option that may be absent and has no default. */
export const optional =
  <Value>(check: Check<Value>): Check<Value | undefined> =>
  (where, value) =>
    value === undefined ? undefined : check(where, value);
