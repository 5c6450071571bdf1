// Threads never change results. Random calls of every kernel that
// threads may share give bit-identical memory on one, two and three threads. If such a call is interrupted,
// ThreadError reports correctly whether weights were partly updated.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KernelExports, signatures } from "../../src/core/generated/exports.ts";
import {
  type Kernel,
  type KernelName,
  kernelNames,
  kernelTable,
  type Use,
} from "../../src/core/kernel-table.ts";
import type { Build, Core } from "../../src/core/load.ts";
import { Board, MOST_ARGUMENTS } from "../../src/threads/board.ts";
import { ThreadError } from "../../src/threads/errors.ts";
import { Team } from "../../src/threads/team.ts";
import { availableBuilds } from "../support/builds.ts";
import {
  FIRST,
  fillCall,
  type KernelCall,
  makeCall,
  type RoomFor,
  randomCall,
  roomOn,
} from "../support/kernel-calls.ts";
import { randomNumbers } from "../support/random.ts";
import { sharedCore } from "../support/shared-core.ts";

const TRIALS = 6;
const MOST_THREADS = 3;

const sharedNames = kernelNames.filter((name) => {
  const { share, symmetric }: Kernel = kernelTable[name];
  return share !== undefined || symmetric !== undefined;
});

/** A core on some threads, and the arguments of the calls on the caller's thread since `seen` was emptied. */
interface WatchedCore extends Core {
  readonly seen: (readonly number[])[];
}

async function watchedCore(threads: number, build: Build): Promise<WatchedCore> {
  const seen: number[][] = [];
  const wrap = (exports: KernelExports): KernelExports => {
    const watched = Object.entries(exports).map(([name, kernel]) => [
      name,
      (...values: number[]) => {
        seen.push(values.slice(0, kernel.length));
        return kernel(...values);
      },
    ]);
    return Object.fromEntries(watched);
  };
  const core = await sharedCore(threads, { build, wrap });
  core.memory.grow(255);
  return Object.assign(core, { seen });
}

/** Memory after a call on given content, and its result. */
function outcome(core: WatchedCore, call: KernelCall, content: Float32Array) {
  const heap = new Float32Array(core.memory.buffer, 0, content.length);
  heap.set(content);
  core.seen.length = 0;
  const result = makeCall(core.kernels, call);
  const after = new Uint32Array(core.memory.buffer, FIRST, content.length - FIRST / 4).slice();
  for (const { array, address } of call.arrays) {
    if (array.use === "workspace") after.fill(0, (address - FIRST) / 4, call.end / 4);
  }
  return { result, memory: after };
}

test("a task has room for the arguments of every kernel", () => {
  const counts = kernelNames.map((name) => Object.keys(signatures[name]).length);
  expect(Math.max(...counts)).toBeLessThanOrEqual(MOST_ARGUMENTS);
});

describe.each(availableBuilds)("%s build: shared calls are bit-identical", (build) => {
  const cores: WatchedCore[] = [];
  beforeAll(async () => {
    for (let threads = 1; threads <= MOST_THREADS; threads++) {
      cores.push(await watchedCore(threads, build));
    }
  });
  afterAll(() => {
    for (const core of cores) core.dispose();
  });

  test.each(sharedNames)("%s", (name) => {
    const random = randomNumbers(name.length + 100);
    const [alone, ...teams] = cores as [WatchedCore, ...WatchedCore[]];
    const forOne = roomOn(alone.kernels);
    const room: RoomFor = (...sizes) => MOST_THREADS * (64 + forOne(...sizes));
    let shared = 0;
    for (let trial = 0; trial < TRIALS; trial++) {
      const call = randomCall(name, random, room, true);
      const content = new Float32Array(call.end / 4);
      fillCall(content.buffer, call, random);
      const expected = outcome(alone, call, content);
      for (const team of teams) {
        const { result, memory } = outcome(team, call, content);
        expect(result).toEqual(expected.result);
        expect(
          Buffer.compare(Buffer.from(memory.buffer), Buffer.from(expected.memory.buffer)),
        ).toBe(0);
        // A call that is not shared is run unchanged.
        const whole = call.values.join();
        if (!team.seen.some((values) => values.join() === whole)) shared += 1;
      }
    }
    expect(shared).toBeGreaterThanOrEqual(TRIALS / 2);
  });
});

describe("an interrupted call", () => {
  /** Makes a shared call that traps, after `prepare`, and returns the error. */
  function brokenOff(
    name: KernelName,
    prepare: (team: Team, call: KernelCall) => void = () => {},
  ): ThreadError {
    const random = randomNumbers(7);
    for (let trial = 0; trial < 100; trial++) {
      const call = randomCall(name, random, () => 4096, true);
      const { team, trap } = teamThatTraps();
      prepare(team, call);
      trap();
      try {
        makeCall(team.kernels, call);
      } catch (error) {
        if (error instanceof ThreadError) return error;
        // A call too small to be shared trapped on the caller's thread.
      }
    }
    throw new Error(`No call of ${name} was shared.`);
  }

  /** A team without workers that shares every call, and whose kernels trap on request. */
  function teamThatTraps() {
    let isTrapping = false;
    const kernel = () => {
      if (isTrapping) throw new Error("trap");
      return 0;
    };
    const traps = Object.fromEntries(kernelNames.map((name) => [name, kernel]));
    const exports = {
      ...traps,
      gemmWorkspace: () => 1024,
      topKWorkspace: () => 64,
    } as unknown as KernelExports;
    const team = new Team({
      exports,
      board: new Board(Board.allocate(), exports, 0),
      threads: 2,
      maySleep: false,
      workers: { lost: undefined, terminate() {} },
      always: true,
    });
    return {
      team,
      trap() {
        isTrapping = true;
      },
    };
  }

  /** Registers the arrays of a call for which `chosen` is true. */
  const guarding =
    (chosen: (use: Use, name: string) => boolean) => (team: Team, call: KernelCall) => {
      team.guard(FIRST - 512, 512); // a block that no call uses
      for (const { name, array, address, words } of call.arrays) {
        if (chosen(array.use, name)) team.guard(address, 4 * words.length);
      }
    };

  test.each(sharedNames)("%s: the report agrees with the arrays that the kernel writes", (name) => {
    const { arrays }: Kernel = kernelTable[name];
    const uses = Object.entries(arrays).map(([array, details]) => [array, details?.use] as const);
    const isRepeatable = uses.every(([, use]) => use !== "updates");
    expect(brokenOff(name).weightsIntact).toBe(isRepeatable);
    expect(
      brokenOff(
        name,
        guarding((use) => use === "reads"),
      ).weightsIntact,
    ).toBe(true);
    for (const [written, use] of uses) {
      if (use !== "writes" && use !== "updates") continue;
      const isWritten = guarding((_, array) => array === written);
      expect([written, brokenOff(name, isWritten).weightsIntact]).toEqual([written, false]);
    }
  });

  test("an output that is also an input is updated in place", () => {
    const inPlace = (_: Team, { values }: KernelCall) => {
      const [x, out] = ["x", "out"].map((each) => Object.keys(signatures.randomMask).indexOf(each));
      values[out!] = values[x!]!;
    };
    expect(brokenOff("randomMask").weightsIntact).toBe(true);
    expect(brokenOff("randomMask", inPlace).weightsIntact).toBe(false);
  });
});
