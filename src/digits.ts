// `tied-autoencoder/digits`: 1,797 handwritten digits of 8 by 8 pixels, for trying models without a download.

import type { OwnBytes, OwnFloats } from "./arrays.ts";

/** The pixels as letters, "A" for 0 to "Q" for 16, and the labels. scripts/build-js.mjs defines it. */
declare const DIGITS: { readonly pixels: string; readonly labels: string };

/** The source of the digits, for pages that show them. */
export const attribution =
  "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository (1998), CC BY 4.0";

/** Handwritten digits, one per row. */
export interface Digits {
  /** Pixels [1797, 64], row-major, 0 (paper) to 1 (ink) in steps of 1/16. */
  readonly data: OwnFloats;
  /** The digit of each row, 0 to 9 [1797]. */
  readonly labels: OwnBytes;
  /** The width of an image in pixels. */
  readonly width: 8;
  /** The height of an image in pixels. */
  readonly height: 8;
}

const DARKEST = 16;
const ZERO = "A".charCodeAt(0);

/** The digits, in new arrays, in the order of the published file. */
export function digits(): Digits {
  const { pixels, labels } = DIGITS;
  return {
    data: Float32Array.from(pixels, (letter) => (letter.charCodeAt(0) - ZERO) / DARKEST),
    labels: Uint8Array.from(labels, Number),
    width: 8,
    height: 8,
  };
}
