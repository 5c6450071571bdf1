import { describe, expect, test } from "vitest";
import { drawFilters, drawImages } from "../../src/view.ts";
import { elements, imagesIn, paper, texts } from "./marks.ts";

describe("drawImages", () => {
  test("a row is an image, black at the low end and white at the high one", () => {
    const svg = drawImages([[0, 0.5, 1, 0.25]], { width: 2 });
    const [image] = imagesIn(svg);
    expect([image?.width, image?.height]).toEqual([2, 2]);
    expect(image?.at(0, 0)).toEqual([0, 0, 0]);
    expect(image?.at(1, 0)).toEqual([128, 128, 128]);
    expect(image?.at(0, 1)).toEqual([255, 255, 255]);
    expect(image?.at(1, 1)).toEqual([64, 64, 64]);
  });

  test("inverted draws high values dark; values outside the range are clamped", () => {
    const svg = drawImages([[-9, 0, 50, 100]], {
      width: 4,
      height: 1,
      inverted: true,
      range: [0, 50],
    });
    const [image] = imagesIn(svg);
    expect([0, 1, 2, 3].map((x) => image?.at(x, 0)[0])).toEqual([255, 255, 0, 0]);
  });

  test("the default range is [0, 1], extended to all values", () => {
    const [image] = imagesIn(drawImages([[0, 255, Number.NaN]], { width: 3, height: 1 }));
    expect([0, 1, 2].map((x) => image?.at(x, 0)[0])).toEqual([0, 255, 128]);
  });

  test("three channels are red, green and blue, pixel by pixel", () => {
    const rows = Float32Array.of(1, 0, 0, 0, 1, 0);
    const [image] = imagesIn(drawImages(rows, { width: 2, height: 1, channels: 3 }));
    expect(image?.at(0, 0)).toEqual([255, 0, 0]);
    expect(image?.at(1, 0)).toEqual([0, 255, 0]);
  });

  test("images are in lines with gaps and do not overlap", () => {
    const svg = drawImages(new Float32Array(5 * 9), { width: 3, perRow: 2, scale: 10 });
    expect(elements(svg, "image").map(({ x, y }) => [x, y])).toEqual([
      ["0", "0"],
      ["34", "0"],
      ["0", "34"],
      ["34", "34"],
      ["0", "68"],
    ]);
    expect(elements(svg, "svg")[0]).toMatchObject({ width: "64", height: "98", role: "img" });
  });

  test("captions are escaped", () => {
    const captions = ['<script>alert("1")</script>\u0000'];
    const svg = drawImages([[0]], { width: 1, captions, showCaptions: true });
    expect(svg).not.toContain("<script");
    expect(svg).not.toContain("\u0000");
    expect(texts(svg)).toEqual(["&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"]);
  });

  test("on a canvas it paints the same pixels and returns the text alternative", () => {
    const { context, at } = paper(20, 10);
    const said = drawImages([[0, 1, 1, 0]], { width: 2, scale: 4, context, title: "Faces" });
    expect(said).toBe("Faces. 1 images of 2 by 2 pixels; values from 0 (dark) to 1.");
    expect([at(0, 0), at(3, 3), at(4, 0), at(0, 4), at(7, 7)]).toEqual([
      "#000000",
      "#000000",
      "#ffffff",
      "#ffffff",
      "#000000",
    ]);
    expect(at(9, 0)).toBe("");
  });

  test("on the canvas of a page it draws the same device pixels", () => {
    const image = [[0, 1, 0.5, 1, 0, 0.25]];
    const options = { width: 3, height: 2, scale: 5 };
    const [fine, plain] = [paper(30, 20, 2), paper(15, 10)];
    drawImages(image, { ...options, context: fine.context });
    drawImages(image, { ...options, context: plain.context });
    for (let y = 0; y < 20; y++) {
      for (let x = 0; x < 30; x++) expect(fine.at(x, y)).toBe(plain.at(x >> 1, y >> 1));
    }
    const odd = paper(40, 40, 1.5); // pixels whose size is not a whole number of device pixels
    drawImages(image, { ...options, context: odd.context });
    expect([odd.at(0, 0), odd.at(22, 14), odd.at(23, 0)]).toEqual(["#000000", "#404040", ""]);
  });

  test("a large image is one PNG with valid checksums", () => {
    const [image] = imagesIn(drawImages([new Float32Array(256 * 256).fill(1)], { width: 256 }));
    expect(image?.at(255, 255)).toEqual([255, 255, 255]);
  });

  test("rows that are not such images are refused with a reason", () => {
    expect(() => drawImages([[1, 2, 3]], { width: 2 })).toThrow("Row 0 of rows must hold 4 values");
    expect(() => drawImages([[1]], { width: 1, range: [1, 1] })).toThrow(
      "range must be [low, high]",
    );
    expect(() => drawImages([[1]], { width: 1, channels: 2 as 1 })).toThrow(
      "channels must be 1 or 3",
    );
    expect(() => drawImages([[1]], {} as { width: number })).toThrow("width must be a number");
  });
});

test.each([
  ["drawImages", drawImages],
  ["drawFilters", drawFilters],
])("%s without options names the missing option", (name, draw) => {
  // @ts-expect-error: the options are required
  expect(() => draw([[0, 1, 2, 3]])).toThrow(
    `${name} needs options, such as { width: 28 }; got undefined.`,
  );
});

test("a caption that is no text is refused with its place", () => {
  expect(() => drawImages([[1]], { width: 1, captions: [3 as never] })).toThrow(
    "captions[0] must be a string; got 3",
  );
});
