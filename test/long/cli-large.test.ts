// A model's file above 2 GiB, which is more than one read of Node's takes, is read as it was written.

import { statSync, writeFileSync } from "node:fs";
import { freemem } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run, temporaryFolder } from "../cli/program.ts";

const GIB = 2 ** 30;
const folder = temporaryFolder("disk");

test.skipIf(freemem() < 14 * GIB)(
  "200 million weights, saved, resumed and used",
  async () => {
    const row = (value: number) => `${Array(20_000).fill(value).join()}\n`;
    writeFileSync(join(folder, "huge.csv"), row(0.25) + row(0.5) + row(0.75));
    const train = ["train", "huge.csv", "-o", "huge.st", "-b", "2", "--autosave", "0", "-q"];
    const fresh = [...train, "--layers", "10000", "--scale", "none", "-e", "1"];
    expect(await run(folder, fresh)).toMatchObject({ code: 0, err: "" });
    expect(statSync(join(folder, "huge.st")).size).toBeGreaterThan(2 * GIB);
    expect(await run(folder, [...train, "--resume", "-e", "2"])).toMatchObject({
      code: 0,
      err: "",
    });
    const { out } = await run(folder, ["score", "huge.st", "huge.csv"]);
    expect(out).toMatch(/^error\n[\d.]+\n[\d.]+\n[\d.]+\n$/);
  },
  600_000,
);
