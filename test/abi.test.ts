// Checks docs/abi.md against the module: it has every export with its parameters, and a program that only
// uses that page can train.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LOSS_BLOCK } from "../assembly/ops.ts";
import { signatures } from "../src/core/generated/exports.ts";
import { kernelNames } from "../src/core/kernel-table.ts";

type Core = Record<string, (...args: number[]) => number>;

const page = readFileSync(new URL("../docs/abi.md", import.meta.url), "utf8");
const bytes = readFileSync(new URL("../build/baseline.wasm", import.meta.url));

async function instantiate(name = "baseline") {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const wasm = readFileSync(new URL(`../build/${name}.wasm`, import.meta.url));
  const { instance } = await WebAssembly.instantiate(wasm, { env: { memory } });
  return { memory, core: instance.exports as Core };
}

const documented = new Map(
  [...page.matchAll(/^\| `(\w+)\((.*?)\)` \|/gm)].map(([, name, parameters]) => [
    name!,
    parameters ? parameters.split(", ") : [],
  ]),
);

test("every kernel of the table is documented, and nothing else is", () => {
  expect([...documented.keys()].sort(), "rows of docs/abi.md").toEqual([...kernelNames].sort());
});

test.each(kernelNames)("the parameters of %s are the documented ones", async (name) => {
  const { core } = await instantiate();
  expect(documented.get(name), "its row in docs/abi.md").toEqual(Object.keys(signatures[name]));
  expect(core[name]?.length).toBe(documented.get(name)?.length);
});

test("the types of parameters are the documented ones", () => {
  const [, f32, f64] = /f32: (.*?)\. f64: (.*?)\.\n/s.exec(page)!;
  const named = { f32: parameterNames(f32!), f64: parameterNames(f64!) };
  for (const [kernel, parameters] of Object.entries(signatures)) {
    for (const [parameter, type] of Object.entries(parameters as Record<string, string>)) {
      const listed = (["f32", "f64"] as const).filter((each) => {
        const kernels = named[each].get(parameter);
        return kernels && (kernels.length === 0 || kernels.includes(kernel));
      });
      const expected = type === "f32" || type === "f64" ? [type] : [];
      expect([kernel, parameter, ...listed]).toEqual([kernel, parameter, ...expected]);
    }
  }
});

/** The parameters in a sentence such as "`a`, `b` of `x` and `y`", each with its kernels. */
function parameterNames(sentence: string): Map<string, string[]> {
  const names = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const [, before, name] of sentence.matchAll(/([^`]*)`(\w+)`/g)) {
    const isKernel =
      / of $/.test(before!.replace(/\s+/g, " ")) || (current && / and $/.test(before!));
    if (isKernel) {
      current ??= names.get([...names.keys()].at(-1)!)!;
      current.push(name!);
    } else {
      current = undefined;
      names.set(name!, []);
    }
  }
  return names;
}

test("the only import is a memory, and there is no start function, table or global", () => {
  const module = new WebAssembly.Module(bytes);
  expect(WebAssembly.Module.imports(module)).toEqual([
    { module: "env", name: "memory", kind: "memory" },
  ]);
  expect(WebAssembly.Module.exports(module).every(({ kind }) => kind === "function")).toBe(true);
});

test("abi() gives the documented version and feature bits", async () => {
  const [, version] = /The version is (\d+)\./.exec(page)!;
  const { core } = await instantiate();
  expect((core.abi!() >>> 0) >>> 16).toBe(Number(version));
  expect(core.abi!() & 1).toBe(0);
});

test("op codes are the documented ones", async () => {
  const { Activation, Loss } = await import("../assembly/ops.ts");
  for (const [section, codes] of [
    ["Activations", Activation],
    ["Losses", Loss],
  ] as const) {
    const [, text] = new RegExp(`## ${section}\\n\\nOp codes: (.*?)\\.\\s`, "s").exec(page)!;
    const listed = [...text!.matchAll(/(\d+) (\w+)/g)].map(([, code, name]) => [
      name,
      Number(code),
    ]);
    const names = Object.entries(codes).filter(([, code]) => typeof code === "number");
    expect(listed, `section ${section} of docs/abi.md`).toEqual(names);
  }
});

test("a tied layer trains with the documented calls", async () => {
  const { memory, core } = await instantiate();
  const [rows, inputs, units] = [16, 6, 2];
  let top = 1024;
  const floats = (length: number) => {
    const pointer = top;
    top += Math.ceil((length * 4) / 16) * 16;
    return pointer;
  };
  const [x, h, y, dy, dh] = [
    rows * inputs,
    rows * units,
    rows * inputs,
    rows * inputs,
    rows * units,
  ].map(floats);
  const [w, dw, m, v] = Array.from({ length: 4 }, () => floats(units * inputs));
  const partials = floats(2);
  const workspace = top;
  const most = Math.max(rows, inputs);
  top += core.gemmWorkspace!(most, most, most) >>> 0;
  memory.grow(Math.max(0, Math.ceil((top - memory.buffer.byteLength) / 65536)));

  const basis = new Float32Array(memory.buffer, x, rows * inputs);
  for (let i = 0; i < basis.length; i++) {
    const row = Math.floor(i / inputs);
    basis[i] = ((row % 4) - 1.5) * (i % inputs) * 0.1 + (row % 3) * 0.2;
  }
  core.fill!(units * inputs, m!, 0);
  core.fill!(units * inputs, v!, 0);
  core.randomUniform!(units * inputs, w!, 0, -0.4, 0.4, 1, 0, 0, 0);
  const losses: number[] = [];
  for (let k = 1; k <= 300; k++) {
    core.gemmNT!(rows, units, inputs, x!, inputs, w!, inputs, 0, h!, units, workspace);
    core.gemmNN!(rows, inputs, units, h!, units, w!, inputs, 0, y!, inputs, workspace);
    const count = rows * inputs;
    core.lossGradient!(0, 0, 0, count, y!, x!, 1 / count, dy!, partials);
    losses.push(core.sumF64!(Math.ceil(count / LOSS_BLOCK), partials) / count);
    core.gemmTN!(units, inputs, rows, h!, units, dy!, inputs, 0, dw!, inputs, workspace);
    core.gemmNT!(rows, units, inputs, dy!, inputs, w!, inputs, 0, dh!, units, workspace);
    core.gemmTN!(units, inputs, rows, dh!, units, x!, inputs, 1, dw!, inputs, workspace);
    const [stepSize, bias] = [0.02 / (1 - 0.9 ** k), 1 / Math.sqrt(1 - 0.999 ** k)];
    core.adam!(units * inputs, w!, dw!, m!, v!, stepSize, 0.9, 0.999, bias, 1e-8, 0, 1, 1);
  }
  // The rows span two directions, which two units can represent.
  expect(losses[0]).toBeGreaterThan(0.05);
  expect(losses.at(-1)).toBeLessThan(1e-5);
});
