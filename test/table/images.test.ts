import { describe, expect, test } from "vitest";
import { rowsFrom } from "../../src/table.ts";

const image = (...data: number[]) => ({
  data: Uint8ClampedArray.from(data),
  width: data.length / 4,
  height: 1,
});

describe("rowsFrom images", () => {
  test("one channel is grey with the usual weights of colours", () => {
    const { data, shape } = rowsFrom(image(255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255));
    expect(shape).toEqual([1, 3]);
    expect([...data]).toEqual([76, 150, 29]);
  });

  test("colour is interleaved, and alpha is kept or blended with black", () => {
    const pixel = image(200, 100, 50, 51);
    expect([...rowsFrom(pixel, { channels: 4 }).data]).toEqual([200, 100, 50, 51]);
    expect([...rowsFrom(pixel, { channels: 3 }).data]).toEqual([40, 20, 10]);
  });

  test("each image is a row, and all have the same size", () => {
    const white = image(255, 255, 255, 255);
    const black = image(0, 0, 0, 255);
    const rows = rowsFrom([white, black, white]);
    expect([rows.shape, [...rows.data]]).toEqual([
      [3, 1],
      [255, 0, 255],
    ]);
    const wide = { data: new Uint8Array(8), width: 2, height: 1 };
    expect(() => rowsFrom([white, wide])).toThrow("Image 1 is 2 by 1 pixels; image 0 is 1 by 1.");
  });

  test("errors name values that are not images of bytes", () => {
    expect(() => rowsFrom({ data: new Float32Array(4), width: 1, height: 1 } as never)).toThrow(
      "Image 0 must hold bytes",
    );
    expect(() => rowsFrom({ data: new Uint8Array(3), width: 1, height: 1 })).toThrow(
      "must hold 4 bytes; it holds 3",
    );
    expect(() => rowsFrom(image(1, 2, 3, 4), { channels: 2 as 1 })).toThrow(
      "channels must be 1, 3 or 4",
    );
  });
});
