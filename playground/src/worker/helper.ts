// The second worker, for what few visitors ask: reading their tables, and the detector. Its program is a file of
// its own, which the page loads when it is first needed.

import { TiedAutoencoder } from "tied-autoencoder";
import { AnomalyDetector } from "tied-autoencoder/detect";
import { report } from "tied-autoencoder/report";
import type { HelperAsked, ReportWish } from "../protocol.ts";
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

async function reportOn(wish: ReportWish): Promise<string> {
  const { title, values, width, height, kind, names, labels } = wish.data;
  const model = await TiedAutoencoder.load(wish.model, { simd: "baseline" });
  try {
    return report(model, values, {
      title: `Tied autoencoder on ${title}`,
      history: { epoch: wish.steps, history: { loss: wish.loss, valLoss: wish.heldOut } },
      ...(names.length > 0 ? { columns: names } : {}),
      ...(labels.length > 0 ? { labels } : {}),
      ...(kind === "image" ? { images: { width, height } } : {}),
      ...(Number.isFinite(wish.floor) ? { references: { PCA: wish.floor } } : {}),
    });
  } finally {
    model.dispose();
  }
}

serve<HelperAsked>(async (asked) => {
  if (asked.call === "table") return readTableFile(asked.ask.file);
  if (asked.call === "report") return reportOn(asked.ask);
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
