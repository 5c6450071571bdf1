// The second worker, for what few visitors ask: reading their tables, and the detector. Its program is a file of
// its own, which the page loads when it is first needed.

import { AnomalyDetector } from "tied-autoencoder/detect";
import type { HelperAsked } from "../protocol.ts";
import { readTableFile } from "./read-table.ts";
import { progress, serve } from "./serve.ts";

let detector: AnomalyDetector | undefined;
let told = 0;

/** A message for every hundredth. */
function tell(done: number): void {
  if (Math.floor(done * 100) === told) return;
  told = Math.floor(done * 100);
  progress(done);
}

serve<HelperAsked>(async (asked) => {
  if (asked.call === "table") return readTableFile(asked.ask.file);
  if (asked.call === "detect") {
    const { values, columns } = asked.ask;
    detector?.dispose();
    detector = undefined;
    detector = await AnomalyDetector.fit(
      { data: values, shape: [values.length / columns, columns] },
      { simd: "baseline", onProgress: ({ done }) => tell(done) },
    );
    return detector.training.pValue.length;
  }
  if (!detector) throw new Error("The detector has learned nothing yet.");
  const { values } = asked.ask;
  const [pValue = Number.NaN] = detector.pValues({ data: values, shape: [1, values.length] });
  return pValue;
});
