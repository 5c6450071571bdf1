import { expect, test } from "vitest";
import * as api from "../../src/index.ts";
import { receivedError, sentError } from "../../src/worker/messages.ts";

const errors = [
  new api.DisposedError("gone"),
  new api.DivergenceError(7, Number.POSITIVE_INFINITY),
  new api.FormatError("no model"),
  new api.InvalidStateError("busy"),
  new api.InvalidTypeError("text"),
  new api.InvalidValueError("-1"),
  new api.MemoryLimitError("full"),
  new api.ThreadError("A worker died", false),
  new api.UnsupportedHostError("no SIMD"),
  new RangeError("range"),
  new TypeError("type"),
];

test.each(errors.map((error) => [error.name, error] as const))(
  "%s keeps its class, message and fields",
  (_, error) => {
    const received = receivedError(structuredClone(sentError(error)));
    expect(received).toBeInstanceOf(error.constructor);
    expect(received).toEqual(error);
    expect({ ...(received as object) }).toEqual({ ...error });
    expect((received as Error).stack).toBe(error.stack);
  },
);

test("every class of error that the package has is in the list above", () => {
  const classes = Object.entries(api).filter(([name]) => name.endsWith("Error"));
  expect(
    classes.map(([name]) => name).filter((name) => !errors.some((e) => e.name === name)),
  ).toEqual([]);
});

test("what is thrown and is no error comes back as it is", () => {
  expect(receivedError(structuredClone(sentError("enough")))).toBe("enough");
  expect(receivedError(structuredClone(sentError({ a: 1 })))).toEqual({ a: 1 });
});
