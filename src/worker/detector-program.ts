// The program of a detector's worker as text, apart from what starts it: pages with a model alone do not load it.

/** Put here by scripts/build-js.mjs. */
declare const DETECTOR_PROGRAM: string;

export const detectorProgram: string = DETECTOR_PROGRAM;
