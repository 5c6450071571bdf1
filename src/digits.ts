// `tied-autoencoder/digits`: 1,797 handwritten digits of 8 by 8 pixels, to try things on without a download.

import type { OwnBytes, OwnFloats } from "./arrays.ts";

/** The pixels as letters, "A" for 0 to "Q" for 16, and the digits; put here by scripts/build-js.mjs. */
declare const DIGITS: { readonly pixels: string; readonly labels: string };

/** Where the digits are from, for pages that show them. */
export const attribution =
  "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository (1998), CC BY 4.0";

/** Handwritten digits, one a row. */
export interface Digits {
  /** Pixels [1797, 64], row-major, 0 (paper) to 1 (ink) in steps of 1/16. */
  readonly data: OwnFloats;
  /** Which digit each row is, 0 to 9. */
  readonly labels: OwnBytes;
  /** Pixels across. */
  readonly width: 8;
  /** Pixels down. */
  readonly height: 8;
}

const DARKEST = 16;
const ZERO = "A".charCodeAt(0);

/** The digits, in fresh arrays. The order is that of the published file. */
export function digits(): Digits {
  const { pixels, labels } = DIGITS;
  return {
    data: Float32Array.from(pixels, (letter) => (letter.charCodeAt(0) - ZERO) / DARKEST),
    labels: Uint8Array.from(labels, Number),
    width: 8,
    height: 8,
  };
}
