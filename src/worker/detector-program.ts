// The program of a detector's worker as text. It is a separate file, so that pages with only a model do not load it.

/** Defined by scripts/build-js.mjs. */
declare const DETECTOR_PROGRAM: string;

export const detectorProgram: string = DETECTOR_PROGRAM;
