import { expect, test } from "vitest";
import * as api from "../../src/index.ts";
import { prepareArguments } from "../../src/worker/arguments.ts";
import { CallServer } from "../../src/worker/call-server.ts";
import { serve } from "../../src/worker/host.ts";
import {
  isReply,
  isRequest,
  type Reply,
  receivedError,
  sentError,
} from "../../src/worker/messages.ts";

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

test("a thrown value that is not an Error is transported unchanged", () => {
  expect(receivedError(structuredClone(sentError("enough")))).toBe("enough");
  expect(receivedError(structuredClone(sentError({ a: 1 })))).toEqual({ a: 1 });
});

const unreadable = Object.defineProperty(new RangeError(), "message", {
  get() {
    throw new Error("unreadable");
  },
});
test.each([
  ["a function", () => 1],
  ["Symbol(odd)", Symbol("odd")],
  ["an object", { call: () => 1 }],
  ["an object", Object.assign(Object.create(null), { call: () => 1 })],
  ["a Promise", Promise.resolve()],
  ["a RangeError", unreadable],
])("a call that throws %s is answered, although that cannot be sent", async (text, thrown) => {
  const answer = await new Promise<unknown>((resolve) => {
    const server = new CallServer({
      post(message) {
        const sent: Reply = structuredClone(message); // throws for a function, as postMessage does
        if ("id" in sent) resolve(sent);
      },
      listen: (listener) => queueMicrotask(() => listener({ id: 7, call: "fit", args: [] })),
    });
    const run = () => {
      throw thrown;
    };
    server.serve({ run, state: () => undefined });
  });
  expect(isReply(answer)).toBe(true);
  expect(answer).toMatchObject({
    id: 7,
    error: {
      name: "InvalidTypeError",
      message: `The worker threw ${text}, which cannot be sent to the page.`,
    },
  });
});

test("an error whose message is no string is sent as one", () => {
  const odd = Object.assign(new Error(), { name: 3, message: { text: "odd" } });
  const reply = { id: 1, error: sentError(odd), state: undefined };
  expect(isReply(reply)).toBe(true);
  expect(receivedError(reply.error)).toEqual(new Error("[object Object]"));
});

test("a step of a run that has ended, or never began, is an error", async () => {
  const make = ["create", { layers: [2, 1], simd: "baseline" }] as [string, ...unknown[]];
  const answers = await answersTo(
    make,
    ["startSteps", [[1, 2]], { epochs: 2 }],
    ["nextStep", 1],
    ["nextStep", 0],
    ["endSteps", 1],
    ["nextStep", 1],
    ["endSteps", 1],
  );
  const ended = { name: "InvalidStateError", message: expect.stringMatching(/has ended/) };
  const step = { value: { done: false, value: { step: 1 } } };
  expect(answers).toMatchObject([{}, { value: 1 }, step, ended, {}, ended, ended]);
});

test.each(["constructor", "toString", "__proto__", "hasOwnProperty"])(
  "an error of the name %s is an Error",
  (name) => {
    const received = receivedError({ name, message: "odd", stack: undefined });
    expect(received).toBeInstanceOf(Error);
    expect((received as Error).message).toBe("odd");
  },
);

test.each([
  null,
  7,
  "ready",
  [],
  {},
  { id: "1" },
  { id: 1, error: undefined },
  { id: 1, error: null },
  { id: 1, error: { name: 3, message: "" } },
  { id: 1, state: 5 },
  { ask: {}, id: 1, callback: "onEpoch" },
  { __proto__: { ready: true } },
])("%o is no message of a worker", (message) => expect(isReply(message)).toBe(false));

test.each([
  null,
  7,
  {},
  { id: 1, call: "save" },
  { id: 1, call: 3, args: [] },
  { id: "1", call: "save", args: [] },
  { id: 1, call: "save", args: { length: 1 } },
  { abort: "1" },
])("%o is no message of a page", (message) => expect(isRequest(message)).toBe(false));

/** What a worker answers to calls that come one after another. */
async function answersTo(...calls: [call: string, ...args: unknown[]][]): Promise<object[]> {
  const answers: object[] = [];
  let hear: (message: unknown) => void = () => {};
  let answered = () => {};
  serve({
    post(message) {
      if (!("id" in message) || "ask" in message) return;
      answers.push("error" in message ? message.error : { value: message.value });
      answered();
    },
    listen(listener) {
      hear = listener;
    },
  });
  for (const [id, [call, ...args]] of calls.entries()) {
    const answer = new Promise<void>((resolve) => {
      answered = resolve;
    });
    hear("no message of ours");
    hear({ id, call, args });
    await answer;
  }
  return answers;
}

test("a worker answers every call, also one that it does not have", async () => {
  const make = ["create", { layers: [2, 1], simd: "baseline" }] as [string, ...unknown[]];
  const unknown = { name: "InvalidTypeError", message: expect.stringMatching(/has no call/) };
  const early = { name: "InvalidStateError" };
  const calls = ["constructor", "__defineGetter__", "toString", "noSuchCall", "stepCount"];
  const answers = await answersTo(
    ["fit", [[1, 2]]],
    ["encode", [[1, 2]]],
    make,
    ...calls.map((call): [string, ...unknown[]] => [call, "polluted", () => 1]),
    ["dispose"],
    ["encode", [[1, 2]]],
    make,
    ["encode", [[1, 2]]],
  );
  expect(answers).toMatchObject([
    early,
    early,
    { value: { build: "baseline" } },
    ...calls.map(() => unknown),
    { name: "DisposedError" },
    { name: "DisposedError" },
    { value: { build: "baseline" } },
    { value: expect.any(Float32Array) },
  ]);
});

test("arguments that hold themselves, or that pose as data of the worker, are refused", () => {
  const prepare = (value: unknown) =>
    prepareArguments("encode", [value], {}, false, (_): _ is never => false);
  const self: Record<string, unknown> = {};
  self.self = self;
  expect(() => prepare(self)).toThrow(api.InvalidTypeError);
  expect(() => prepare(self)).toThrow("or that holds itself");
  expect(() => prepare({ "tied-autoencoder data": 0 })).toThrow("which the package keeps");
});
